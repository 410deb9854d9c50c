"""What silences keep quiet: how many alerts each hid, who set it, and who was told all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.alerts.marks import instants_ms
from workbench.analysis.alerts.stages import Message
from workbench.analysis.alerts.summary import AlertEpisodes
from workbench.core.result import Result
from workbench.core.timerange import DAY_MS

#: A silence that lasts longer than this is no silence but a rule that nobody wants. [ms]
LONG_MS = 30 * DAY_MS

#: A message that was under way when a silence was set is none that it should have kept back. [ms]
SETTLES_MS = 5_000


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
    (begun in the period while it was active, and matched) [count], ``urgent`` of them [count], ``sent`` (messages that
    told of a matched alert while it was active; NaN where nothing records them) [count], ``faults`` (``no owner``, ``no
    comment``, ``longer than 30 days``, ``matches nothing``, ``notified all the same``; str).
    """


def alert_silences(
    alerts: AlertEpisodes,
    silences: Sequence[Silence],
    matched: NDArray[np.bool_],
    messages: Sequence[Message] | None = None,
) -> AlertSilences:
    """Count what each silence kept quiet.

    Parameters
    ----------
    alerts : AlertEpisodes
        Episodes of alerts of the period.
    silences : sequence of Silence
        Silences of the period, expired ones included.
    matched : bool array, (n_silences, n_episodes)
        Whether the matchers of a silence select an episode.
    messages : sequence of Message, optional
        What was sent; None where nothing records it.

    Notes
    -----
    An alert counts where it began while the silence was active. ISA-18.2 (16.5) wants no suppression without somebody
    who answers for it, and none that is never looked at again.
    """
    frame = alerts.frame
    starts = instants_ms(frame["starts_at"])
    rows: list[dict[str, Any]] = []
    for silence, mine in zip(silences, matched, strict=True):
        hidden = mine & frame["started"].to_numpy() & (starts >= silence.starts_ms) & (starts < silence.ends_ms)
        sent = sum(
            silence.starts_ms + SETTLES_MS <= message.time_ms < silence.ends_ms
            and bool(mine[list(message.firing)].any())
            for message in messages or ()
        )
        faults = [
            text
            for text, holds in (
                ("no owner", not silence.owner.strip()),
                ("no comment", not silence.comment.strip()),
                ("longer than 30 days", silence.ends_ms - silence.starts_ms > LONG_MS),
                ("matches nothing", not mine.any()),
                ("notified all the same", sent > 0),
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
                "sent": np.nan if messages is None else float(sent),
                "faults": ", ".join(faults),
            }
        )
    columns = ["id", "matchers", "owner", "comment", "start", "end", "alerts", "urgent", "sent", "faults"]
    table = pd.DataFrame(rows, columns=columns)
    for name in ("start", "end"):
        table[name] = pd.to_datetime(table[name].astype("Int64"), unit="ms", utc=True).dt.as_unit("ms")
    table = table.assign(_none=table["faults"] == "").sort_values(["_none", "alerts"], ascending=[True, False])
    return AlertSilences(table.drop(columns="_none").reset_index(drop=True))


def silenced_at_start(
    alerts: AlertEpisodes, silences: Sequence[Silence], matched: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Mask of episodes that began while a silence that selects them was active."""
    starts = instants_ms(alerts.frame["starts_at"])
    hidden = np.zeros(len(starts), np.bool_)
    for silence, mine in zip(silences, matched, strict=True):
        hidden |= mine & (starts >= silence.starts_ms) & (starts < silence.ends_ms)
    return hidden
