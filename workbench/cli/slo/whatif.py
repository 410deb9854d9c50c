"""``workbench slo whatif``: history judged by other targets and thresholds."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.output import exit_by_status, format_option, print_csv, print_json, print_table, say
from workbench.cli.shared.period import PeriodOptions, period_options


@click.command()
@click.argument("system")
@click.argument("slo_id", metavar="[SLO]", required=False)
@click.option("--slo", "named", help="The objective, as for the other verbs, in place of SLO.")
@click.option("--target", "targets", multiple=True, help="Percentage to try, e.g. 99.5; may be repeated.")
@click.option("--threshold", "thresholds", multiple=True, help="Threshold to try, in the indicator's unit; repeatable.")
@period_options
@format_option
@click.pass_obj
def whatif(
    state: Any,
    system: str,
    slo_id: str | None,
    named: str | None,
    targets: tuple[str, ...],
    thresholds: tuple[str, ...],
    period: PeriodOptions,
    format_: str,
) -> None:
    """Print how an objective would have done with another target or threshold.

    \b
    Examples:
      workbench slo whatif counterfactual-lab availability
      workbench slo whatif counterfactual-lab quality --threshold 0.75 --threshold 0.85 --target 99
    """
    from workbench.analysis.slo.what_if import TARGETS
    from workbench.charts.slo.burn_tables import what_if_rows
    from workbench.core.errors import ParameterError
    from workbench.core.units import ratio_text
    from workbench.studies import slo_what_if

    chosen = slo_id or named
    if chosen is None or (slo_id and named):
        raise ParameterError(
            "Another target is tried for one objective.", hint="Name it once, e.g. --slo availability."
        )
    context = state.context()
    now = context.clock()
    span, as_of = period.own(now, state.settings)
    study = slo_what_if(
        context,
        system=system,
        slo=chosen,
        range=span,
        as_of=as_of,
        targets=[_number(text, "--target") / 100 for text in targets] or TARGETS,
        thresholds=[_number(text, "--threshold") for text in thresholds],
    )
    result = study.results["what_if"]
    if format_ == "json":
        print_json(study.to_dict())
    elif format_ == "csv":
        print_csv(result.to_frame().to_dict(orient="records"))
    else:
        print_table(what_if_rows(result), right=["target", "SLI", "bad", "budget left", "burn rate"])
        first = result.frame["starter"].iloc[0]
        if first == first:
            say(f"A target to start with, the measured share rounded down: {ratio_text(first, digits=3)}.")
    for warning in study.warnings:
        say(f"Warning: {warning}")
    exit_by_status(study.status)


def _number(text: str, option: str) -> Any:
    from decimal import Decimal, InvalidOperation

    from workbench.core.errors import ParameterError

    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ParameterError(f"{option} {text!r} is not a number.", hint="Write e.g. 99.5.") from None
    if not number.is_finite():
        raise ParameterError(f"{option} {text!r} is not a number.", hint="Write e.g. 99.5.")
    return number
