"""Slices as a store for the engine: what is rolled up is read, and the newest days are rolled up on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.archive.tiers import slices
from workbench.archive.tiers.corrections import MARGIN_MS, rolled_up
from workbench.archive.tiers.query import column_of
from workbench.archive.tiers.verdicts import Tier
from workbench.core.series import SeriesSet, label_key
from workbench.promql.parser.matchers import Matcher

if TYPE_CHECKING:
    from workbench.archive.archive import Archive


class TierStore:
    """A :class:`workbench.promql.engine.store.SampleStore` over one tier of an archive.

    Parameters
    ----------
    archive : Archive
        The archive to read or to write.
    tier : Tier
        One of the coarser ones.
    """

    def __init__(self, archive: Archive, tier: Tier) -> None:
        self._archive = archive
        self._tier = tier

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, marks: bool = True) -> SeriesSet:
        """Give one column of the slices that end in ``[start_ms, end_ms]``, of the series that all matchers accept.

        Slices have no stale marks.
        """
        column, rest = column_of(matchers)
        ids, labels = self._archive.matching(rest)
        last_ms = end_ms // self._tier.resolution_ms * self._tier.resolution_ms
        held = slices.read(self._archive.tables, self._tier, ids, start_ms, last_ms)
        rolled_ms = self._archive.rolled_until(self._tier)
        if rolled_ms < last_ms:
            first_ms = max(rolled_ms, start_ms - self._tier.resolution_ms) + 1
            fresh, families = self._archive.floats(rest, first_ms - MARGIN_MS, last_ms), self._archive.families
            newest = rolled_up(fresh, self._tier.resolution_ms, families, start_ms=first_ms, end_ms=last_ms)
            row_of = {label_key(each): row for row, each in enumerate(labels)}
            held = slices.joined(held, slices.renamed(newest, [row_of[label_key(each)] for each in fresh.labels]))
        return slices.as_series(held, labels, column)
