"""Parts of the scorecard page: which periods, grouped by what, and the figures to take away."""

from __future__ import annotations

import streamlit as st

from workbench.charts.slo.scorecard_tables import By, judged_rows, scorecard_finding, scorecard_rows
from workbench.core.result import Study
from workbench.core.timerange import TimeRange, calendar_range
from workbench.core.units import count_text
from workbench.ui.parts import exports, filters, load
from workbench.ui.parts.cards import Tile, tiles
from workbench.ui.parts.markdown import escaped

_CHOICES = {"12 months": (12, False), "24 months": (24, False), "8 quarters": (24, True)}


def choice() -> tuple[TimeRange, int, bool, By]:
    """Ask which periods are shown, and what the rows are grouped by; both stand in the address."""
    left, right = st.columns(2)
    with left:
        named = filters.segments("Periods", list(_CHOICES), "periods", noun="choice of periods")
    with right:
        grouped = filters.segments("Grouped by", ["system", "owner"], "by", noun="grouping")
    count, quarters = _CHOICES[named]
    context = load.context()
    last = calendar_range("last-month", zone=context.zone, now=load.now(), week_start=context.week_start)
    return last, count, quarters, "owner" if grouped == "owner" else "system"


def show(study: Study) -> None:
    """Say which budgets were used up, and show how many objectives and periods there are."""
    st.markdown(escaped(repr(scorecard_finding(study.results["scorecard"]))))
    frame = study.results["scorecard"].frame
    judged = judged_rows(frame)
    missed = judged[judged["status"] == "spent"]
    tiles(
        [
            Tile("Objectives", count_text(frame.groupby(["system", "objective"]).ngroups), "of all systems"),
            Tile("Judged", count_text(len(judged)), "objectives in a period"),
            Tile("Budget exhausted", count_text(len(missed)), "objectives in a period"),
            Tile("Issued", count_text(len(frame[frame["basis"] == "issued"])), "figures of issued reports"),
        ]
    )


def rows(study: Study, by: By) -> list[dict[str, str]]:
    """Rows of text of the scorecard, an objective each."""
    return [
        {name.capitalize() if name.islower() else name: cell for name, cell in row.items()}
        for row in scorecard_rows(study.results["scorecard"], by=by)
    ]


def downloads(study: Study) -> None:
    """Offer the figures as CSV and JSON."""
    exports.downloads(study, study.results["scorecard"], name="scorecard")
