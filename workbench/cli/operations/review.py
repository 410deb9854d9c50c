"""``workbench review``: the checklists of the documents, judged where data can, ticked off where only people can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say

#: Verb -> what it is for.
_VERBS = {
    "morning": "the start of the day: overnight alerts, health, backups",
    "day": "what is watched through the day",
    "evening": "the end of the day",
    "weekday": "what the weekly list gives to this day of the week",
    "week": "the weekly list",
    "month": "the monthly list",
    "quarter": "the quarterly list",
    "year": "the yearly list",
    "all": "every item of every list",
}


@click.group()
def review() -> None:
    """Reviews: every item of the documents' checklists with verdict, number and what changed.

    \b
    Example:
      workbench review morning counterfactual-lab
    """


def _verb(name: str, purpose: str) -> Callable[..., None]:
    def show(
        state: Any, /, systems: tuple[str, ...], as_of: str, finish: bool, note: str, check: bool, format_: str
    ) -> None:
        import sys

        from workbench.charts.reviews import tables
        from workbench.core.timerange import parse_instant
        from workbench.studies import finish_review, system_review

        context = state.context()
        now = context.clock()
        at = min(now, parse_instant(as_of, zone=context.zone)) if as_of else now
        studies = [
            system_review(context, system=system, review=name, as_of=at) for system in systems or context.systems
        ]
        if format_ == "json":
            print_json([study.to_dict() for study in studies])
        elif format_ == "csv":
            rows = [{"system": s.system, **row} for s in studies for row in s.results["items"].frame.to_dict("records")]
            print_csv(rows)
        for study in studies:
            if format_ == "table" and len(study.results["items"].frame):
                print_table(tables.item_rows(study.results["items"]))
            say(f"{study.system}: {tables.review_finding(study)!r}")
            for text in study.warnings:
                say(f"Note: {text}")
            if finish:
                finish_review(context, study, note=note, at=now)
        if check and any(study.status == "at_risk" for study in studies):
            sys.exit(1)

    show.__name__ = name
    show.__doc__ = f"""Show {purpose}.

    \b
    Examples:
      workbench review {name}
      workbench review {name} counterfactual-lab --finish --note "handed over to Ana"
    """
    options = (
        click.option("--as-of", default="", help="Instant of the review (ISO 8601); now by default."),
        click.option("--finish", is_flag=True, help="Keep the verdicts: the next review says what changed since."),
        click.option("--note", default="", help="Note kept with --finish."),
        click.option("--check", is_flag=True, help="Exit 1 when an item needs attention."),
    )
    command: Any = format_option(click.pass_obj(show))
    for option in reversed(options):
        command = option(command)
    return click.command(name)(click.argument("systems", nargs=-1)(command))


for _name, _purpose in _VERBS.items():
    review.add_command(_verb(_name, _purpose))  # type: ignore[arg-type]


@review.command()
@click.argument("system")
@click.argument("item")
@click.option("--note", default="", help="What was found.")
@click.pass_obj
def tick(state: Any, system: str, item: str, note: str) -> None:
    """Tick off an item that only people can answer, with your name; the next review shows it.

    \b
    Example:
      workbench review tick counterfactual-lab test-disaster-recovery --note "restore took 22 min"
    """
    from workbench.studies import tick_item

    context = state.context()
    ticked = tick_item(context, system=system, item=item, note=note, at=context.clock())
    say(f"Ticked off by {context.identity.name}: {ticked.text}.")
