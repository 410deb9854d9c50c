"""How long each resolution is kept, and the steps that keep to it: roll up first, then delete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.archive import native, samples
from workbench.archive.storage.document import RAW_DELETED_BEFORE
from workbench.archive.tiers import slices
from workbench.archive.tiers.corrections import MARGIN_MS, rolled_up
from workbench.archive.tiers.slices import TABLES
from workbench.archive.tiers.verdicts import FIVE_MINUTES, HOUR, Tier
from workbench.core.series import SeriesSet
from workbench.core.timerange import DAY_MS

if TYPE_CHECKING:
    from workbench.archive.archive import Archive


@dataclass(frozen=True)
class Policy:
    """How long samples and slices stay, None for ever. [ms]"""

    raw_ms: int | None = 100 * DAY_MS
    five_minutes_ms: int | None = 400 * DAY_MS
    hours_ms: int | None = None


@dataclass(frozen=True)
class Expired:
    """Days rolled up, and rows deleted by table. [count]"""

    days: int
    rows: dict[str, int]


def roll_up(archive: Archive, until_ms: int, *, report: Callable[[float], object] = lambda _: None) -> int:
    """Roll up the whole days before an instant whose slices are absent or older than their samples; gives how many.

    Days whose samples were deleted keep the slices they have.
    """
    oldest = archive.oldest_ms()
    if oldest is None:
        return 0
    start_ms = max(oldest - 1, int(archive.meta.get(RAW_DELETED_BEFORE, 0)))
    waiting = {
        tier: slices.stale_days(archive.tables, tier, start_ms, until_ms // DAY_MS * DAY_MS)
        for tier in (FIVE_MINUTES, HOUR)
    }
    days = sorted({day for each in waiting.values() for day in each})
    for number, day in enumerate(days):
        sequence = slices.newest_sequence(archive.tables, day)
        scraped = archive.floats((), day + 1 - MARGIN_MS, day + DAY_MS + MARGIN_MS)
        own, families = archive.ids_of(scraped.labels), archive.families
        for tier, stale in waiting.items():
            if day in stale:
                rolled = rolled_up(scraped, tier.resolution_ms, families, start_ms=day + 1, end_ms=day + DAY_MS)
                slices.replace_day(archive.tables, tier, own, rolled, day, sequence=sequence)
        report((number + 1) / len(days))
    return len(days)


def expire(
    archive: Archive, policy: Policy, now_ms: int, *, report: Callable[[float], object] = lambda _: None
) -> Expired:
    """Let go of what is older than the policy says, in whole days; samples only after they were rolled up.

    Native histograms are not rolled up: they stay as they were scraped for as long as slices of five minutes do.

    Returns
    -------
    Expired
    """
    days, gone = 0, dict[str, int]()
    if policy.raw_ms is not None:
        before = (now_ms - policy.raw_ms) // DAY_MS * DAY_MS
        days = roll_up(archive, before, report=report)
        held = archive.rows("samples")
        archive.update_meta({RAW_DELETED_BEFORE: max(before, int(archive.meta.get(RAW_DELETED_BEFORE, 0)))})
        _let_go(archive, samples.rewrite, before)
        gone["samples"] = held - archive.rows("samples")
    if policy.five_minutes_ms is not None and archive.rows("histograms"):  # they have no slices to live on in
        held = archive.rows("histograms")
        _let_go(archive, native.rewrite, (now_ms - policy.five_minutes_ms) // DAY_MS * DAY_MS)
        gone["histograms"] = held - archive.rows("histograms")
    for tier, kept_ms in ((FIVE_MINUTES, policy.five_minutes_ms), (HOUR, policy.hours_ms)):
        if kept_ms is not None:
            gone[TABLES[tier.name].name] = _forget(archive, tier, (now_ms - kept_ms) // DAY_MS * DAY_MS)
    return Expired(days, gone)


def _let_go(archive: Archive, rewrite: Callable[..., None], before_ms: int) -> None:
    """Delete rows of all series up to an instant."""
    ids, _ = archive.matching(())
    rewrite(archive.tables, np.zeros(0, np.int32), SeriesSet.empty(), ids, 0, before_ms + 1)


def _forget(archive: Archive, tier: Tier, before_ms: int) -> int:
    """Let go of the slices that end by an instant; gives how many. [count]"""
    layout = TABLES[tier.name]
    old = [file for file in archive.files(layout) if file.high["ts"] <= before_ms]
    if old:
        archive.tables.replace(layout, old, [])
    return sum(file.rows for file in old)
