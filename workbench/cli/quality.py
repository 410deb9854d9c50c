"""``workbench quality``: drift of scores, the numbers of the quality page and the report."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say
from workbench.cli.shared.question import Request, question


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
    type=click.Choice(["states", "drifts", "coincidences", "levels", "limits", "documented"]),
    default="states",
    show_default=True,
    help="Which table to print.",
)
@click.option("--check", is_flag=True, help="Exit 1 when a score drifts or breaks a limit at the end of the period.")
@question
def status(
    request: Request,
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

    study = request.answer(quality_drift)
    texts = {
        "states": tables.state_rows,
        "drifts": tables.drift_rows,
        "coincidences": tables.coincidence_rows,
        "levels": tables.level_rows,
        "limits": tables.limit_rows,
        "documented": tables.documented_rows,
    }
    request.show(
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
@click.option("--unit", default="", help="Column of who was assigned to an arm, e.g. user: the tests count units.")
@click.option("--margin", type=float, help="Largest loss of score that counts as none.")
@click.option("--split", default="50,50", show_default=True, help="Shares of traffic that the two should have.")
@click.option("--any-time", is_flag=True, help="Intervals that hold however often you look, for a running test.")
@format_option
@click.pass_obj
def compare(
    state: Any, rows: str, arm: str, score: str, arms: str | None, item: str, segment: str, cost: str, latency: str,
    before: str, unit: str, margin: float | None, split: str, any_time: bool, format_: str,
) -> None:  # fmt: skip
    """Compare two models or variants by ROWS of answers: a table of the settings, or a CSV or Parquet file.

    The sample ratio is checked first. "No difference shown" is not "shown equal": that needs a --margin.

    \b
    Examples:
      workbench quality compare answers.csv --arm model --score correct --item id
      workbench quality compare test.parquet --arm variant --score rating --segment country --margin 0.05
      workbench quality compare test.parquet --arm variant --score rating --unit user
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
        columns=Columns(arm, score, item, segment, cost, latency, before, unit),
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


@quality.command()
@click.argument("rows")
@click.option("--time", "time", default="", help="Column of the instant of an answer: compares the last days.")
@click.option("--by", default="", help="Column whose values are compared, e.g. model.")
@click.option("--sides", help="Reference and now of --by, e.g. gpt-4-0314,gpt-4-0613; else the two that there are.")
@click.option("--columns", default="", help="Columns that are judged, by commas; by default all that can be.")
@click.option("--segment", default="", help="Column by whose values the rows are judged as well.")
@click.option("--since", help="From when on it is now, ISO 8601; by default the last --days days of the rows.")
@click.option("--until", help="End of now, ISO 8601; by default after the last row.")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1), help="Length of now, in days.")
@click.option(
    "--reference-days", default=28, show_default=True, type=click.IntRange(1), help="Length of the reference."
)
@click.option("--false-share", default=0.01, show_default=True, type=click.FloatRange(0, 0.5, min_open=True),
              help="Share of the drifts named that may be false.")  # fmt: skip
@click.option("--least", default=0.02, show_default=True, type=click.FloatRange(0, 1),
              help="Smallest share of answers that must have moved; less is called small.")  # fmt: skip
@click.option("--show", type=click.Choice(["columns", "mix"]), default="columns", show_default=True,
              help="The verdicts, or what each segment contributed.")  # fmt: skip
