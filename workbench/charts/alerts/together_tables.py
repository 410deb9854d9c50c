"""Incidents, pairs of rules and changes as tables of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.charts.tables import Table
from workbench.core.result import Result
from workbench.core.units import NO_VALUE, count_text, instant_text, ratio_text, span_text

#: Columns of the rows below that hold text.
TEXT = ("start", "end", "first rule", "rules", "deploy before", "begins", "follows", "rule", "verdict",
        "incidents of", "order", "matchers", "owner", "comment", "faults", "stage")  # fmt: skip


def incident_rows(result: Result) -> list[dict[str, str]]:
    """One row of text an incident, by start."""
    return [
        {
            "start": _time(row.start),
            "end": "firing" if pd.isna(row.end) else _time(row.end),
            "alerts": count_text(row.alerts),
            "urgent": count_text(row.urgent),
            "first rule": str(row.first),
            "rules": str(row.alertnames),
            "deploy before": NO_VALUE if pd.isna(row.deploy) else _time(row.deploy),
        }
        for row in result.frame.itertuples()
    ]


def pair_rows(result: Result) -> list[dict[str, str]]:
    """One row of text a pair of rules that fire together, the strongest first."""
    return [
        {
            "begins": str(row.first),
            "follows": str(row.second),
            "together": count_text(row.together),
            "by chance": f"{row.expected:.2f}",
            "lift": f"{row.lift:,.0f}x",
            "begins first": ratio_text(row.leads, digits=0),
            "ahead": span_text(row.lead_s),
        }
        for row in result.frame.itertuples()
    ]


def cascade_rows(result: Result) -> list[dict[str, str]]:
    """One row of text a cascade: its rules in the order in which they usually begin, how often, how long it takes."""
    return [
        {
            "order": str(row.order),
            "times": count_text(row.times),
            "alerts": count_text(row.alerts),
            "first begins": ratio_text(row.begins, digits=0),
            "first to last": span_text(row.spread_s),
            "after a deploy": count_text(row.deploys),
        }
        for row in result.frame.itertuples()
    ]


def silence_rows(result: Result) -> list[dict[str, str]]:
    """One row of text a silence, those with faults first."""
    return [
        {
            "matchers": str(row.matchers),
            "owner": str(row.owner) or NO_VALUE,
            "comment": str(row.comment) or NO_VALUE,
            "start": _time(row.start),
            "end": _time(row.end),
            "alerts": count_text(row.alerts),
            "urgent": count_text(row.urgent),
            "sent": count_text(row.sent) if row.sent == row.sent else NO_VALUE,
            "faults": str(row.faults) or NO_VALUE,
        }
        for row in result.frame.itertuples()
    ]


def stage_rows(result: Result) -> list[dict[str, str]]:
    """One row of text a stage: how many alerts are left, and how many fewer than began."""
    return [
        {
            "stage": str(row.stage),
            "count": count_text(row.left) if row.left == row.left else "not measured",
            "reduction": ratio_text(row.reduction, digits=0),
        }
        for row in result.frame.rename(columns={"count": "left"}).itertuples()
    ]


def response_rows(result: Result) -> list[dict[str, str]]:
    """One row of text a group of incidents, ``all`` first: how soon somebody acknowledged, how soon they were over."""
    return [
        {
            "incidents of": str(row.group),
            "count": count_text(row.incidents),
            "acknowledged": count_text(row.acknowledged),
            "over unseen": count_text(row.auto_resolved),
            "not over": count_text(row.unresolved),
            **{
                name: span_text(getattr(row, column))
                for name, column in (
                    ("MTTA", "mtta_s"),
                    ("TTA median", "tta_median_s"),
                    ("TTA p90", "tta_p90_s"),
                    ("MTTR", "mttr_s"),
                    ("TTR median", "ttr_median_s"),
                    ("TTR p90", "ttr_p90_s"),
                )
            },
            "within 5 min": ratio_text(row.within_5_min, digits=0),
        }
        for row in result.frame.itertuples()
    ]


def incident_table(result: Result) -> Table:
    """Table of :func:`incident_rows` that renders itself."""
    return Table(incident_rows(result), caption="Alerts that overlap or begin within ten minutes.", left=TEXT)


def pair_table(result: Result) -> Table:
    """Table of :func:`pair_rows` that renders itself."""
    return Table(pair_rows(result), caption="Beyond chance, with at most 5 % false pairs.", left=TEXT)


def cascade_table(result: Result) -> Table:
    """Table of :func:`cascade_rows` that renders itself."""
    caption = "Three and more rules that fire together beyond chance, in the order in which they usually begin."
    return Table(cascade_rows(result), caption=caption, left=TEXT)


def silence_table(result: Result) -> Table:
    """Table of :func:`silence_rows` that renders itself."""
    return Table(silence_rows(result), caption="Sent: messages while the silence was active.", left=TEXT)


def stage_table(result: Result) -> Table:
    """Table of :func:`stage_rows` that renders itself."""
    return Table(stage_rows(result), caption="Reduction: 1 - left / alerts begun.", left=TEXT)


def response_table(results: Mapping[str, Result]) -> Table:
    """Table of :func:`response_rows` that renders itself; without rows where nothing writes acknowledgements down."""
    rows = response_rows(results["responses"]) if "responses" in results else []
    return Table(rows, caption="TTA, TTR: time to acknowledge, to resolve.", left=TEXT)


def change_rows(result: Result) -> list[dict[str, str]]:
    """One row of text a rule, ``all`` first: alerts a week before and after a change."""
    return [
        {
            "rule": str(row.alertname),
            "before": f"{count_text(row.before)} ({_rate(row.before_per_week)} a week)",
            "after": f"{count_text(row.after)} ({_rate(row.after_per_week)} a week)",
            "ratio": NO_VALUE if row.ratio != row.ratio else f"{row.ratio:.2f}x",
            "interval": NO_VALUE
            if row.ratio_low != row.ratio_low
            else f"{row.ratio_low:.2f}x to {row.ratio_high:.2f}x",
            "verdict": str(row.verdict),
        }
        for row in result.frame.itertuples()
    ]


def _rate(value: float) -> str:
    return f"{value:,.1f}" if value == value else NO_VALUE


def _time(value: Any) -> str:
    return instant_text(value)
