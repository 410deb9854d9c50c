"""Which days a demo holds and at which resolution."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.core.timerange import DAY_MS, HOUR_MS

#: How far back four scrapes a minute are kept, counted to the start of a day.
RECENT_MS = 48 * HOUR_MS


@dataclass(frozen=True)
class Span:
    """History from whole day ``first`` up to and including the instant ``end_ms``.

    Attributes
    ----------
    first : int
        First day. [d since the epoch]
    end_ms : int
        Last instant that is written. [ms since the epoch]
    recorded : int
        First day with logs and traces. [d since the epoch]
    """

    first: int
    end_ms: int
    recorded: int

    @property
    def last(self) -> int:
        """Day of the end; at midnight it holds one sample only. [d since the epoch]"""
        return self.end_ms // DAY_MS

    @property
    def recent(self) -> int:
        """First day with four scrapes a minute. [d since the epoch]"""
        return max(self.first, (self.end_ms - RECENT_MS) // DAY_MS)

    def parts(self, day: int) -> int:
        """Scrapes a minute on a day."""
        return 4 if day >= self.recent else 1

    def redo_from(self, earlier_end_ms: int, *, whole: bool) -> int:
        """First day that differs from a history that ended at ``earlier_end_ms``. [d since the epoch]

        With ``whole`` it is the first of its recent days, whose resolution may not be what it was.
        """
        before = Span(self.first, earlier_end_ms, self.recorded)
        return before.recent if whole or self.recent > before.recent else before.last
