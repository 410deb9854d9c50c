"""Days of samples joined into one series set, ready to be written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from workbench.core.series import LabelKey, Labels, SeriesSet, label_key
from workbench.demo.engine.samples import Block


def join_days(days: Sequence[Sequence[Block]]) -> list[Block]:
    """Join the blocks of following days; each day has the same blocks in the same order.

    A series that a day lacks has no sample in it.
    """
    return [_joined(blocks) for blocks in zip(*days, strict=True)]


def _joined(blocks: Sequence[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    if len({len(block.labels) for block in blocks}) > 1:
        labels = list({label_key(labels): labels for block in blocks for labels in block.labels}.values())
        blocks = [_widened(block, labels) for block in blocks]
    present = None
    if any(block.present is not None for block in blocks):
        present = np.concatenate(
            [np.ones(block.values.shape, np.bool_) if block.present is None else block.present for block in blocks],
            axis=1,
        )
    return Block(
        blocks[0].labels,
        np.concatenate([block.times for block in blocks]),
        np.concatenate([block.values for block in blocks], axis=1),
        present,
    )


def _widened(block: Block, labels: Sequence[Labels]) -> Block:
    """Return a block with a row for each of these label sets; one that it lacks is not present."""
    rows = {label_key(own): row for row, own in enumerate(block.labels)}
    places = np.array([rows.get(label_key(label_set), -1) for label_set in labels])
    values = np.full((len(labels), len(block.times)), np.nan)
    values[places >= 0] = block.values[places[places >= 0]]
    present = np.zeros(values.shape, np.bool_)
    present[places >= 0] = True if block.present is None else block.present[places[places >= 0]]
    return Block(labels, block.times, values, present)


def series_set(blocks: Iterable[Block]) -> SeriesSet:
    """Return the samples of all blocks; series without a sample are left out."""
    labels: list[Labels] = []
    counts: list[int] = []
    times: list[np.ndarray] = []
    values: list[np.ndarray] = []
    for block in blocks:
        if block.present is None:
            labels += block.labels
            counts += [len(block.times)] * len(block.labels)
            times.append(np.tile(block.times, len(block.labels)))
            values.append(block.values.ravel())
            continue
        held = block.present.sum(axis=1)
        for row, count in enumerate(held.tolist()):
            if count:
                labels.append(block.labels[row])
                counts.append(count)
        times.append(np.broadcast_to(block.times, block.present.shape)[block.present])
        values.append(block.values[block.present])
    kept = [index for index, count in enumerate(counts) if count]
    if not kept:
        return SeriesSet.empty()
    offsets = np.concatenate([[0], np.cumsum([counts[index] for index in kept])]).astype(np.int64)
    return SeriesSet(tuple(labels[index] for index in kept), offsets, np.concatenate(times), np.concatenate(values))


def merged(sets: Sequence[SeriesSet]) -> SeriesSet:
    """Join sets whose samples of one series follow each other in time, in the order given."""
    series: dict[LabelKey, tuple[Labels, list[np.ndarray], list[np.ndarray]]] = {}
    for batch in sets:
        for labels, times, values in batch:
            _, all_times, all_values = series.setdefault(label_key(labels), (labels, [], []))
            all_times.append(times)
            all_values.append(values)
    return SeriesSet.of(
        (labels, np.concatenate(times), np.concatenate(values)) for labels, times, values in series.values()
    )


def since(samples: SeriesSet, start_ms: int) -> SeriesSet:
    """Leave out what is older than ``start_ms``."""
    return SeriesSet.of(
        (labels, times[first:], values[first:])
        for labels, times, values in samples
        if (first := int(np.searchsorted(times, start_ms))) < len(times)
    )
