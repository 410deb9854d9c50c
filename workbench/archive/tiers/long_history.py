"""Samples over a time whose older part was deleted: slices stand in for it, and increases stay exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.archive.tiers import slices
from workbench.archive.tiers.columns import Slices
from workbench.archive.tiers.corrections import is_counter
from workbench.archive.tiers.verdicts import FIVE_MINUTES, HOUR, Tier
from workbench.core.series import SeriesSet, is_stale, label_key
from workbench.promql.parser.matchers import Matcher

if TYPE_CHECKING:
    from workbench.archive.archive import Archive


def long_history(archive: Archive, matchers: Sequence[Matcher], start_ms: int, cut_ms: int, end_ms: int) -> SeriesSet:
    """Read ``[start_ms, end_ms]`` where the samples up to ``cut_ms`` were deleted.

    Of a counter each slice and each later sample give one value of a total without resets, so that reset-aware
    increases are those of the samples; of a gauge they give the last value.
    """
    ids, labels = archive.matching(matchers)
    old = slices.read(archive.tables, standing_in(archive, start_ms), ids, start_ms, min(cut_ms, end_ms))
    fresh = archive.floats(matchers, cut_ms + 1, end_ms)
    row_of = {label_key(each): row for row, each in enumerate(labels)}
    both = slices.joined(old, _singly(fresh, np.array([row_of[label_key(each)] for each in fresh.labels], np.int32)))
    families = archive.families
    counting = np.array([is_counter(each, families) for each in labels], bool)[both.row]
    parts = [
        slices.as_series(slices.kept(both, counting), labels, "counter"),
        slices.as_series(slices.kept(both, ~counting), labels, "last"),
    ]
    return SeriesSet.of(row for part in parts for row in part).sampled()


def standing_in(archive: Archive, start_ms: int) -> Tier:
    """Return the tier whose slices stand in for samples that were deleted from an instant on."""
    oldest = archive.oldest_of(FIVE_MINUTES)
    reaches = oldest is not None and oldest <= max(start_ms, archive.oldest_of(HOUR) or 0) + HOUR.resolution_ms
    return FIVE_MINUTES if reaches else HOUR


def _singly(samples: SeriesSet, row_of: NDArray[np.int32]) -> Slices:
    """Every sample as a slice of its own."""
    kept = ~is_stale(samples.values)
    rows = np.repeat(row_of, np.diff(samples.offsets))[kept].astype(np.int32)
    times, values = samples.times[kept], np.compress(kept, samples.values)
    ones, zeros = np.ones(len(times), np.int64), np.zeros(len(times))
    return Slices(rows, times, times, times, ones, values, values, zeros, values, values, values)
