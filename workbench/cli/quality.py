"""``workbench quality``: drift of scores, the numbers of the quality page and the report."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say
from workbench.cli.shared.question import Asked, question


@click.group()
def quality() -> None:
    """Scores of quality and bias against a reference of weeks.

    \b
    Example:
      workbench quality status counterfactual-lab --period last-month
    """


@quality.command()
@click.option(
    "--show",
    type=click.Choice(["states", "drifts", "limits", "documented"]),
    default="states",
    show_default=True,
    help="Which table to print.",
)
@click.option("--check", is_flag=True, help="Exit 1 when a score drifts or breaks a limit at the end of the period.")
@question
def status(
    asked: Asked,
    show: str,
    check: bool,
) -> None:
    """Print one line per score: last day, reference, interval, verdict; or another table.

    \b
    Examples:
      workbench quality status counterfactual-lab
      workbench quality status counterfactual-lab --show drifts --period last-month
      workbench quality status counterfactual-lab --check
    """
    from workbench.charts.quality import tables
    from workbench.studies import quality_drift

    study = asked.answer(quality_drift)
    texts = {
        "states": tables.state_rows,
        "drifts": tables.drift_rows,
        "limits": tables.limit_rows,
        "documented": tables.documented_rows,
    }
    asked.show(
        study,
        texts[show](study.results[show]),
        csv=study.results[show].to_frame().to_dict(orient="records"),
        right=lambda name: name not in tables.TEXT,
        finding=tables.quality_finding(study),
        check=check,
    )


@quality.command()
@click.argument("system")
@click.option("--score", required=True, help="Role of the profile, e.g. quality or bias.age.")
@click.option("--series", default="all", show_default=True, help="Series of the score, as tables show it.")
@click.option("--at", "since", help="From when on, ISO 8601; now by default.")
@click.option("--note", required=True, help="Why the level is accepted.")
@click.pass_obj
def accept(state: Any, system: str, score: str, series: str, since: str | None, note: str) -> None:
    """Accept the level of a score as its new usual: an open drift of it ends; print the id.

    The acceptance keeps your name and the time. Take it back with `workbench slo annotate revoke`.

    \b
    Example:
      workbench quality accept counterfactual-lab --score quality --series "method icg" --note "New training data"
    """
    from workbench.core.timerange import parse_instant
    from workbench.studies.quality.accepted import accept_level

    context = state.context()
    at = parse_instant(since, zone=state.settings.zone) if since else context.clock()
    click.echo(accept_level(context, system=system, score=score, at=at, note=note, series=series).id)


@quality.command()
@click.argument("rows")
@click.option("--arm", required=True, help="Column of the model or variant.")
@click.option("--score", required=True, help="Column of the score: numbers, true/false or pass/fail.")
@click.option("--arms", help="First (the base) and second, e.g. gpt-4-0314,gpt-4-0613; else the two that there are.")
@click.option("--item", default="", help="Column of what both answered: makes the comparison paired.")
@click.option("--segment", default="", help="Column to compare by as well; p values are adjusted (Holm).")
@click.option("--cost", default="", help="Column of the cost of an answer: adds cost and cost per success.")
@click.option("--latency", default="", help="Column of the latency of an answer.")
@click.option("--before", default="", help="Column of a value from before the test (CUPED).")
@click.option("--margin", type=float, help="Largest loss of score that counts as none.")
@click.option("--split", default="50,50", show_default=True, help="Shares of traffic that the two should have.")
@click.option("--any-time", is_flag=True, help="Intervals that hold however often you look, for a running test.")
@format_option
@click.pass_obj
def compare(
    state: Any, rows: str, arm: str, score: str, arms: str | None, item: str, segment: str, cost: str, latency: str,
    before: str, margin: float | None, split: str, any_time: bool, format_: str,
) -> None:  # fmt: skip
    """Compare two models or variants by ROWS of answers: a table of the settings, or a CSV or Parquet file.

    The sample ratio is checked first. "No difference shown" is not "shown equal": that needs a --margin.

    \b
    Examples:
      workbench quality compare answers.csv --arm model --score correct --item id
      workbench quality compare test.parquet --arm variant --score rating --segment country --margin 0.05
      workbench quality compare answers.csv --arm model --score correct --cost cost --latency latency --any-time
    """
    from workbench.analysis.quality.compare import Columns
    from workbench.charts.quality.compare_tables import COMPARISON_TEXT, comparison_rows, comparison_sentence
    from workbench.core.errors import ParameterError
    from workbench.studies.quality.compare import model_comparison

    try:
        first_share, second_share = (float(part) for part in split.split(","))
    except ValueError:
        raise ParameterError(f"{split!r} is no split.", hint="Write two shares, e.g. --split 90,10.") from None
    names = arms.split(",") if arms else None
    if names is not None and len(names) != 2:
        raise ParameterError(f"{arms!r} names {len(names)} arms, two are compared.", hint="Write --arms FIRST,SECOND.")
    result = model_comparison(
        state.context(),
        rows=rows,
        columns=Columns(arm, score, item, segment, cost, latency, before),
        arms=(names[0], names[1]) if names else None,
        expected=(first_share, second_share),
        margin=margin,
        any_time=any_time,
    )
    if format_ == "json":
        print_json(result.to_dict())
    elif format_ == "csv":
        print_csv(result.to_frame().to_dict(orient="records"))
    else:
        table = comparison_rows(result)
        print_table(table, right=[name for name in table[0] if name not in COMPARISON_TEXT])
        say(comparison_sentence(result))
    for note in result.notes:
        say(f"Note: {note}")
