"""The list of objectives: what stands above it, and the way from a row to its detail."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from workbench.charts.tables import slo_finding
from workbench.charts.unusual import slo_lines
from workbench.core.result import Study
from workbench.core.units import NO_VALUE, factor_text, ratio_text
from workbench.ui.parts import filters, links, states
from workbench.ui.parts.cards import Tile, tiles
from workbench.ui.parts.markdown import escaped
from workbench.ui.parts.view import out_of_line


def standing(study: Study) -> None:
    """Say how the objectives of a system stand: the answer, its key figures, and which are out of line."""
    states.partly_observed(study)
    st.markdown(escaped(repr(slo_finding(study.results["compliance"]))))
    tiles(_figures(study))
    out_of_line(study, slo_lines(study))


def _figures(study: Study) -> list[Tile]:
    frame = study.results["compliance"].frame
    judged = frame[frame["status"].isin(["ok", "at_risk", "spent"])]
    missed, risky = (int((judged["status"] == status).sum()) for status in ("spent", "at_risk"))
    unknown = f", {len(frame) - len(judged)} not known" if len(frame) > len(judged) else ""
    met = f"{len(judged) - missed} of {len(judged)}" if len(judged) else NO_VALUE
    row = [Tile("Objectives met", met, f"{missed} missed, {risky} at risk{unknown}")]
    if len(judged):
        least = judged.sort_values("period_left_ratio").iloc[0]
        fastest = judged.sort_values("burn_rate").iloc[-1]
        row.append(Tile("Least budget left", ratio_text(least["period_left_ratio"], digits=1), str(least["title"])))
        help_ = "Share of bad events / share allowed, over the whole period; 1× spends the budget exactly."
        row.append(Tile("Highest burn rate", factor_text(fastest["burn_rate"]), str(fastest["title"]), help_))
    help_ = "The least observed objective. What happened in the rest of its period is unknown."
    return [*row, Tile("Observed", ratio_text(study.coverage, digits=1), "of the period", help_)]


def open_slo(row: pd.Series) -> None:
    """Go to the detail of a row of the board."""
    given = filters.address(str(row["system"]), str(row["objective"]))
    st.switch_page("slo.py", query_params=links.returning(given))


def choose_slo(row: pd.Series) -> None:
    """Show the detail of a row of the list on the same page."""
    st.session_state["slo"] = str(row["objective"])
