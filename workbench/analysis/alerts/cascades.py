"""Cascades of alerts: groups of rules that fire one after the other, in the order in which they usually begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.alerts.marks import instants_ms
from workbench.analysis.alerts.summary import AlertEpisodes
from workbench.analysis.alerts.together import DEPLOY_MS, NEAR_MS, AlertPairs, related_rules
from workbench.core.result import Result

#: Rules from which a group is a cascade; two are a pair.
LEAST_RULES = 3


@dataclass(frozen=True, eq=False, repr=False)
class AlertCascades(Result):
    """Groups of three and more rules that fire together, the one with most alerts first.

    Columns of ``frame``: ``order`` (rules in the order in which they usually begin, joined by arrows) (str), ``rules``,
    ``times`` (that two or more of them began within ten minutes of each other) and ``alerts`` (in all of these)
    [count], ``begins`` (share of the times that the first of the order began) [ratio], ``spread_s`` (median time from
    the first to the last rule) [s], ``deploys`` (times with a deploy in the hour before) [count].
    """


def alert_cascades(alerts: AlertEpisodes, pairs: AlertPairs, deploys_ms: Sequence[int] = ()) -> AlertCascades:
    """Put pairs of rules that fire together into groups, and each group into the order in which its rules begin.

    Parameters
    ----------
    alerts : AlertEpisodes
        Episodes of alerts of the period.
    pairs : AlertPairs
        Rules of these alerts that fire together beyond chance.
    deploys_ms : sequence of int
        Instants of deploys. [ms since the epoch]

    Notes
    -----
    Rules that are tied by pairs, be it over others, are one group. Its alerts that begin within ten minutes of the one
    before are one time. The order is that of the mean place of a rule among the rules of its times.
    """
    group = related_rules(pairs)
    frame = alerts.frame[alerts.frame["started"] & alerts.frame["alertname"].isin([*group])]
    frame = frame.sort_values("starts_at", kind="stable")
    deploys = np.sort(np.array(deploys_ms, np.int64))
    rows: list[dict[str, Any]] = []
    for _, own in frame.groupby(frame["alertname"].map(group)):
        if own["alertname"].nunique() < LEAST_RULES:
            continue
        starts = instants_ms(own["starts_at"])
        number = np.cumsum(np.append(True, np.diff(starts) > NEAR_MS))
        first = own.assign(start=starts, number=number).drop_duplicates(["number", "alertname"])
        size = first.groupby("number")["alertname"].transform("size")
        first = first[size > 1]
        if first.empty:
            continue
        place = first.groupby("number")["start"].rank() / first.groupby("number")["start"].transform("size")
        order = place.groupby(first["alertname"]).mean().sort_values(kind="stable").index
        times = first.groupby("number")["start"]
        begins = times.min()
        before = np.searchsorted(deploys, begins, side="right") - 1
        near = (before >= 0) & (begins - np.append(deploys, 0)[before] <= DEPLOY_MS)
        leaders = first.loc[first["start"] == first["number"].map(begins), ["number", "alertname"]]
        rows.append(
            {
                "order": " → ".join(map(str, order)),
                "rules": len(order),
                "times": len(begins),
                "alerts": int(np.isin(number, begins.index).sum()),
                "begins": float((leaders["alertname"] == order[0]).sum() / len(begins)),
                "spread_s": float((times.max() - begins).median()) / 1000,
                "deploys": int(near.sum()),
            }
        )
    columns = ["order", "rules", "times", "alerts", "begins", "spread_s", "deploys"]
    table = pd.DataFrame(rows, columns=columns)
    return AlertCascades(table.sort_values("alerts", ascending=False, kind="stable", ignore_index=True))
