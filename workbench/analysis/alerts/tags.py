"""What people said of alerts: how many were useful, how many asked for nothing, and of how many nobody said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from workbench.analysis.alerts.summary import AlertEpisodes
from workbench.analysis.alerts.worth import wilson
from workbench.core.result import Result

#: What may be said of an alert.
TAGS = ("useful", "no action")


@dataclass(frozen=True, eq=False, repr=False)
class AlertTagShares(Result):
    """What was said of the alerts of each rule, and of ``all``.

    Columns of ``frame``: ``alertname``, ``alerts`` begun in the period, ``useful``, ``no_action``, ``untagged``
    [count], ``useful_share`` of the tagged ones with the ends of its 95 % interval ``useful_low`` and ``useful_high``
    (Wilson), and ``untagged_share`` of all [ratio]; NaN where there is nothing to divide by.
    """


def tag_shares(alerts: AlertEpisodes, tags: Mapping[int, str]) -> AlertTagShares:
    """Count the tags of the alerts begun in the period.

    Parameters
    ----------
    alerts : AlertEpisodes
        Episodes of alerts of the period.
    tags : mapping of int to str
        Tag by row of ``found.frame``.

    Notes
    -----
    The share of useful alerts is of the tagged ones: an alert of which nobody said anything is not useless. It says
    nothing where few were tagged, so the untagged share stands beside it.
    """
    frame = alerts.frame
    begun = frame[frame["started"]]
    words = pd.Series([tags.get(int(row), "") for row in begun.index], index=begun.index, dtype="str")
    rows = []
    for name in ("all", *sorted(begun["alertname"].unique())):
        own = words if name == "all" else words[begun["alertname"] == name]
        useful, idle = int((own == TAGS[0]).sum()), int((own == TAGS[1]).sum())
        low, high = wilson(useful, useful + idle)
        rows.append(
            {
                "alertname": name,
                "alerts": len(own),
                "useful": useful,
                "no_action": idle,
                "untagged": len(own) - useful - idle,
                "useful_share": useful / (useful + idle) if useful + idle else np.nan,
                "useful_low": low,
                "useful_high": high,
                "untagged_share": 1 - (useful + idle) / len(own) if len(own) else np.nan,
            }
        )
    return AlertTagShares(pd.DataFrame(rows))


def with_tags(alerts: AlertEpisodes, tags: Mapping[int, tuple[str, str, str]]) -> AlertEpisodes:
    """Put what people said beside each episode: columns ``tag``, ``tag_note`` and ``tagged_by``, empty without a word.

    Parameters
    ----------
    alerts : AlertEpisodes
        Episodes of alerts of the period.
    tags : mapping of int to (str, str, str)
        Tag, note and name by row of ``alerts.frame``.
    """
    words = [tags.get(int(row), ("", "", "")) for row in alerts.frame.index]
    columns = {
        name: pd.Series([word[place] for word in words], index=alerts.frame.index, dtype="str")
        for place, name in enumerate(("tag", "tag_note", "tagged_by"))
    }
    return replace(alerts, frame=alerts.frame.assign(**columns))
