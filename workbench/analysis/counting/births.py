"""Series that begin with a value when nothing saw their target before: what they counted until then is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.counters.falls import counted_samples
from workbench.core.series import Labels, SeriesSet
from workbench.core.units import significant_text


@dataclass(frozen=True)
class Birth:
    """A series that began with a value, and whose target was not seen before.

    Attributes
    ----------
    labels : Labels
    time_ms : int
        Of its first sample. [ms since the epoch]
    value : float
        Of its first sample: what was counted before it, since an unknown instant, and is left out. [count]
    """

    labels: Labels
    time_ms: int
    value: float


def unseen_births(series: SeriesSet, born_at_zero: NDArray[np.bool_], *, since_ms: int) -> tuple[Birth, ...]:
    """Return the series that begin with a value after an instant, neither counted from zero nor from the beginning.

    Parameters
    ----------
    series : SeriesSet
        Samples of counters of one selector.
    born_at_zero : bool array, length n_series
        Series whose first sample counts in full, see :func:`workbench.analysis.counting.increase.born_while_up`.
    since_ms : int
        Earlier first samples change no count. [ms since the epoch]

    Returns
    -------
    tuple of Birth
        By series. Series that begin where the data begin are none: there the coverage says what is missing.

    Examples
    --------
    >>> pods = [({"pod": "a"}, [0, 60, 120], [5.0, 6.0, 7.0]), ({"pod": "b"}, [120, 180], [40.0, 41.0])]
    >>> unseen_births(SeriesSet.of(pods), np.array([False, False]), since_ms=60)
    (Birth(labels={'pod': 'b'}, time_ms=120, value=40.0),)
    """
    firsts = {}
    for row in range(len(series)):
        times, values = counted_samples(series, row)
        if len(times):
            firsts[row] = Birth(series.labels[row], int(times[0]), float(values[0]))
    beginning = max(since_ms, min((first.time_ms for first in firsts.values()), default=since_ms))
    return tuple(
        first
        for row, first in firsts.items()
        if first.time_ms > beginning and first.value > 0 and not born_at_zero[row]
    )


def birth_notes(births: Sequence[Birth]) -> tuple[str, ...]:
    """Say how much may be missing from the counts, one sentence per metric.

    Examples
    --------
    >>> birth_notes([Birth({"__name__": "requests_total", "pod": "b"}, 120_000, 40.0)])[0].partition(":")[0]
    'Not counted'
    """
    named: dict[str, list[Birth]] = {}
    for birth in births:
        named.setdefault(birth.labels.get("__name__", ""), []).append(birth)
    return tuple(_note(name, own) for name, own in named.items())


def _note(name: str, births: Sequence[Birth]) -> str:
    largest = max(births, key=lambda birth: birth.value)
    target = [f"{label} {largest.labels[label]}" for label in ("job", "pod", "instance") if label in largest.labels]
    where = f", the largest of {', '.join(target)}" if target else ""
    amount = significant_text(sum(birth.value for birth in births))
    return (
        f"Not counted: up to {amount} of {name}. {len(births):,} series began with a value while no scrape had seen "
        f"the target{where}; when that was counted is not known."
    )
