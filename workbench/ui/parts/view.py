"""The one order of every page of a question: answer, key figures, what is out of line, charts, tables, method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from workbench.charts.tables import Sentence
from workbench.charts.unusual import Line, usual_sentence
from workbench.core.result import Study
from workbench.ui.parts import filters, links, states, tables
from workbench.ui.parts.cards import Tile, tiles
from workbench.ui.parts.drawn import once
from workbench.ui.parts.markdown import escaped

#: Lines shown at once, and rows of text that they may take on a wide page; the tables hold all. [count]
SHOWN, ROWS = 5, 6

#: A longer line takes a second row, for the ways to its evidence. [characters]
_ROW = 120


@dataclass(frozen=True)
class Sheet:
    """One table of a page.

    Attributes
    ----------
    title : str
        Of its tab.
    rows : sequence of mapping
        Cells of text by column.
    caption : str
        What a row is, or what does not add up.
    absent : str
        Said where there is no row.
    """

    title: str
    rows: Sequence[Mapping[str, str]]
    caption: str = ""
    absent: str = "None in this period."


def _nothing(study: Study) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class View:
    """What a page shows of a study, each part made of its results alone, and for all its readers once.

    ``sheets`` also gets the texts that ``chosen`` returns: what the reader chose on the page.
    """

    answer: Callable[[Study], Sentence]
    figures: Callable[[Study], Sequence[Tile]]
    unusual: Callable[[Study], Sequence[Line]]
    charts: Callable[[Study], None]
    sheets: Callable[..., Sequence[Sheet]]
    chosen: Callable[[Study], tuple[str, ...]] = _nothing


def shown(view: View, study: Study) -> None:
    """Draw a study in the order of every page."""
    st.markdown(escaped(repr(once(view.answer, study))))
    tiles(once(view.figures, study))
    out_of_line(study, once(view.unusual, study))
    view.charts(study)
    sheets(once(view.sheets, study, *view.chosen(study)))


def out_of_line(study: Study, lines: Sequence[Line]) -> None:
    """Draw one line per event that is out of line, with the way to its evidence, and in one sentence what is not."""
    if not lines and not usual_sentence(study):
        return
    with st.container(border=True, gap="small"):
        st.markdown("**What is out of line**")
        shown = fitting(lines)
        for line in shown:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                badge = states.badge_text(line.status, of_budget=False) + " " if line.status != "ok" else ""
                st.markdown(f"{badge}**{escaped(line.title)}**: {escaped(line.evidence)}", help=f"`{line.id}`")
                if line.start is not None and line.end is not None:
                    with st.container(horizontal=True, gap=None, width="content"):
                        links.evidence(study.system, line.start, line.end)
        more = f"{len(lines) - len(shown)} more in the tables below." if len(lines) > len(shown) else ""
        rest = " ".join(filter(None, [more, usual_sentence(study)]))
        if rest or not lines:
            st.caption(escaped(rest or "Nothing, of what could be judged."))


def fitting(lines: Sequence[Line]) -> Sequence[Line]:
    """Return the first lines, at least one, that leave a page short enough to be looked over."""
    taken = 0
    for number, line in enumerate(lines[:SHOWN]):
        taken += 1 + len(f"{line.title}: {line.evidence}") // _ROW
        if taken > ROWS:
            return lines[: max(number, 1)]
    return lines[:SHOWN]


def sheets(parts: Sequence[Sheet]) -> None:
    """Draw tables behind tabs, the first open; the open one is part of the address."""
    names = [part.title for part in parts]
    for part, tab in zip(parts, filters.tabs(names), strict=True):
        with tab:
            if part.rows:
                tables.texts(part.rows, alt=part.title, shared=True)
            else:
                st.caption(escaped(part.absent))
            if part.caption and part.rows:
                st.caption(escaped(part.caption))
