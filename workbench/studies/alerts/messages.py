"""What Alertmanager's lines say of the episodes of a system: which were told of, and which were kept quiet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.alerts.stages import Message
from workbench.analysis.alerts.summary import AlertEpisodes
from workbench.core.series import LabelKey
from workbench.core.timerange import MINUTE_MS
from workbench.query.alerts.lines import Recorded
from workbench.query.alerts.records import AlertRecords
from workbench.studies.alerts.polled import PolledAlerts

if TYPE_CHECKING:
    from workbench.studies.sources.context import Context

#: Alertmanager knows the start of the server that told it first: it may differ by this from that of the samples. [ms]
_APART_MS = MINUTE_MS


@dataclass(frozen=True)
class AlertLines:
    """What lines say of the episodes of a system.

    Attributes
    ----------
    messages : tuple of Message, optional
        Messages of the period about the system's alerts, all clears included; None where the lines do not say.
    quiet : mapping of {"silence", "inhibition"} to bool array, (n_episodes,)
        Episodes that were kept quiet before a message told of them; empty where the lines do not say.
    silences : tuple of dict
        Silences that the lines hold, as the API gives them.
    """

    messages: tuple[Message, ...] | None
    quiet: Mapping[Literal["silence", "inhibition"], NDArray[np.bool_]]
    silences: tuple[dict[str, object], ...]


def read_alert_lines(
    ctx: Context, system: str, alerts: AlertEpisodes, sets: Mapping[str, Mapping[str, str]]
) -> AlertLines | None:
    """Read the lines that Alertmanager wrote beside a system; None where nothing records them.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    alerts : AlertEpisodes
        Episodes of alerts of the period.
    sets : mapping of str to mapping
        Labels by their text in ``alerts``.

    Raises
    ------
    SourceError
        The files cannot be read.
    """
    source = ctx.episodes_for(system)
    if not isinstance(source, AlertRecords | PolledAlerts):
        return None
    return lines_of(source.recorded(alerts.range), alerts, sets, alone=ctx.serves.get(source.name) == (system,))


def lines_of(
    recorded: Recorded, alerts: AlertEpisodes, sets: Mapping[str, Mapping[str, str]], *, alone: bool
) -> AlertLines:
    """Hold lines against episodes; ``alone`` when every message is about the system, whatever its labels."""
    places = _Places(alerts, sets)
    span = alerts.range
    messages: list[Message] = []
    first_told = np.full(len(alerts.frame), np.iinfo(np.int64).max)
    for sent in sorted(recorded.sent, key=lambda message: message.time_ms):
        if not span.start_ms <= sent.time_ms < span.end_ms:
            continue
        rows = [(places.row(labels, at_ms), fires) for labels, at_ms, fires in sent.alerts]
        firing = tuple(row for row, fires in rows if fires and row is not None)
        if alone or any(row is not None for row, _ in rows):
            messages.append(Message(sent.time_ms, firing))
        for row in firing:
            first_told[row] = min(first_told[row], sent.time_ms)
    quiet: dict[Literal["silence", "inhibition"], NDArray[np.bool_]] = {}
    if recorded.mutes:
        quiet = {by: np.zeros(len(alerts.frame), np.bool_) for by in ("silence", "inhibition")}
        if not recorded.sends:  # nothing says when it was told of: what was quiet at the first look counts
            for alert in recorded.seen:
                seen = places.row(alert.labels, alert.seen_ms)
                if seen is not None:
                    first_told[seen] = min(first_told[seen], alert.seen_ms)
        for muting in recorded.muted:
            kept_quiet = places.row(muting.labels, muting.seen_ms)
            if kept_quiet is not None and muting.seen_ms <= first_told[kept_quiet]:
                quiet[muting.by][kept_quiet] = True
    return AlertLines(tuple(messages) if recorded.sends else None, quiet, tuple(recorded.silences))


class _Places:
    """Finds the episode that an alert of Alertmanager is: its labels, and external ones, at an instant."""

    def __init__(self, alerts: AlertEpisodes, sets: Mapping[str, Mapping[str, str]]) -> None:
        frame = alerts.frame
        self._starts = frame["starts_at"].dt.as_unit("ms").astype("int64").to_numpy()
        self._ends = self._starts + np.round(frame["duration_s"].to_numpy() * 1000).astype(np.int64)
        self._rows: dict[tuple[str, str], dict[str, list[int]]] = {}
        self._sets = sets
        self._known: dict[LabelKey, NDArray[np.int64]] = {}
        for row, (name, severity, text) in enumerate(
            zip(frame["alertname"], frame["severity"], frame["labels"], strict=True)
        ):
            self._rows.setdefault((str(name), str(severity)), {}).setdefault(str(text), []).append(row)

    def row(self, labels: LabelKey, at_ms: int) -> int | None:
        """Return the episode that runs at an instant, the one that began nearest to it."""
        rows = self._known.get(labels)
        if rows is None:
            rows = self._known[labels] = self._of(dict(labels))
        near = rows[(self._starts[rows] - _APART_MS <= at_ms) & (at_ms <= self._ends[rows] + _APART_MS)]
        if not len(near):
            return None
        return int(near[np.argmin(abs(self._starts[near] - at_ms))])

    def _of(self, labels: Mapping[str, str]) -> NDArray[np.int64]:
        name = (labels.get("alertname", ""), labels.get("severity", ""))
        rows: list[int] = []
        for text, places in self._rows.get(name, {}).items():
            own = self._sets.get(text, {})
            if (own or not text) and all(labels.get(key) == value for key, value in own.items()):
                rows += places
        return np.array(sorted(rows), np.int64)
