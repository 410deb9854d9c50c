"""What stands behind the numbers of one SLO: its definition, its queries, and the command that prints the same."""

from __future__ import annotations

import shlex
from datetime import datetime

import pandas as pd
import streamlit as st

from workbench.analysis.slo.burn import BurnRates
from workbench.catalog import Objective
from workbench.charts.explore import study_cell
from workbench.charts.slo.figures import burn_figure
from workbench.charts.tables import allowed_text, budget_left_text
from workbench.core.result import Study
from workbench.core.timerange import duration_text
from workbench.core.units import NO_VALUE, count_text, factor_text, instant_text, ratio_text, span_text, target_text
from workbench.ui.parts import external, figures, load, tables
from workbench.ui.parts.cards import Tile, tiles
from workbench.ui.parts.filters import Period
from workbench.ui.parts.header import place_text
from workbench.ui.parts.markdown import escaped, plain

#: Noun of the command line -> shipped notebook that goes on where its page ends.
NOTEBOOKS = {
    "performance": "performance_slow",
    "cost": "cost_drivers",
    "quality": "quality_drift",
    "capacity": "capacity_forecast",
    "alerts": "alerts_load",
}


def objective(system: str, name: str) -> Objective:
    """Return the definition of an SLO from the catalog."""
    return load.context().catalog.objective(system, name)


def key_figures(row: pd.Series, as_of: datetime) -> None:
    """Show the tiles of one row of a compliance result."""
    unit = str(row["unit"])
    known = row["total"] > 0
    tiles(
        [
            Tile(
                "Measured",
                ratio_text(row["sli"]),
                f"objective {target_text(row['target'])}"
                + (f", of {count_text(row['total'])} {unit}" if known else ""),
            ),
            Tile(
                "Budget left",
                budget_left_text(row),
                f"{span_text(row['left_minutes'] * 60)} of {span_text(row['budget_minutes'] * 60)}" if known else "",
                help="Share of the bad events that the whole period allows. In a period that is not over the share of "
                "those that the traffic so far allows stands beside it; the status goes by the first.",
            ),
            Tile(
                "Bad",
                count_text(row["bad"]),
                f"{allowed_text(row)} allowed" if known else "",
                help=f"Counted bad {unit}, and how many the objective allows at this traffic.",
            ),
            Tile(
                "Burn rate",
                factor_text(row["burn_rate"]) if known else NO_VALUE,
                _end_text(row["exhausted_at"], as_of),
                help="Share of bad events / share allowed, over the whole period.",
            ),
            Tile(
                "Observed",
                ratio_text(row["coverage"], digits=1),
                "of the period",
                help="What happened in the rest is unknown; it counts neither as good nor as bad.",
            ),
        ]
    )


def _end_text(ends: pd.Timestamp, as_of: datetime) -> str:
    if pd.isna(ends):
        return "1× spends it exactly"
    return f"gone since {instant_text(ends)}" if ends <= as_of else f"lasts to {instant_text(ends)}"


def definition(objective: Objective) -> None:
    """Show an objective in words and as queries, and where that is written."""
    if objective.description:
        st.text(plain(objective.description))
    every = f"slices of {duration_text(objective.slice_ms)}" if objective.slice_ms else "every event counts"
    window = duration_text(objective.window_ms) if objective.window_ms else "calendar"
    st.caption(
        escaped(f"{objective.method.replace('_', ' ')} · {every} · own window {window} · service {objective.service}")
    )
    for name, text in objective.queries().items():
        st.caption(name)
        st.code(plain(text), language=None, wrap_lines=True)
    if objective.derived:
        st.caption("Derived: the document does not state this objective; it follows from a threshold.")
    for assumption in objective.assumptions:
        st.text(plain(f"Assumption: {assumption}"))
    st.caption(escaped(f"{place_text(objective.file)}:{objective.line}"))


def burn_rates(rates: BurnRates) -> None:
    """Show how fast the budget is spent now, over ever longer look-backs."""
    with st.grid(2, min_column_width=340):
        tables.burn_rates(rates)
        figures.plain(burn_figure, rates, key="burn", title="Burn rate over each look-back")


def provenance(study: Study) -> None:
    """Show where the numbers came from: source, engine, method, and each query that was asked."""
    made = study.provenance
    st.table(
        {
            name: escaped(value)
            for name, value in {
                "Source": made.source,
                "Engine": made.engine,
                "Semantics": made.semantics,
                "Counts": made.method,
                "Resolution": made.tier,
                "Range": str(study.range),
                "As of": instant_text(study.as_of),
                "Version": made.version,
            }.items()
            if value
        },
        border="horizontal",
    )
    if made.queries:
        st.caption("Queries as they were asked")
        st.code(plain("\n".join(made.queries)), language=None, wrap_lines=True)
        external.queries(study)


def notebook(study: Study, **options: str) -> None:
    """Show the cell that answers the same question in a notebook."""
    st.caption("The same in a notebook")
    st.code(plain(study_cell(study, options)), language="python", wrap_lines=True)


def commands(system: str, name: str, period: Period, study: Study) -> None:
    """Show the commands that print these numbers and write the month's report."""
    start = f"workbench --zone {shlex.quote(period.zone)}"
    chosen = period.options(study.as_of)
    st.caption("The same numbers on the command line")
    st.code(
        f"{start} slo status {shlex.quote(system)} --slo {shlex.quote(name)} {chosen}", language=None, wrap_lines=True
    )
    st.caption("The report of the month")
    st.code(
        f"{start} report run monthly --system {shlex.quote(system)} --period {period.name or 'last-month'}",
        language=None,
        wrap_lines=True,
    )
    _notebook("slo_budget", system, period)


def question_commands(verb: str, system: str, period: Period, study: Study) -> None:
    """Show the command that prints the numbers of a question's page, and the one that opens its notebook."""
    chosen = period.options(study.as_of)
    st.caption("The same numbers on the command line")
    text = f"workbench --zone {shlex.quote(period.zone)} {verb} status {shlex.quote(system)} {chosen}"
    st.code(plain(text), language=None, wrap_lines=True)
    _notebook(NOTEBOOKS[verb], system, period)


def _notebook(name: str, system: str, period: Period) -> None:
    st.caption("The notebook that goes on from here")
    named = period.name or period.text
    text = f"workbench --zone {shlex.quote(period.zone)} notebook open {name} --system {shlex.quote(system)}"
    st.code(plain(f"{text} --period {shlex.quote(named)}"), language=None, wrap_lines=True)