@click.option("--check", is_flag=True, help="Exit 1 when a column drifts.")
@format_option
@click.pass_obj
def drift(
    state: Any, rows: str, time: str, by: str, sides: str | None, columns: str, segment: str, since: str | None,
    until: str | None, days: int, reference_days: int, false_share: float, least: float, show: str, check: bool,
    format_: str,
) -> None:  # fmt: skip
    """Judge the columns of ROWS of answers: a table of the settings, or CSV or Parquet files (a pattern is allowed).

    Numbers are tested by Anderson-Darling, shares by Fisher or chi-square, categories by chi-square, missing values
    apart. With --time, whole days are the units of the tests from 14 days of reference on.

    \b
    Examples:
      workbench quality drift answers.parquet --time created_at --segment country
      workbench quality drift answers.csv --by model --sides gpt-4-0314,gpt-4-0613 --columns correct,latency
      workbench quality drift 'logs/*.parquet' --time ts --since 2026-11-01 --check
    """
    from workbench.charts.quality.column_tables import COLUMN_TEXT, column_rows, column_sentence, mix_rows
    from workbench.core.errors import ParameterError
    from workbench.core.timerange import parse_instant
    from workbench.studies.quality.rows import Split, rows_drift

    pair = sides.split(",") if sides else None
    if pair is not None and len(pair) != 2:
        raise ParameterError(f"{sides!r} names {len(pair)} sides, two are compared.", hint="--sides REFERENCE,NOW.")
    first, last = (parse_instant(text, zone=state.settings.zone) if text else None for text in (since, until))
    answer = rows_drift(
        state.context(),
        rows=rows,
        split=Split(by, (pair[0], pair[1]) if pair else None, time, first, last, days, reference_days),
        columns=[name for name in columns.split(",") if name],
        segment=segment,
        alpha=false_share,
        least=least,
    )
    changes, mix = answer.drift.changes, answer.drift.mix
    result = changes if show == "columns" else mix
    if format_ == "json":
        print_json({**result.to_dict(), "compared": [answer.reference, answer.now]})
    elif format_ == "csv":
        print_csv(result.to_frame().to_dict(orient="records"))
    else:
        table = column_rows(changes) if show == "columns" else mix_rows(mix)
        if table:
            print_table(table, right=[name for name in table[0] if name not in COLUMN_TEXT])
        else:
            say("No mix: name a --segment, and judge numbers.")
        say(f"Reference: {answer.reference}. Now: {answer.now}.")
        say(column_sentence(changes, mix))
    for note in (*changes.notes, *answer.notes):
        say(f"Note: {note}")
    if check and (changes.frame["verdict"] == "drift").any():
        raise SystemExit(1)


@quality.command()
@click.argument("reference")
@click.argument("now")
@click.option("--probability", required=True, help="Column of the probability of class 1.")
@click.option("--predicted", required=True, help="Column of the class predicted, 0 or 1.")
@click.option("--truth", required=True, help="Column of the true class; NOW may lack it.")
@click.option("--chunk", default="", help="Column of NOW whose values are the chunks; else ten parts in their order.")
@click.option("--check", is_flag=True, help="Exit 1 when an estimate leaves the band of the reference.")
@format_option
@click.pass_obj
def estimate(
    state: Any, reference: str, now: str, probability: str, predicted: str, truth: str, chunk: str, check: bool,
    format_: str,
) -> None:  # fmt: skip
    """Estimate accuracy and ROC AUC of a classifier on rows without labels, from its confidence.

    REFERENCE and NOW are tables of the settings, or CSV or Parquet files. What the estimate cannot see is printed.

    \b
    Example:
      workbench quality estimate before.csv now.csv --probability p --predicted class --truth label
    """
    from workbench.charts.quality.estimate_tables import ESTIMATE_TEXT, estimate_rows, estimate_sentence
    from workbench.studies.quality.estimate import PredictionColumns, performance_estimate

    columns = PredictionColumns(probability, predicted, truth, chunk)
    result = performance_estimate(state.context(), reference=reference, now=now, columns=columns)
    if format_ == "json":
        print_json(result.to_dict())
    elif format_ == "csv":
        print_csv(result.to_frame().to_dict(orient="records"))
    else:
        table = estimate_rows(result)
        print_table(table, right=[name for name in table[0] if name not in ESTIMATE_TEXT])
        say(estimate_sentence(result))
    for note in result.notes:
        say(f"Note: {note}")
    if check and result.alarmed:
        raise SystemExit(1)
