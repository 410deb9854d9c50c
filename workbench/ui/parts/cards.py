"""Key figures in a row of equal tiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import streamlit as st

from workbench.core.units import change_text
from workbench.ui.parts.markdown import escaped

Good = Literal["up", "down", "neither"]


@dataclass(frozen=True)
class Tile:
    """One key figure.

    Attributes
    ----------
    label, value, note, help : str
        The value carries its unit; ``note`` says what it is measured against.
    change : float
        Against the period before; NaN where there is none. [ratio]
    good : {"up", "down", "neither"}
        Which way is better, so that a rise of cost is no good news.
    spark : tuple of float
        Its course over the period, see :func:`curve`.
    """

    label: str
    value: str
    note: str = ""
    help: str = ""
    change: float = math.nan
    good: Good = "neither"
    spark: tuple[float, ...] = ()


#: A change smaller than this has no direction; a spark line has at most this many points. [ratio, count]
NEUTRAL, POINTS = 0.01, 60


def curve(values: pd.Series) -> tuple[float, ...]:
    """Return values as a spark line: means of equal stretches, what is not known left out."""
    known = values.to_numpy(np.float64)
    known = known[np.isfinite(known)]
    if len(known) < 2:
        return ()
    return tuple(float(part.mean()) for part in np.array_split(known, min(POINTS, len(known))))


#: A change that is written as 0.0 % points neither up nor down. [ratio]
UNCHANGED = 0.0005

#: Least width of a tile, and what its padding and one character of its value take. [px]
_LEAST, _PADDING, _CHARACTER = 150, 40, 13


def tiles(row: Sequence[Tile]) -> None:
    """Show tiles side by side, all of one height and none with a cut value; on a narrow screen fewer in a row."""
    wide = _PADDING + _CHARACTER * max((len(tile.value) for tile in row), default=0)
    with st.grid(len(row), min_column_width=max(_LEAST, wide), gap="small"):
        for tile in row:
            with st.container(border=True, height="stretch", gap="xxsmall"):
                st.metric(
                    escaped(tile.label),
                    escaped(tile.value),
                    delta=change_text(tile.change) if math.isfinite(tile.change) else None,
                    delta_color=_colour(tile),
                    delta_arrow="off" if abs(tile.change) < UNCHANGED else "auto",
                    help=tile.help or None,
                    chart_data=tile.spark or None,
                )
                st.caption(escaped(tile.note))


def _colour(tile: Tile) -> Literal["normal", "inverse", "off"]:
    if tile.good == "neither" or abs(tile.change) < NEUTRAL:
        return "off"
    return "normal" if tile.good == "up" else "inverse"
