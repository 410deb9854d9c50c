"""The security page: sign-ins, limits, refusals and security events of a system, and the hours that stand out."""

from __future__ import annotations

import streamlit as st

from workbench.charts import activity, security
from workbench.charts.unusual import usual_sentence
from workbench.core.result import Study
from workbench.core.units import count_text, ratio_text
from workbench.ui.parts import figures
from workbench.ui.parts.cards import Tile, curve
from workbench.ui.parts.view import Sheet, View

#: Most counters drawn; the tables hold all.
DRAWN = 4


def _figures(study: Study) -> list[Tile]:
    """Return the share of failed sign-ins, then the first counters, each against the period before."""
    totals, days = study.results["totals"].frame, study.results["days"].frame
    tried = study.results["sign_ins"].frame
    tried = tried[tried["dimension"] == ""].head(1)
    tiles = [
        Tile(
            "Failed sign-ins",
            ratio_text(row.share, digits=2),
            f"{count_text(row.failed)} of {count_text(row.attempts)}; {ratio_text(row.share_before, digits=2)} before",
            f"{row.title}: failed / all, with the share of the period before.",
        )
        for row in tried.itertuples()
        if row.share == row.share
    ]
    whole = totals[(totals["dimension"] == "") & totals["amount"].notna()]
    whole = whole[~whole["role"].str.contains("authentication", regex=False)]
    return tiles + [
        Tile(
            str(row.title),
            count_text(row.amount),
            "in the period",
            "Exact increases; the change is against the period before.",
            row.change_ratio,
            "down",
            curve(days.loc[days["role"] == row.role, "amount"]),
        )
        for row in whole.head(5 - len(tiles)).itertuples()
    ]


def _charts(study: Study) -> None:
    """Draw the first counters by day; sign-ins themselves are activity."""
    days = study.results["days"]
    titles = dict(zip(days.frame["role"], days.frame["title"], strict=True))
    drawn = [role for role in titles if not role.startswith("authentication")][:DRAWN]
    with st.grid(2, min_column_width=340):
        for role in drawn:
            figures.timed(f"{titles[role]}, by day", activity.days_figure, days, role, key=f"days-{role}", study=study)


def _sheets(study: Study) -> list[Sheet]:
    results = study.results
    hours = "Hours far above the usual of that hour of the day; the method is in docs/security.md."
    return [
        Sheet("Counters", activity.total_rows(results["totals"]), "Counts are exact increases."),
        Sheet("By label", activity.group_rows(results["totals"]), "The groups of one label add up to the whole."),
        Sheet(
            "Sign-ins",
            security.sign_in_rows(results["sign_ins"]),
            "Failed attempts / all attempts.",
            "No counter of sign-ins is known for this system.",
        ),
        Sheet("Hours that stand out", security.rise_rows(results["rises"]), hours, usual_sentence(study)),
        Sheet(
            "Log lines",
            security.line_rows(results["lines"]),
            "The newest lines of security and audit in the last day of the period.",
            "No log line of security or audit was read for the last day of the period.",
        ),
    ]


VIEW = View(security.security_finding, _figures, security.security_lines, _charts, _sheets)
