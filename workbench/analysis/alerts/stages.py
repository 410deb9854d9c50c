"""From alerts to messages: how many are left after silences, inhibition and grouping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.alerts.summary import AlertEpisodes
from workbench.core.result import Result


@dataclass(frozen=True)
class Message:
    """One message to one receiver: when it was sent, and which episodes it says fire (their rows). [ms]"""

    time_ms: int
    firing: tuple[int, ...]


@dataclass(frozen=True, eq=False, repr=False)
class AlertStages(Result):
    """How many alerts are left at each stage, from the first to what reached somebody.

    Columns of ``frame``: ``stage`` (str), ``count`` (NaN where it is not measured) [count], ``reduction`` (1 - count /
    alerts begun; negative where more messages than alerts were sent) [ratio], ``per_alert`` (count / alerts begun)
    [ratio].
    """


def alert_stages(
    alerts: AlertEpisodes,
    *,
    silenced: NDArray[np.bool_] | None,
    inhibited: NDArray[np.bool_] | None,
    messages: Sequence[Message] | None,
) -> AlertStages:
    """Count what is left of the alerts of a period at each stage.

    Parameters
    ----------
    alerts : AlertEpisodes
        Episodes of alerts of the period.
    silenced, inhibited : bool array, (n_episodes,), optional
        Episodes that were kept quiet when they began; None where nothing says so.
    messages : sequence of Message, optional
        What was sent in the period, repeats and all clears included; None where nothing records it.

    Notes
    -----
    Noise reduction is 1 - messages / alerts [1]_, given for every stage. A message tells something new where an alert
    is in it that no message before told of; the others are repeats and all clears. An alert that was over within
    ``group_wait`` is in no message.

    References
    ----------
    .. [1] Moogsoft and keephq, noise reduction.

    Examples
    --------
    See ``tests/analysis/test_alert_stages.py``: a recorded run of Alertmanager, stage by stage.
    """
    begun = alerts.frame["started"].to_numpy()
    total = int(begun.sum())
    quiet = np.zeros(len(begun), np.bool_)
    counts: list[tuple[str, float]] = [("alerts begun", float(total) if alerts.observed_s or total else np.nan)]
    for name, mask in (("not silenced", silenced), ("not silenced or inhibited", inhibited)):
        known = mask is not None and (silenced is not None or name == "not silenced")
        quiet = quiet | mask if mask is not None else quiet
        counts.append((name, float((begun & ~quiet).sum()) if known else np.nan))
    reported: set[int] = set()
    new = 0
    for message in sorted(messages or (), key=lambda message: message.time_ms):
        fresh = {row for row in message.firing if begun[row]} - reported
        new += bool(fresh)
        reported |= fresh
    unknown = messages is None
    counts += [
        ("alerts that a message told of", np.nan if unknown else float(len(reported))),
        ("messages with a new alert", np.nan if unknown else float(new)),
        ("messages sent, with repeats and all clears", np.nan if unknown else float(len(messages or ()))),
    ]
    frame = pd.DataFrame(counts, columns=["stage", "count"])
    frame["per_alert"] = frame["count"] / total if total else np.nan
    frame["reduction"] = 1 - frame["per_alert"]
    return AlertStages(frame)
