"""Parts of the alerts page: key figures, the standards, the rules, the noisiest alerts and the episodes."""

from __future__ import annotations

import streamlit as st

from workbench.charts.alerts import figures as charts
from workbench.charts.alerts import tables as rows
from workbench.charts.alerts.worth_tables import WORTH, worth_finding, worth_rows
from workbench.core.result import Study
from workbench.core.units import count_text, instant_text, ratio_text, span_text
from workbench.ui.parts import figures, load, states, tables
from workbench.ui.parts.cards import Tile, tiles
from workbench.ui.parts.markdown import escaped


def key_figures(study: Study) -> None:
    """Show how many alerts began, how long they lasted, and how many flapped, stood or woke somebody."""
    rules, episodes = study.results["rules"].frame, study.results["episodes"].frame
    begun = episodes[episodes["started"]]
    whole = begun[~(begun["open"] | begun["left_censored"] | begun["right_censored"])]["duration_s"]
    tiles(
        [
            Tile("Episodes", count_text(len(begun)), rows.weekly_text(rules["per_week"]).lstrip(",; ")),
            Tile("Median duration", span_text(whole.median()), f"p90 {span_text(whole.quantile(0.9))}"),
            Tile("Firing now", count_text(int(episodes["open"].sum())), f"at {instant_text(study.as_of)}"),
            Tile(
                "Flapping",
                count_text(int(begun["flapping"].sum())),
                f"{ratio_text(float(begun['flapping'].mean()) if len(begun) else float('nan'), digits=0)} of them",
                "Three or more episodes of one alert, each at most an hour long and an hour after the one before.",
            ),
            Tile("Stale", count_text(int(episodes["stale"].sum())), "longer than a day"),
            Tile("At night", count_text(int(begun["sleep"].sum())), "begun 22:00 to 08:00"),
        ]
    )


def overview(study: Study) -> None:
    """Show which rules fire, and when."""
    st.markdown(escaped(repr(rows.alerts_finding(study))))
    figures.card("When the rules fired", charts.episodes_figure, study.results["episodes"], key="episodes")
    with st.grid(2, min_column_width=340):
        figures.card("Which rules fire", charts.rules_figure, study.results["rules"], key="rules")
        figures.card("When people are called", charts.hours_figure, study.results["hours"], key="hours")


def worth(study: Study) -> None:
    """Show which rule earns its pages; read only when asked for, as it reads the objectives too."""
    with st.container(border=True):
        st.markdown("**Which rules earn their pages?**")
        if not st.toggle("Hold the rules against burns and incidents", key="worth"):
            return
        zone = str(vars(study.results["episodes"])["zone"])
        judged = load.question("alert_rule_worth", study.system, study.range, zone)
        if states.usable(judged):
            st.markdown(escaped(repr(worth_finding(judged))))
            tables.texts(worth_rows(judged.results["worth"]), alt="Rules, the one with most alerts without use first")
            st.caption(WORTH)
            states.warned(judged)


def details(study: Study) -> None:
    """Show the rules, the standards, the noisiest alerts, the bursts and every episode as tables."""
    st.subheader("Rules", anchor=False)
    tables.texts(rows.rule_rows(study.results["rules"]), alt="Rules, most episodes first")
    st.subheader("When people are called", anchor=False)
    tables.texts(rows.interruption_rows(study.results["interruptions"]), alt="Alerts in business, off and sleep hours")
    with st.expander("Every shift", icon=":material/schedule:"):
        tables.texts(rows.shift_rows(study.results["shifts"]), alt="Urgent alerts in each shift of twelve hours")
    with st.expander("What people said of the alerts", icon=":material/label:"):
        tables.texts(rows.tag_rows(study.results["tags"]), alt="Useful, no action and untagged alerts of each rule")
        st.caption("Tag alerts with `workbench alerts tag`; the share of useful ones is of the tagged ones.")
    st.subheader("Against published limits", anchor=False)
    tables.texts(rows.measure_rows(study.results["measures"]), alt="Measures of load and what standards allow")
    st.subheader("Noisiest alerts", anchor=False)
    tables.texts(rows.noisiest_rows(study.results["noisiest"]), alt="The ten alerts with most episodes")
    tables.texts(rows.top_share_rows(study.results["noisiest"]), alt="Share of the ten noisiest by severity")
    st.subheader("Bursts", anchor=False)
    if study.results["bursts"].frame.empty:
        st.caption("No ten minutes had more alerts than chance explains.")
    else:
        tables.texts(rows.burst_rows(study.results["bursts"]), alt="Floods and bursts")
    with st.expander("Every episode", icon=":material/list:"):
        tables.texts(rows.episode_rows(study.results["episodes"]), alt="Episodes, by start")
