"""``workbench slo status``: compliance and error budgets, the numbers of the SLO page and the report."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.output import exit_by_status, format_option, print_csv, print_json, print_table, say
from workbench.cli.shared.period import PeriodOptions, period_options


@click.command()
@click.argument("system")
@click.option("--slo", "slo_id", help="One objective only, e.g. availability.")
@click.option("--check", is_flag=True, help="Exit 1 when an objective is at risk or spent.")
@period_options
@format_option
@click.pass_obj
def status(
    state: Any,
    system: str,
    slo_id: str | None,
    check: bool,
    period: PeriodOptions,
    format_: str,
) -> None:
    """Print one line per objective: SLI, budget left, coverage, status.

    Without a period, or with --to alone, the window of each objective itself counts.

    \b
    Examples:
      workbench slo status counterfactual-lab
      workbench slo status counterfactual-lab --period last-month --format json
      workbench slo status counterfactual-lab --slo availability --check
    """
    from workbench.charts.slo.decision_tables import definition_rows, effect_rows, member_rows
    from workbench.charts.tables import compliance_rows, running_note
    from workbench.core.units import instant_text
    from workbench.studies import slo_compliance

    context = state.context()
    now = context.clock()
    span, as_of = period.own(now, state.settings)
    study = slo_compliance(context, system=system, range=span, as_of=as_of, slo=slo_id)
    if format_ == "json":
        print_json(study.to_dict())
    elif format_ == "csv":
        print_csv(study.results["compliance"].to_frame().to_dict(orient="records"))
    else:
        rows = compliance_rows(study.results["compliance"])
        if not rows and study.status not in ("unavailable", "refused"):
            say(f"{system} has no objective. Draft one: workbench slo draft {system}")
        print_table(rows, right=[name for name in (rows[0] if rows else {}) if name not in ("objective", "status")])
        say(
            f"{system}, {study.range}; source {study.provenance.source} ({study.provenance.semantics}); "
            f"data to {instant_text(study.freshness)}"
            if study.freshness
            else f"{system}, {study.range}: {'no answer' if study.status == 'unavailable' else 'no data'}"
        )
        if note := running_note(study.results["compliance"]):
            say(note)
        if members := member_rows(study.results["members"]):
            say("Members of composites, and the share of what was spent that came through each:")
            print_table(members, right=["weight", "target", "SLI", "bad", "events", "spent", "observed"])
        if effects := effect_rows(study.results["exclusions"]):
            say("With and without exclusions:")
            print_table(effects)
        if parts := definition_rows(study.results["definitions"]):
            say("Definitions that changed within the period, each part by its own:")
            print_table(parts)
        objectives = context.catalog.objectives.get(system, ())
        assumed = {f"{objective.id}: {text}" for objective in objectives for text in objective.assumptions}
        for note in study.results["compliance"].notes:
            if note not in assumed:
                say(f"Note: {note}")
    for warning in study.warnings:
        say(f"Warning: {warning}")
    exit_by_status(study.status, check=check)
