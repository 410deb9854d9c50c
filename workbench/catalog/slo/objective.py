"""Objectives as they are measured: the target, over which window, counted how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from workbench.catalog.slo.indicators import Indicator, indicator_texts
from workbench.core.timerange import DAY_MS

Method = Literal["occurrences", "timeslices", "ratio_timeslices"]
Absence = Literal["ignore", "bad", "good", "hold"]
CalendarUnit = Literal["day", "week", "month", "quarter", "year"]


#: Usual length of a calendar period. [d]
_USUAL_DAYS = {"day": 1, "week": 7, "month": 30, "quarter": 90, "year": 365}


@dataclass(frozen=True)
class CalendarWindow:
    """``count`` calendar units, counted from ``start`` (local time, ``YYYY-MM-DD HH:MM:SS``) in a named zone."""

    count: int
    unit: CalendarUnit
    start: str
    zone: str


@dataclass(frozen=True)
class Objective:
    """One objective of one system.

    Attributes
    ----------
    id : str
        Short name, unique within the system (``availability``).
    slo : str
        ``metadata.name`` of the document.
    target : Decimal
        Share that is promised, in [0, 1). [ratio]
    window_ms : int or None
        Length of a rolling window; None when the window is a calendar one. [ms]
    slice_ms, slice_target : int, Decimal or None
        Length of a time slice and the share that makes it good; None for occurrences. [ms], [ratio]
    derived : bool
        No document sets it; it was worked out from a threshold.
    absence : {"ignore", "bad", "good", "hold"}
        What slices without data count as.
    query_lines : mapping
        Line of each query of the indicator: ``good``, ``bad``, ``total`` or ``query``.
    """

    id: str
    slo: str
    system: str
    title: str
    description: str
    target: Decimal
    indicator: Indicator
    method: Method
    window_ms: int | None
    calendar: CalendarWindow | None
    slice_ms: int | None
    slice_target: Decimal | None
    service: str
    assumptions: tuple[str, ...] = ()
    derived: bool = False
    absence: Absence = "ignore"
    labels: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    alert_policies: tuple[str, ...] = ()
    file: str = ""
    line: int = 0
    query_lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def window_days(self) -> float | None:
        """Length of a rolling window; None for a calendar one. [d]"""
        if self.window_ms is None:
            return None
        return self.window_ms // DAY_MS if self.window_ms % DAY_MS == 0 else self.window_ms / DAY_MS

    @property
    def period_ms(self) -> int:
        """Length of the period of the error budget; of a calendar one the usual length. [ms]"""
        if self.window_ms is not None:
            return self.window_ms
        return self.calendar.count * _USUAL_DAYS[self.calendar.unit] * DAY_MS if self.calendar else 0

    @property
    def zone(self) -> str:
        """Zone of a calendar window; UTC for a rolling one, which has none."""
        return self.calendar.zone if self.calendar else "UTC"

    def queries(self) -> dict[str, str]:
        """Return what the indicator asks: :func:`workbench.catalog.slo.indicators.indicator_texts`."""
        return indicator_texts(self.indicator)
