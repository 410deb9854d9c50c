"""The alerts page: what fires, which rules fire and when, the load on people against published limits."""

from __future__ import annotations

import streamlit as st

from workbench.charts.alerts import figures as charts
from workbench.charts.alerts import tables as rows
from workbench.charts.alerts import together_tables as together
from workbench.charts.alerts.worth_tables import WORTH, worth_finding, worth_rows
from workbench.charts.unusual import alert_lines, last_seen
from workbench.core.result import Study
from workbench.core.units import count_text, instant_text, ratio_text, span_text
from workbench.ui.access.tag import tag_form
from workbench.ui.parts import figures, load, states, tables
from workbench.ui.parts.cards import Tile
from workbench.ui.parts.markdown import escaped
from workbench.ui.parts.view import Sheet, View


def _figures(study: Study) -> list[Tile]:
    """Return how many alerts began, how long they lasted, and how many flapped, stood or woke somebody."""
    rules, episodes = study.results["rules"].frame, study.results["episodes"].frame
    seen = last_seen(study)
    at = f"at {instant_text(seen or study.as_of)}"
    begun = episodes[episodes["started"]]
    whole = begun[~(begun["open"] | begun["left_censored"] | begun["right_censored"])]["duration_s"]
    flapping = f"{ratio_text(float(begun['flapping'].mean()), digits=0)} of them; " if len(begun) else ""
    return [
        Tile("Firing when last seen" if seen else "Firing now", count_text(int(episodes["open"].sum())), at),
        Tile("Episodes", count_text(len(begun)), rows.weekly_text(rules["per_week"]).lstrip(",; ")),
        Tile(
            "Median duration",
            span_text(whole.median()),
            f"p90 {span_text(whole.quantile(0.9))}" if len(whole) else "none from start to end",
        ),
        Tile(
            "Flapping",
            count_text(int(begun["flapping"].sum())),
            f"{flapping}{count_text(int(episodes['stale'].sum()))} stood over a day",
            "Three or more episodes of one alert, each at most an hour long and an hour after the one before.",
        ),
        Tile("At night", count_text(int(begun["sleep"].sum())), "begun 22:00 to 08:00"),
    ]


def _charts(study: Study) -> None:
    """Draw when the rules fired, which fire most, and at what hours people are called."""
    results = study.results
    with st.grid(2, min_column_width=340):
        figures.timed("When the rules fired", charts.episodes_figure, results["episodes"], key="episodes", study=study)
        figures.card("When people are called", charts.hours_figure, results["hours"], key="hours")
    with st.expander("Which rules fire most", icon=":material/bar_chart:"):
        figures.plain(charts.rules_figure, results["rules"], key="rules", title="Which rules fire most")
    _worth(study)
    _reached(study)
    tag_form(study)


def _worth(study: Study) -> None:
    """Draw which rule earns its pages; read only when asked for, as it reads the objectives too."""
    with st.expander("Which rules earn their pages?", icon=":material/balance:"):
        if not st.toggle("Compare the rules with burns and incidents", key="worth", bind="query-params"):
            return
        zone = str(vars(study.results["episodes"])["zone"])
        judged = load.question("alert_rule_worth", study.system, study.range, zone)
        if states.usable(judged):
            st.markdown(escaped(repr(worth_finding(judged))))
            tables.texts(worth_rows(judged.results["worth"]), alt="Rules, the one with most alerts without use first")
            st.caption(WORTH)
            states.warned(judged)


def _reached(study: Study) -> None:
    """Show what silences, inhibition and grouping left, and which alerts belong together; read when asked for."""
    with st.expander("What reached people, and what belongs together?", icon=":material/filter_alt:"):
        if not st.toggle("Compare with silences, messages and incidents", key="reached", bind="query-params"):
            return
        zone = str(vars(study.results["episodes"])["zone"])
        quiet = load.question("alert_suppression", study.system, study.range, zone)
        if states.usable(quiet):
            tables.texts(together.stage_rows(quiet.results["stages"]), alt="From alerts to messages, stage by stage")
            tables.texts(together.silence_rows(quiet.results["silences"]), alt="Silences, those with faults first")
            states.warned(quiet)
        review = load.question("alert_review", study.system, study.range, zone)
        if states.usable(review):
            tables.texts(together.incident_rows(review.results["incidents"]), alt="Alerts that came together")
            tables.texts(together.pair_rows(review.results["pairs"]), alt="Rules that fire together")
            tables.texts(together.cascade_rows(review.results["cascades"]), alt="Rules that fire one after the other")
            if "responses" in review.results:
                tables.texts(together.response_rows(review.results["responses"]), alt="Time to acknowledge and resolve")


def _sheets(study: Study) -> list[Sheet]:
    results = study.results
    return [
        Sheet("Rules", rows.rule_rows(results["rules"]), "Durations of episodes seen from start to end."),
        Sheet("Episodes", rows.episode_rows(results["episodes"])),
        Sheet("Published limits", rows.measure_rows(results["measures"]), "Rates are per person on call."),
        Sheet("Noisiest alerts", rows.noisiest_rows(results["noisiest"]), "Share of all episodes of the period."),
        Sheet("Noisiest by severity", rows.top_share_rows(results["noisiest"])),
        Sheet("Hours", rows.interruption_rows(results["interruptions"])),
        Sheet("Shifts", rows.shift_rows(results["shifts"]), "Urgent alerts in each shift of twelve hours."),
        Sheet(
            "Tags",
            rows.tag_rows(results["tags"]),
            "Tag alerts in the form above; the share of useful ones is of the tagged ones.",
        ),
        Sheet("Bursts", rows.burst_rows(results["bursts"]), absent=rows.no_burst(study.coverage)),
    ]


VIEW = View(rows.alerts_finding, _figures, alert_lines, _charts, _sheets)
