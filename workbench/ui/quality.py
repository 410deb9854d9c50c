"""The quality page: which scores drift, each over time beside its reference, and the documented limits."""

from __future__ import annotations

import streamlit as st

from workbench.charts.quality import figures as charts
from workbench.charts.quality import tables as rows
from workbench.charts.quality.column_tables import column_rows
from workbench.charts.quality.heat import heat_figure
from workbench.charts.unusual import quality_lines
from workbench.core.result import Study
from workbench.core.units import NO_VALUE, count_text, ratio_text, span_text
from workbench.ui.parts import figures
from workbench.ui.parts.cards import Tile
from workbench.ui.parts.view import Sheet, View


def _figures(study: Study) -> list[Tile]:
    """Return how many scores there are, how many drift, and how long a documented limit was broken."""
    states, limits = study.results["states"].frame, study.results["limits"].frame
    drifts, unjudged = study.results["drifts"].frame, int((states["status"] == "no_data").sum())
    return [
        Tile("Scores", count_text(len(states)), "series of quality and bias"),
        Tile("Drift now", count_text(int((states["status"] == "at_risk").sum())), f"{len(drifts)} in the period"),
        Tile("Not judged", count_text(unjudged), "no reference, or not updated"),
        Tile(
            "Limits broken",
            span_text(float(limits["seconds"].sum())) if len(limits) else NO_VALUE,
            f"{count_text(int(limits['breaches'].sum()))} times" if len(limits) else "none is documented",
        ),
        Tile("Observed", ratio_text(study.coverage, digits=1), "of the hours, least of all scores"),
    ]


def _charts(study: Study) -> None:
    """Draw each role over time beside its reference, and where the last day stands."""
    hours, drifts = study.results["hours"], study.results["drifts"]
    with st.grid(2, min_column_width=340):
        for role, title in dict(zip(hours.frame["role"], hours.frame["title"], strict=True)).items():
            figures.timed(
                f"{title} and its reference",
                lambda *results, mode, role=role: charts.hours_figure(*results, role=role, mode=mode),
                hours,
                drifts,
                key=f"hours-{role}",
                study=study,
            )
        states = study.results["states"]
        if states.frame["difference"].notna().any():
            figures.card("The last day against the reference", charts.states_figure, states, key="states")
            figures.card("Each day against its reference; blank is not read", heat_figure, study.results["days"],
                         key="days")  # fmt: skip
        if len(study.results["segments"].frame):
            figures.card("Segments by day, last five weeks", heat_figure, study.results["segments"], key="segments")


def _sheets(study: Study) -> list[Sheet]:
    results = study.results
    caption = "The last day of the period against 3 to 4 weeks of reference."
    return [
        Sheet("Scores", rows.state_rows(results["states"]), caption),
        Sheet("Drifts", rows.drift_rows(results["drifts"]), "The difference is that of the worst day."),
        Sheet(
            "Compared",
            rows.level_rows(results["levels"]),
            " ".join(results["levels"].notes),
            "There is no score to compare.",
        ),
        Sheet(
            "Before the drifts",
            rows.coincidence_rows(results["coincidences"]),
            rows.COINCIDENCE,
            "No deployment and no change of models is known in the 24 hours before a drift.",
        ),
        Sheet(
            "Shapes and segments",
            column_rows(results["shapes"]),
            " ".join(results["shapes"].notes),
            "No score has a histogram or a table of answers.",
        ),
        Sheet(
            "Documented limits",
            rows.limit_rows(results["limits"]),
            "Evaluated once a minute.",
            "The document states no limit of a score.",
        ),
        Sheet(
            "Documented comparison",
            rows.documented_rows(results["documented"]),
            "What the document's query gives, and the corrected one; see docs/errata.md.",
            "The document compares no scores.",
        ),
    ]


VIEW = View(rows.quality_finding, _figures, quality_lines, _charts, _sheets)
