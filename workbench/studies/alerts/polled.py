"""Alerts that the collector saw in Alertmanager, look by look: Alertmanager itself keeps no history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.core.errors import WorkbenchError
from workbench.core.source import SourceState
from workbench.core.timerange import TimeRange, from_ms, to_ms
from workbench.core.units import instant_text
from workbench.query.alerts.alertmanager import NOW_ONLY
from workbench.query.alerts.lines import Recorded, joined, read_line
from workbench.query.alerts.sightings import APART_MS, endings, episodes_of, observed
from workbench.studies.sources.backends import Snapshots

if TYPE_CHECKING:
    from workbench.store import Store

#: Kind of observation in the store.
KIND = "alertmanager"

_WRITTEN = (
    "Alerts are those that `workbench collect` saw in Alertmanager since {first}: one that began "
    "and ended between two looks is not seen, an end is that of the first look without the alert, and an alert of a "
    "Prometheus that stopped counts as over when Alertmanager drops it."
)


@dataclass(frozen=True)
class PolledAlerts:
    """A :class:`workbench.core.source.EpisodeSource` over the looks of `workbench collect`, and one of now.

    Attributes
    ----------
    server : Snapshots
    store : Store or None
        Where the collector wrote its looks down; without any, the alerts are those of now.
    clock : callable
        Gives the aware instant "now".
    """

    server: Snapshots
    store: Store | None
    clock: Callable[[], datetime]

    @property
    def name(self) -> str:
        """Name of the Alertmanager."""
        return self.server.name

    @property
    def kind(self) -> str:
        """Kind of the source."""
        return self.server.kind

    @property
    def location(self) -> str:
        """Base address, without credentials."""
        return self.server.location

    def state(self) -> SourceState:
        """Say whether the server answers; never raises."""
        return self.server.state()

    def episodes(self, span: TimeRange) -> pd.DataFrame:
        """Give the episodes that overlap ``[start, end)``: EPISODES, by start.

        ``.attrs`` holds ``observed``, the stretches of the range that looks cover [ms], and ``warnings``.

        Raises
        ------
        SourceError
            Nothing was written down and the server does not answer.
        """
        recorded, looks, notes = self._read(span)
        frame = episodes_of(recorded.seen, span, notes)
        newest = max((last for _, last in looks), default=span.start_ms)
        if newest + APART_MS < span.end_ms:
            frame["ends_at"] = frame["ends_at"].fillna(pd.Timestamp(from_ms(newest)).as_unit("ms"))
        frame.attrs["observed"] = tuple(map(tuple, observed(looks, span).tolist()))
        return frame

    def recorded(self, span: TimeRange) -> Recorded:
        """Give all that the looks of a range say: alerts, those that were kept quiet, and silences.

        Raises
        ------
        SourceError
            Nothing was written down and the server does not answer.
        """
        return self._read(span)[0]

    def _read(self, span: TimeRange) -> tuple[Recorded, list[tuple[int, int]], list[str]]:
        wide = TimeRange.from_ms(span.start_ms - APART_MS, span.end_ms + APART_MS)
        rows = self.store.observed(self.name, KIND, limit=None, span=wide) if self.store is not None else []
        parts: list[Recorded] = []
        for row in reversed(rows):
            for at in dict.fromkeys((row.first_seen, row.last_seen)):
                parts.append(read_line({**row.document, "time": at.timestamp()}))
        looks = [(to_ms(row.first_seen), to_ms(row.last_seen)) for row in rows]
        notes = [_WRITTEN.format(first=instant_text(rows[-1].first_seen))] if rows else [NOW_ONLY]
        now = self.clock()
        newest = looks[0][1] if looks else span.start_ms - APART_MS
        if newest + APART_MS < min(to_ms(now), span.end_ms):
            try:
                parts.append(read_line({**self.server.snapshot(), "time": now.timestamp()}))
                looks.append((to_ms(now), to_ms(now)))
            except WorkbenchError as error:
                if not parts:
                    raise
                notes.append(f"{self.name} does not answer now: {error.message}")
        return joined(parts, endings([[each for part in parts for each in part.looks]])), looks, notes


def look(server: Snapshots, store: Store, *, at: datetime) -> None:
    """Write down what an Alertmanager has at an instant.

    Raises
    ------
    SourceError
        The server does not answer.
    """
    document: dict[str, Any] = server.snapshot()
    last = store.observed(server.name, KIND, limit=1)
    unbroken = bool(last) and to_ms(at) - to_ms(last[0].last_seen) <= APART_MS
    # A row tells only its first and last look: one that went on over a gap would hide it.
    document["since"] = last[0].document["since"] if unbroken else at.isoformat()
    store.observe(server.name, KIND, document, at=at)
