"""The window in question and what it is compared with, as masks over rows of one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.timerange import TimeRange

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Baseline:
    """A range that the window is compared with, and how it is called: "the hour before"."""

    name: str
    range: TimeRange


@dataclass(frozen=True)
class Windows:
    """The range in question and at least one baseline.

    Attributes
    ----------
    range : TimeRange
    baselines : tuple of Baseline
    """

    range: TimeRange
    baselines: tuple[Baseline, ...]

    @property
    def spans(self) -> tuple[TimeRange, ...]:
        """The range in question, then those of the baselines."""
        return (self.range, *(baseline.range for baseline in self.baselines))

    @property
    def seconds(self) -> tuple[float, ...]:
        """Length of each of :attr:`spans`. [s]"""
        return tuple(span.seconds for span in self.spans)

    def masks(self, times_ns: NDArray[np.int64]) -> tuple[Flags, ...]:
        """Which rows lie in each of :attr:`spans`."""
        return tuple(
            (times_ns >= span.start_ms * 1_000_000) & (times_ns < span.end_ms * 1_000_000) for span in self.spans
        )

    def without(self, empty: Sequence[int]) -> Windows:
        """Leave out baselines, by number, that hold nothing to compare with."""
        return Windows(
            self.range, tuple(baseline for number, baseline in enumerate(self.baselines) if number not in empty)
        )
