"""Foreign text inside Streamlit's markdown: labels, titles, error messages, names from a profile."""

from __future__ import annotations

import re

from workbench.core.foreign_text import unlinked, visible

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
    line = unlinked(visible(" ".join(text.split()))).replace(" %", "\u00a0%")
    return _PUNCTUATION.sub(r"\\\1", line)
