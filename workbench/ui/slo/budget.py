"""What spent the budget of one SLO, how long the rest lasts, and what another objective would have meant."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from workbench.catalog import Objective
from workbench.charts.slo.burn_tables import (
    backtest_finding,
    backtest_rows,
    outlook_notes,
    outlook_sentence,
    what_if_rows,
)
from workbench.charts.slo.spending_tables import companion_rows, contribution_rows, spending_finding, spending_rows
from workbench.core.result import Study
from workbench.core.units import instant_text, ratio_text
from workbench.ui.parts import filters, links, load, states, tables
from workbench.ui.parts.filters import Period
from workbench.ui.parts.markdown import escaped, plain

#: Key of the session under which the objective stands whose episode was chosen.
_EPISODES_OF = "episodes_of"


def outlook(study: Study) -> None:
    """Show in words how long the budget lasts at the present pace, and which alerts would fire now."""
    result = study.results["outlook"]
    st.markdown(escaped(outlook_sentence(result)))
    for note in outlook_notes(result):
        st.caption(escaped(note))


def episodes(system: str, name: str, period: Period) -> None:
    """Show the episodes in which the budget was spent, and one of them by label and with what else happened."""
    with st.container(border=True):
        st.markdown("**What spent the budget**")
        study = load.of_objective("slo_attribution", system, name, period.span, period.zone)
        if not states.usable(study):
            return
        spent, shares, beside = (study.results[part] for part in ("spending", "contributions", "companions"))
        st.text(plain(spending_finding(spent, shares).text))
        rows = [_without(row, "objective") for row in spending_rows(spent, shares, beside)]
        tables.texts(rows, alt="Episodes that spent the budget")
        listed = spent.frame[spent.frame["kind"] == "episode"].sort_values("bad", ascending=False)
        if listed.empty:
            return
        numbers = {instant_text(row.start): int(row.episode) for row in listed.itertuples()}
        if st.session_state.setdefault(_EPISODES_OF, (system, name)) != (system, name):
            st.session_state[_EPISODES_OF] = system, name
            st.session_state.pop("episode", None)
            st.query_params.pop("episode", None)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            episode = numbers[filters.choice("Episode", list(numbers), "episode")]
            chosen = listed[listed["episode"] == episode].iloc[0]
            links.evidence(system, chosen["start"].to_pydatetime(), chosen["end"].to_pydatetime(), slo=name)
        by_label = contribution_rows(shares, objective=name, episode=episode)
        meanwhile = companion_rows(beside, objective=name, episode=episode)
        with st.grid(2, min_column_width=340):
            for title, part in (("By label", by_label), ("At the same time", meanwhile)):
                if part:
                    with st.expander(title):
                        tables.texts(part, alt=title)


def what_if(system: str, objective: Objective, period: Period) -> None:
    """Let the reader try another target on the same history."""
    with st.container():
        today = float(objective.target * 100)
        tried = st.number_input(
            "Target to try (%)", min_value=0.01, max_value=99.999, value=today, step=0.1, format="%.3f", width=240
        )
        study = load.of_objective(
            "slo_what_if",
            system,
            objective.id,
            period.span,
            period.zone,
            targets=(Decimal(str(round(tried, 5))) / 100,),
        )
        if not states.usable(study):
            return
        result = study.results["what_if"]
        tables.short([_without(row, "threshold") for row in what_if_rows(result)])
        first = result.frame["starter"].iloc[0]
        if first == first:
            st.caption(f"A target to start with, the measured share rounded down: {ratio_text(first, digits=3)}.")


def policies(system: str, name: str, period: Period) -> None:
    """Show what alerting policies would have caught in the period; read only when asked for, as it reads much."""
    with st.container():
        if not st.toggle("Replay alerting policies on this history", key="replay", bind="query-params"):
            return
        study = load.of_objective("slo_backtest", system, name, period.span, period.zone)
        if states.usable(study):
            st.text(plain(backtest_finding(study.results["backtest"]).text))
            tables.short([_without(row, "objective") for row in backtest_rows(study.results["backtest"])])


def _without(row: dict[str, str], name: str) -> dict[str, str]:
    return {key: text for key, text in row.items() if key != name}
