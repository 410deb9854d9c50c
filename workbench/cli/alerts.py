"""``workbench alerts``: load of alerts against published limits, the numbers of the alerts page and the report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, say, write_text
from workbench.cli.shared.period import PeriodOptions, period_options
from workbench.cli.shared.question import Request, question


@click.group()
def alerts() -> None:
    """Episodes of alerts: how often, how long, which flap, stand or come in heaps.

    \b
    Example:
      workbench alerts status counterfactual-lab --period last-month
    """


@alerts.command()
@click.option(
    "--show",
    type=click.Choice(["rules", "measures", "episodes", "noisiest", "bursts", "interruptions", "shifts", "tags"]),
    default="rules",
    show_default=True,
    help="Which table to print.",
)
@click.option("--people", default=1, show_default=True, help="People on call at a time; limits are per person.")
@click.option("--without", multiple=True, help="Label that makes no alert of its own, e.g. replica.")
@question
def status(
    request: Request,
    show: str,
    people: int,
    without: tuple[str, ...],
) -> None:
    """Print one line per rule: episodes, durations, flapping, stale; or another table.

    \b
    Examples:
      workbench alerts status counterfactual-lab
      workbench alerts status counterfactual-lab --show measures --people 2
      workbench --zone Europe/Warsaw alerts status counterfactual-lab --show shifts
      workbench alerts status counterfactual-lab --show episodes --last 7d --format csv
    """
    from workbench.charts.alerts import tables
    from workbench.studies import alert_load

    study = request.answer(alert_load, positions=people, without=without)
    texts = {
        "rules": tables.rule_rows,
        "measures": tables.measure_rows,
        "episodes": tables.episode_rows,
        "noisiest": tables.noisiest_rows,
        "bursts": tables.burst_rows,
        "interruptions": tables.interruption_rows,
        "shifts": tables.shift_rows,
        "tags": tables.tag_rows,
    }
    request.show(
        study,
        texts[show](study.results[show]),
        csv=study.results[show].to_frame().to_dict(orient="records"),
        right=lambda name: name not in tables.TEXT,
        finding=tables.alerts_finding(study),
    )


@alerts.command()
@click.option("--least", default=2.0, show_default=True, help="Percentage of a budget from which a burn is an event.")
@click.option("--without", multiple=True, help="Label that makes no alert of its own, e.g. replica.")
@question
def rules(request: Request, least: float, without: tuple[str, ...]) -> None:
    """Print which rule earns its pages: precision, recall, detection time, pages without use.

    A rule is held against the burns of the objectives that its profile entry names, and against incidents written down
    with `workbench slo annotate`. A rule that guards no objective is not judged, which is not 0 %.

    \b
    Examples:
      workbench alerts rules counterfactual-lab --month last-month
      workbench alerts rules conduit --least 5 --format csv
    """
    from workbench.charts.alerts.worth_tables import TEXT, worth_finding, worth_rows
    from workbench.studies import alert_rule_worth

    study = request.answer(alert_rule_worth, least_share=least / 100, without=without)
    worth = study.results["worth"]
    request.show(
        study,
        worth_rows(worth),
        csv=worth.to_frame().to_dict(orient="records"),
        right=lambda name: name not in TEXT,
        finding=worth_finding(study),
    )


@alerts.command()
@click.argument("system")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--level",
    type=click.Choice(["error", "warning", "info"]),
    default="info",
    show_default=True,
    help="Least level of problems to print.",
)
@click.option("--scrape", default="15s", show_default=True, help="Time between scrapes of the targets.")
@click.option("--offline", is_flag=True, help="Do not ask the source for its metrics and the history of alerts.")
@format_option
@click.pass_obj
def lint(state: Any, system: str, file: Path, level: str, scrape: str, offline: bool, format_: str) -> None:
    """Check a rule file: unknown metrics, joins that never match, alerts that always or never fire, and more.

    Reads a Prometheus rule file, a bare list of rules, or the rules in a Markdown document. Exits 1 when there is an
    error or a warning. Every check has a stable name; docs/alerts.md says what each means.

    \b
    Examples:
      workbench alerts lint choreoai alerts.yml
      workbench alerts lint conduit alerts.yml --offline --level warning
    """
    from workbench.charts.alerts.lint_text import lint_finding, problem_texts
    from workbench.core.timerange import duration_ms
    from workbench.studies import alert_lint

    context = state.context()
    study = alert_lint(
        context, system=system, path=file, as_of=context.clock(), scrape_ms=duration_ms(scrape), history=not offline
    )
    problems = study.results["problems"]
    if format_ == "json":
        print_json(study.to_dict())
    elif format_ == "csv":
        print_csv(problems.to_frame().to_dict(orient="records"))
    else:
        for text in problem_texts(problems, level=level):
            click.echo(text)
        say(str(lint_finding(problems)))
    for warning in study.warnings:
        say(f"Note: {warning}")
    sys.exit(1 if study.status == "at_risk" else 0)


@alerts.command()
@click.option("--rule", "names", multiple=True, help="Rule to tune; by default those that page most for nothing.")
@click.option(
    "--file",
    "rule_file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Rule file in which the proposals are written as a diff on stdout; promtool checks it where it is installed.",
)
@click.option(
    "--tests",
    "test_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --file: write a promtool unit test of each changed rule into this file.",
)
@question
def tune(request: Request, names: tuple[str, ...], rule_file: Path | None, test_file: Path | None) -> None:
    """Replay rules with other `for`, `keep_firing_for`, thresholds and grouping, and propose what pages less.

    Settings are chosen on the first two thirds of the period, so that no burn of a budget is lost and none is told more
    than 10 minutes later, and judged on the last third. The longer the period, the better the choice.

    \b
    Examples:
      workbench alerts tune counterfactual-lab --last 90d
      workbench alerts tune choreoai --last 90d --rule HighErrorRate --file alerts.yml
      workbench alerts tune choreoai --last 90d --file alerts.yml --tests alerts.test.yml
    """
    from workbench.charts.alerts.tuning_tables import TEXT, tuning_finding, tuning_rows
    from workbench.cli.promtool import checked
    from workbench.studies import alert_rule_tuning
    from workbench.studies.authoring.rule_change_tests import changed_rule_tests
    from workbench.studies.authoring.rule_changes import changed_rules

    study = request.answer(alert_rule_tuning, rules=names)
    tuning = study.results["tuning"]
    if rule_file is not None:
        changed = changed_rules(rule_file, tuning.to_frame())
        click.echo(changed.diff, nl=False)
        tests, missing = changed_rule_tests(changed.text, tuning.to_frame(), rule_file.name)
        if test_file is not None and tests:
            write_text(test_file, tests)
        for note in (*changed.notes, *missing, *checked(changed.text, name=rule_file.name, tests=tests)):
            say(f"Note: {note}")
        return
    if test_file is not None:
        raise click.UsageError("--tests needs --file, the rule file that is changed.")
    request.show(
        study,
        tuning_rows(tuning),
        csv=tuning.to_frame().to_dict(orient="records"),
        right=lambda name: name not in TEXT,
        finding=tuning_finding(study),
    )


@alerts.command()
@click.argument("system")
@click.option("--tag", type=click.Choice(["useful", "no action"]), required=True, help="What to say of the alerts.")
@click.option("--rule", default="", help="Alerts of this rule only.")
@click.option("--labels", default="", help="Alerts whose labels hold this text, e.g. instance=lab-2.")
@click.option("--note", default="", help="Why.")
@click.option("--again", is_flag=True, help="Also alerts that are tagged already.")
@click.option("--without", multiple=True, help="Label that makes no alert of its own, e.g. replica.")
@period_options
@click.pass_obj
def tag(
    state: Any,
    /,
    system: str,
    tag: str,
    rule: str,
    labels: str,
    note: str,
    again: bool,
    without: tuple[str, ...],
    period: PeriodOptions,
) -> None:
    """Say of alerts whether they were useful, one or many at once; your name is kept with it.

    Every alert that began in the period and fits is tagged, and the number is printed. See them again with
    `workbench alerts status SYSTEM --show tags`.

    \b
    Examples:
      workbench alerts tag conduit --tag "no action" --rule CacheStatisticsDrift --last 7d --note "Known, see OPS-12"
      workbench alerts tag conduit --tag useful --from 2026-10-12T09:00Z --to 2026-10-12T10:00Z
    """
    from workbench.studies.alerts.tags import tag_alerts

    context = state.context()
    span, as_of = period.read(context.clock(), context, default="7d")
    count = tag_alerts(
        context, system=system, range=span, as_of=as_of, tag=tag, rule=rule, labels=labels, note=note,
        again=again, without=without,
    )  # fmt: skip
    click.echo(f"{count}")
    say(f"{count} alert{'s' if count != 1 else ''} tagged {tag!r}.")


@alerts.command()
@click.option("--change", help="Compare the alerts before and after this instant, ISO 8601, e.g. of a rule change.")
@click.option("--without", multiple=True, help="Label that makes no alert of its own, e.g. replica.")
@question
def review(request: Request, change: str | None, without: tuple[str, ...]) -> None:
    """Print alerts that came together as incidents, rules that fire together, cascades, before and after a change.

    Where a table of incidents has a column acknowledged_at, also how soon people acknowledged and resolved them.

    \b
    Examples:
      workbench alerts review llm-ab-testing --month last-month
      workbench alerts review conduit --last 60d --change 2026-10-12T09:00Z
    """
    from workbench.charts.alerts.tables import alerts_finding
    from workbench.charts.alerts.together_tables import (
        TEXT,
        cascade_rows,
        change_rows,
        incident_rows,
        pair_rows,
        response_rows,
    )
    from workbench.core.timerange import parse_instant
    from workbench.studies import alert_review

    at = parse_instant(change, zone=request.state.settings.zone) if change else None
    study = request.answer(alert_review, change=at, without=without)
    tables = [
        incident_rows(study.results["incidents"]),
        pair_rows(study.results["pairs"]),
        cascade_rows(study.results["cascades"]),
    ]
    if "responses" in study.results:
        tables.append(response_rows(study.results["responses"]))
    if at is not None:
        tables.append(change_rows(study.results["change"]))
    request.show(
        study,
        *tables,
        csv=study.results["incidents"].to_frame().to_dict(orient="records"),
        right=lambda name: name not in TEXT,
        finding=alerts_finding(study),
    )


@alerts.command()
@question
def silences(request: Request) -> None:
    """Print what silences kept quiet, which of them nobody answers for, and how many notifications are left.

    Silences are those that `workbench collect` wrote down; notifications come from Alertmanager's JSON lines.

    \b
    Example:
      workbench alerts silences conduit --last 30d
    """
    from workbench.charts.alerts.together_tables import TEXT, silence_rows, stage_rows
    from workbench.studies import alert_suppression

    study = request.answer(alert_suppression)
    request.show(
        study,
        stage_rows(study.results["stages"]),
        silence_rows(study.results["silences"]),
        csv=study.results["silences"].to_frame().to_dict(orient="records"),
        right=lambda name: name not in TEXT,
    )
