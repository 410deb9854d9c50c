"""What silences keep quiet: how many alerts each hid, who set it and why, and what is left at each stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.alerts.summary import AlertEpisodes
from workbench.core.result import Result
from workbench.core.timerange import DAY_MS

#: A silence that lasts longer than this is no silence but a rule that nobody wants. [ms]
LONG_MS = 30 * DAY_MS


@dataclass(frozen=True)
class Silence:
    """One silence of Alertmanager; ``matchers`` as text, times in ms since the epoch."""

    id: str
    starts_ms: int
    ends_ms: int
    owner: str
    comment: str
    matchers: str


@dataclass(frozen=True, eq=False, repr=False)
class AlertSilences(Result):
    """Silences that were active in the period, those with faults first.

    Columns of ``frame``: ``id``, ``matchers``, ``owner``, ``comment`` (str), ``start``, ``end`` [UTC], ``alerts``
    (begun in the period while it was active, and matched) [count], ``urgent`` of them [count], ``faults`` (``no
    owner``, ``no comment``, ``longer than 30 days``, ``matches nothing``; str).
    """


@dataclass(frozen=True, eq=False, repr=False)
class AlertStages(Result):
    """How many alerts are left at each stage.

    Columns of ``frame``: ``stage``, ``count`` (NaN where it is not measured) [count], ``reduction`` (1 - count / alerts
    begun) [ratio].
    """


def alert_silences(alerts: AlertEpisodes, silences: Sequence[Silence], matched: NDArray[np.bool_]) -> AlertSilences:
    """Count what each silence kept quiet.

    Parameters
    ----------
    alerts : AlertEpisodes
    silences : sequence of Silence
    matched : bool array, (n_silences, n_episodes)
        Whether the matchers of a silence select an episode.

    Notes
    -----
    An alert counts where it began while the silence was active. ISA-18.2 (16.5) wants no suppression without somebody
    who answers for it, and none that is never looked at again.
    """
    frame = alerts.frame
    starts = _ms(frame["starts_at"])
    rows: list[dict[str, Any]] = []
    for silence, mine in zip(silences, matched, strict=True):
        hidden = mine & frame["started"].to_numpy() & (starts >= silence.starts_ms) & (starts < silence.ends_ms)
        faults = [
            text
            for text, holds in (
                ("no owner", not silence.owner.strip()),
                ("no comment", not silence.comment.strip()),
                ("longer than 30 days", silence.ends_ms - silence.starts_ms > LONG_MS),
                ("matches nothing", not mine.any()),
            )
            if holds
        ]
        rows.append(
            {
                "id": silence.id,
                "matchers": silence.matchers,
                "owner": silence.owner,
                "comment": silence.comment,
                "start": silence.starts_ms,
                "end": silence.ends_ms,
                "alerts": int(hidden.sum()),
                "urgent": int((hidden & frame["urgent"].to_numpy()).sum()),
                "faults": ", ".join(faults),
            }
        )
    columns = ["id", "matchers", "owner", "comment", "start", "end", "alerts", "urgent", "faults"]
    table = pd.DataFrame(rows, columns=columns)
    for name in ("start", "end"):
        table[name] = pd.to_datetime(table[name].astype("Int64"), unit="ms", utc=True).dt.as_unit("ms")
    table = table.assign(_none=table["faults"] == "").sort_values(["_none", "alerts"], ascending=[True, False])
    return AlertSilences(table.drop(columns="_none").reset_index(drop=True))


def alert_stages(
    alerts: AlertEpisodes,
    silences: Sequence[Silence] | None,
    matched: NDArray[np.bool_],
    notifications: int | None,
) -> AlertStages:
    """Say how many alerts began, how many were not silenced, and how many notifications were sent.

    Parameters
    ----------
    alerts : AlertEpisodes
    silences : sequence of Silence, optional
        None where no silences were collected.
    matched : bool array, (n_silences, n_episodes)
    notifications : int, optional
        Sent in the period, repeats included; None where nothing records them. [count]
    """
    frame = alerts.frame
    starts, begun = _ms(frame["starts_at"]), frame["started"].to_numpy()
    hidden = np.zeros(len(frame), np.bool_)
    for silence, mine in zip(silences or (), matched, strict=False):
        hidden |= mine & (starts >= silence.starts_ms) & (starts < silence.ends_ms)
    total = int(begun.sum())
    none = float("nan")
    stages = [
        ("alerts begun", float(total)),
        ("not silenced", none if silences is None else float((begun & ~hidden).sum())),
        ("notifications sent", none if notifications is None else float(notifications)),
    ]
    rows = [
        {"stage": name, "count": count, "reduction": 1 - count / total if total else none} for name, count in stages
    ]
    return AlertStages(pd.DataFrame(rows))


def _ms(times: pd.Series) -> NDArray[np.int64]:
    marks: NDArray[np.int64] = times.dt.as_unit("ms").astype("int64").to_numpy()
    return marks
