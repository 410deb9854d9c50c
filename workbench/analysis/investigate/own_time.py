"""Time of each span in which none of its children ran, for all spans at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def own_times(spans: pd.DataFrame, parents: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return duration less the union of the children's intervals, each clipped to its parent. [ns]

    Parameters
    ----------
    spans : DataFrame, (n,)
        ``start_ns``, ``duration_ns`` (int) [ns].
    parents : int64 array, (n,)
        Row of each parent, -1 for none.

    Examples
    --------
    Two children overlap, and the second ends after its parent.

    >>> spans = pd.DataFrame({"start_ns": [0, 10, 30], "duration_ns": [100, 40, 90]})
    >>> own_times(spans, np.array([-1, 0, 0])).tolist()
    [10, 40, 90]
    """
    starts, lengths = spans["start_ns"].to_numpy(np.int64), spans["duration_ns"].to_numpy(np.int64)
    children = np.flatnonzero(parents >= 0)
    above = parents[children]
    low = np.clip(starts[children] - starts[above], 0, lengths[above])
    high = np.clip(starts[children] - starts[above] + lengths[children], 0, lengths[above])
    order = np.lexsort((low, above))
    above, low, high = above[order], low[order], high[order]
    # Parents one after the other on one axis, so that the furthest end so far is one running maximum.
    first = np.flatnonzero(np.diff(above, prepend=-1))
    offsets = np.concatenate([[0], np.cumsum(lengths[above[first]])[:-1]]) if len(first) else np.empty(0, np.int64)
    base = np.repeat(offsets, np.diff(np.append(first, len(above))))
    furthest = np.maximum.accumulate(base + high) if len(above) else base
    before = np.maximum(np.concatenate([[0], furthest[:-1]]), base) if len(above) else base
    covered = np.maximum(base + high - np.maximum(base + low, before), 0)
    taken = np.zeros(len(spans), np.int64)
    np.add.at(taken, above, covered)
    own: NDArray[np.int64] = np.maximum(lengths - taken, 0)
    return own
