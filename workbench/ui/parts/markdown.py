"""Foreign text inside Streamlit's markdown: labels, titles, error messages, names from a profile."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from workbench.core.foreign_text import cut, unlinked, visible

#: Of one text on a page, and of one cell of a table; a longer one is cut. [characters]
LONGEST, LONGEST_CELL = 8_000, 2_000

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def escaped(text: str) -> str:
    r"""Return text that Streamlit's markdown shows letter by letter, on one line.

    Every ASCII punctuation mark is escaped: that covers links, HTML, formulas (``$``), icons (``:name:``) and
    colour directives alike. An address is no live link. A percent sign stays on the line of its number.

    Examples
    --------
    >>> print(escaped(":red[p95] $x$"))
    \:red\[p95\] \$x\$
    """
    line = unlinked(cut(visible(" ".join(text.split())), LONGEST)).replace(" %", "\u00a0%")
    return _PUNCTUATION.sub(r"\\\1", line)


def plain(text: str) -> str:
    r"""Return text for an element that shows it letter by letter: nothing acts on its order, and it is not too long.

    Examples
    --------
    >>> print(plain("a\u202eb"))
    a\u202eb
    """
    return cut(visible(text, lines=True), LONGEST)


def plain_cells(frame: pd.DataFrame) -> pd.DataFrame:
    r"""Return a table whose text shows what would act on it, cut to a length that a browser draws.

    Examples
    --------
    >>> plain_cells(pd.DataFrame({"key": ["a\u202eb", 7]}))["key"].tolist()
    ['a\\u202eb', 7]
    """
    return frame.map(plain_cell)


def plain_cell(value: Any) -> Any:
    """Return one cell of :func:`plain_cells`."""
    return cut(visible(value), LONGEST_CELL) if isinstance(value, str) else value
