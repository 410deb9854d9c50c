"""What the figures of several questions share: fewer points without losing an extreme, and shaded intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: Most points that one chart sends to a browser.
POINTS = 2_000


def kept_points(values: NDArray[np.float64], limit: int) -> NDArray[np.int64]:
    """Return positions to draw: all, or the lowest and highest of each of ``limit / 2`` equal stretches.

    Parameters
    ----------
    values : float64 array, (n,)
        What the line shows; NaN where there is no value.
    limit : int
        Most positions returned. [count]

    Returns
    -------
    int64 array, at most ``limit`` long
        Ascending positions. The lowest and the highest value are always among them.

    Examples
    --------
    >>> kept_points(np.array([5.0, 1.0, 9.0, 5.0, 5.0, 5.0]), 2).tolist()
    [1, 2]
    """
    if len(values) <= limit:
        return np.arange(len(values))
    stretches = np.array_split(np.arange(len(values)), max(1, limit // 2))
    kept: list[int] = []
    for positions in stretches:
        part = values[positions]
        known = np.isfinite(part)
        if not known.any():
            kept.append(int(positions[0]))
            continue
        kept += [int(positions[np.where(known, part, np.inf).argmin()])]
        kept += [int(positions[np.where(known, part, -np.inf).argmax()])]
    return np.unique(np.array(kept, np.int64))


def joined(counts: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Add up ``size`` neighbours at a time along the first axis; the last group may be shorter.

    Examples
    --------
    >>> joined(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 2).tolist()
    [3.0, 7.0, 5.0]
    """
    if size == 1 or not len(counts):
        return counts
    return np.asarray(np.add.reduceat(counts, np.arange(0, len(counts), size)), np.float64)


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return half-open position pairs of each unbroken run of True.

    Examples
    --------
    >>> runs(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]


def band(starts: pd.Series, ends: pd.Series, mask: NDArray[np.bool_], *, name: str, colour: str) -> Any:
    """Return one trace that shades, over the full height, the intervals where ``mask`` holds.

    It needs the hidden second y axis of :func:`band_axis`. One trace for all intervals keeps the legend short and
    the document small.
    """
    import plotly.graph_objects as go

    xs: list[Any] = []
    ys: list[float | None] = []
    for first, last in runs(mask):
        left, right = starts.iloc[first], ends.iloc[last - 1]
        xs += [left, left, right, right, None]
        ys += [0, 1, 1, 0, None]
    return go.Scatter(
        x=xs,
        y=ys,
        yaxis="y2",
        name=name,
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=colour,
        hoverinfo="skip",
        showlegend=bool(xs),
    )


def band_axis() -> dict[str, Any]:
    """Return the layout of the axis that :func:`band` draws on: 0 to 1, not shown, not zoomed."""
    return {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}
