"""Parts of the quality page: key figures, scores over time, drifts, limits and the documented comparison."""

from __future__ import annotations

import streamlit as st

from workbench.charts.quality import figures as charts
from workbench.charts.quality import tables as rows
from workbench.core.result import Study
from workbench.core.units import count_text, ratio_text, span_text
from workbench.ui.parts import figures, tables
from workbench.ui.parts.cards import Tile, tiles
from workbench.ui.parts.markdown import escaped


def key_figures(study: Study) -> None:
    """Show how many scores there are, how many drift, and how long a documented limit was broken."""
    states, limits = study.results["states"].frame, study.results["limits"].frame
    drifts = study.results["drifts"].frame
    tiles(
        [
            Tile("Scores", count_text(len(states)), "series of quality and bias"),
            Tile("Drift now", count_text(int((states["status"] == "at_risk").sum())), "at the end of the period"),
            Tile("Drifts", count_text(len(drifts)), "in the period, open ones included"),
            Tile("Not judged", count_text(int((states["status"] == "no_data").sum())), "no reference, or not updated"),
            Tile(
                "Limits broken",
                span_text(float(limits["seconds"].sum())) if len(limits) else "–",
                f"{count_text(int(limits['breaches'].sum()))} times" if len(limits) else "none is documented",
            ),
            Tile("Observed", ratio_text(study.coverage, digits=1), "of the hours, least of all scores"),
        ]
    )


def scores(study: Study) -> None:
    """Show each role over time beside its reference, and where the last day stands."""
    st.markdown(escaped(repr(rows.quality_finding(study))))
    hours, drifts = study.results["hours"], study.results["drifts"]
    with st.grid(2, min_column_width=340):
        for role, title in dict(zip(hours.frame["role"], hours.frame["title"], strict=True)).items():
            figures.card(
                f"{title} and its reference",
                lambda *results, mode, role=role: charts.hours_figure(*results, role=role, mode=mode),
                hours,
                drifts,
                key=f"hours-{role}",
            )
        if study.results["states"].frame["difference"].notna().any():
            figures.card(
                "The last day against the reference", charts.states_figure, study.results["states"], key="states"
            )


def details(study: Study) -> None:
    """Show states, drifts, limits and the documented comparison as tables."""
    for title, alt, cells in (
        ("Scores", "Scores of the last day", rows.state_rows(study.results["states"])),
        ("Drifts", "Drifts by onset", rows.drift_rows(study.results["drifts"])),
        ("Documented limits", "Limits and how long they were broken", rows.limit_rows(study.results["limits"])),
        (
            "The documented comparison",
            "Values of the documented and the corrected query",
            rows.documented_rows(study.results["documented"]),
        ),
    ):
        st.subheader(title, anchor=False)
        if cells:
            tables.texts(cells, alt=alt)
        else:
            st.caption("None.")
