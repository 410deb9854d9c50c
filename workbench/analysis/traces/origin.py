"""Where a failure began: the deepest failing span, not the root that inherits it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Rows = NDArray[np.int64]

#: The row of nothing: no parent, no origin.
NO_ROW = -1


def parent_rows(spans: pd.DataFrame) -> Rows:
    """Return the row of each span's parent.

    Parameters
    ----------
    spans : DataFrame, (n,)
        ``trace_id``, ``span_id`` and ``parent_id`` of the frame contract ``SPANS``, any row order.

    Returns
    -------
    int64 array, (n,)
        Position of the parent in ``spans``, -1 for a root, for a span whose parent is not among the rows and for one
        that names itself. Of several spans with one id in one trace, the first is the parent.

    Examples
    --------
    >>> spans = pd.DataFrame({"trace_id": ["t", "t"], "span_id": ["b", "a"], "parent_id": ["a", ""]})
    >>> parent_rows(spans).tolist()
    [1, -1]
    """
    count = len(spans)
    if not count:
        return np.empty(0, np.int64)
    traces = pd.factorize(spans["trace_id"])[0].astype(np.int64)
    ids, texts = pd.factorize(pd.concat([spans["span_id"], spans["parent_id"]], ignore_index=True))
    own, named = (traces * (len(texts) + 1) + part for part in (ids[:count], ids[count:]))
    order = np.argsort(own, kind="stable")
    place = np.minimum(np.searchsorted(own[order], named), count - 1)
    rows = order[place]
    known = (own[rows] == named) & (spans["parent_id"] != "").to_numpy(np.bool_) & (rows != np.arange(count))
    return np.where(known, rows, NO_ROW)


def failure_origins(failed: NDArray[np.bool_], parents: Rows, ends_ns: Rows) -> Rows:
    """Return where the failure of each span began: the deepest failing span reached through failing children.

    Parameters
    ----------
    failed : bool array, (n,)
        Spans with the status error.
    parents : int64 array, (n,)
        Row of each parent, -1 for none, as :func:`parent_rows` gives it.
    ends_ns : int64 array, (n,)
        End of each span. [ns since the epoch]

    Returns
    -------
    int64 array, (n,)
        Row of the origin; a failing span without a failing child is its own. -1 for a span that did not fail.

    Notes
    -----
    Of several failing children the one that ended first is followed: the failure was there before the others ended.
    A failing span below one that did not fail was handled (a retry, a fallback): it is the origin of itself only.
    Spans that are each other's ancestors are their own origins. Chains are followed by doubling, in log2(depth) steps.

    Examples
    --------
    The request, its provider call and the query below both fail; the query ended first.

    >>> failed, parents = np.array([True, True, True]), np.array([-1, 0, 0])
    >>> failure_origins(failed, parents, np.array([90, 80, 40])).tolist()
    [2, 1, 2]
    """
    rows = np.arange(len(failed), dtype=np.int64)
    inherits = failed & (parents != NO_ROW)
    inherits &= np.where(inherits, failed[parents], False)
    children = rows[inherits]
    children = children[np.argsort(ends_ns[children], kind="stable")]
    below = rows.copy()
    first = np.unique(parents[children], return_index=True)
    below[first[0]] = children[first[1]]
    for _ in range(max(len(failed), 1).bit_length()):
        deeper = below[below]
        if np.array_equal(deeper, below):
            break
        below = deeper
    circular = below[below] != below
    below = np.where(circular, rows, below)
    return np.where(failed, below, NO_ROW)
