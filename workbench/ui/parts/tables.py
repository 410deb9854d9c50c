"""Tables of objectives and of sources: worst first, every cell with its unit, a row leads to its detail."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from workbench.analysis.operations.sources import SourceChecks, SourceStates
from workbench.analysis.slo.burn import BurnRates
from workbench.charts.columns import HELP, header
from workbench.charts.tables import budget_left_text, status_word
from workbench.charts.theme import PARTLY, STATUS_WORDS
from workbench.core.result import Status
from workbench.core.units import (
    NO_VALUE,
    age_text,
    count_text,
    day_text,
    factor_text,
    instant_text,
    ratio_text,
    target_text,
)
from workbench.ui.parts.drawn import once
from workbench.ui.parts.header import place_text
from workbench.ui.parts.markdown import escaped, plain, plain_cell, plain_cells

#: Height of a row and of the header, and how many rows a table shows before it scrolls. [px, px, count]
ROW_PX, HEADER_PX, MOST_ROWS = 34, 37, 8

#: How many objectives are shown before their table scrolls. [count]
MOST_OBJECTIVES = 12

#: What stands in place of an amount; text that starts as an amount does, not as a date.
_ABSENT = (NO_VALUE, "not measured", "no data", "no answer")
_AMOUNT = re.compile(r"[<>+-]{0,2} ?[0-9][0-9,.]*(?: ?[A-Za-z/%×]+(?: [0-9][0-9,]* [a-z]+)?)?$")

#: Statuses as a reader should meet them.
WORST_FIRST: tuple[Status, ...] = ("spent", "at_risk", "unavailable", "refused", "no_data", "no_traffic", "ok")

_COLOURS: dict[Status, str] = {
    "ok": "green",
    "at_risk": "orange",
    "spent": "red",
    "no_data": "gray",
    "no_traffic": "gray",
    "unavailable": "violet",
    "refused": "violet",
}

#: A source that answers, but has no new samples.
STALE = "Stale"

#: Part of a text -> background that tells it on a light and on a dark page; the word stands in the text.
_TINTS = {
    STATUS_WORDS["spent"]: "rgba(179,38,30,0.20)",
    STATUS_WORDS["at_risk"]: "rgba(196,96,10,0.20)",
    PARTLY: "rgba(100,112,128,0.16)",
}

_STATUS_COLUMN = st.column_config.MultiselectColumn(
    "Status",
    options=[*STATUS_WORDS.values(), STALE, PARTLY],
    color=[*(_COLOURS[status] for status in STATUS_WORDS), "orange", "gray"],
    width=88,
)


def worst_first(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows by status, then by the share of budget left, least first.

    Examples
    --------
    >>> frame = pd.DataFrame({"status": ["ok", "spent", "ok"], "period_left_ratio": [0.9, -1.0, 0.2]})
    >>> worst_first(frame)["period_left_ratio"].tolist()
    [-1.0, 0.2, 0.9]
    """
    place = {status: number for number, status in enumerate(WORST_FIRST)}
    ordered = frame.assign(_place=frame["status"].map(place))
    return ordered.sort_values(["_place", "period_left_ratio"], kind="stable").drop(columns="_place")


def goal_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return compliance rows as text a reader can take in: one row per objective, in the order given."""
    cells = [
        {
            "Status": [status_word(row.status, row.coverage)],
            "SLO": row.title if row.objective else NO_VALUE,
            "Objective": _cut(target_text(row.target)),
            "Measured": ratio_text(row.sli),
            "Budget left": budget_left_text(row),
            "Bad": _of(row.bad, row.total, row.unit),
            "Burn rate": factor_text(row.burn_rate),
            "Budget ends": day_text(row.exhausted_at),
            "Observed": ratio_text(row.coverage, digits=1),
        }
        for row in frame.itertuples()
    ]
    return pd.DataFrame(cells)


def goals(frame: pd.DataFrame, *, key: str, open_row: Callable[[pd.Series], None], system: bool = False) -> None:
    """Show objectives; the name of each is a button that calls ``open_row`` with its row.

    Parameters
    ----------
    frame : DataFrame
        Rows of a compliance result or of the board, in the order to show.
    key : str
        Identity of the table on its page.
    open_row : callable
        What a click does.
    system : bool
        Show the system of each row, in place of the counts.
    """
    cells = goal_cells(frame)
    if system:
        cells = cells.drop(columns="Bad")
        cells.insert(2, "System", frame["system_title"].to_numpy())

    def clicked() -> None:
        click = st.session_state[f"{key}-click"]
        if click is not None:
            open_row(frame.iloc[click.row])

    st.dataframe(
        plain_cells(cells),
        hide_index=True,
        key=key,
        height="content" if len(cells) <= MOST_OBJECTIVES else HEADER_PX + 38 * MOST_OBJECTIVES,
        row_height=38,
        alt="SLOs, worst first",
        column_config={
            "Status": _STATUS_COLUMN,
            "SLO": st.column_config.ButtonColumn(
                "SLO",
                type="tertiary",
                alignment="left",
                key=f"{key}-click",
                on_click=clicked,
                help="Open the detail.",
                width=_wide(cells["SLO"]),
            ),
            "System": st.column_config.TextColumn(width=_wide(cells["System"]) if system else None),
            "Objective": st.column_config.TextColumn(alignment="right", help="Share of events that must be good."),
            "Measured": st.column_config.TextColumn(alignment="right", help="Good events / all events."),
            "Budget left": st.column_config.TextColumn(
                alignment="right",
                help="Of the bad events that the whole period allows; negative when overspent. In a period that is not "
                "over this is projected at the traffic so far, and what that traffic allows stands beside it.",
            ),
            "Bad": st.column_config.TextColumn(alignment="right"),
            "Burn rate": st.column_config.TextColumn(alignment="right", help="1× spends the budget exactly."),
            "Budget ends": st.column_config.TextColumn(
                help="UTC: when it ran out, or will at the pace of the last 3 days (the last day where it lost less)."
            ),
            "Observed": st.column_config.TextColumn(alignment="right", help="Share of the period that has data."),
        },
    )


def _wide(cells: pd.Series) -> int:
    """Return the width at which the longest of some names is whole. [px]"""
    return min(360, 36 + 7 * max((len(str(text)) for text in cells), default=0))


def _cut(target: str) -> str:
    """Shorten the target of a composite, which has no end; the detail shows it whole."""
    return target if len(target) <= 10 else f"{target[:7]}… %"


def burn_rates(rates: BurnRates) -> None:
    """Show the burn rate over each look-back."""
    rows = [
        {
            "Look-back": f"last {row.lookback}",
            "Burn rate": factor_text(row.burn_rate),
            "Budget spent in it": ratio_text(row.budget_spent, digits=2),
            "Bad": _of(row.total - row.good, row.total, ""),
            "Observed": ratio_text(row.covered, digits=1),
        }
        for row in rates.frame.itertuples()
    ]
    _plain_table(rows, alt="Burn rate over each look-back")


def sources(states: SourceStates) -> None:
    """Show what each source is, whether it answers and how old its newest sample is."""
    rows = [
        {
            "Status": [STALE if row.stale and row.status == "ok" else STATUS_WORDS.get(row.status, row.status)],
            "Source": row.name,
            "Kind": row.kind,
            "Newest sample": instant_text(row.newest),
            "Age": age_text(row.age_s),
            "Engine": row.engine or NO_VALUE,
            "Semantics": row.semantics or NO_VALUE,
            "Systems": row.systems,
            "Location": place_text(row.location),
        }
        for row in states.frame.itertuples()
    ]
    st.dataframe(
        plain_cells(pd.DataFrame(rows)),
        hide_index=True,
        height="content",
        alt="Sources",
        column_config={"Status": _STATUS_COLUMN},
    )


def details(states: SourceStates) -> None:
    """Show what a source said that has something to say."""
    for row in states.frame.itertuples():
        if row.detail:
            st.text(plain(f"{row.name}: {row.detail}"))


def checks(checked: SourceChecks) -> None:
    """Show what a close look at the sources found; what asks for something stands first."""
    words = {"warning": "To do", "unknown": "Not known", "ok": "OK"}
    rows = [
        {"Source": row.source, "Check": row.check, "Status": words[row.status], "Finding": row.text}
        for row in checked.frame.itertuples()
    ]
    if rows:
        _plain_table(rows, alt="What a check of the sources found")


def texts(
    rows: Sequence[Mapping[str, str]], *, alt: str, shared: bool = False, tint: Callable[[str], str] | None = None
) -> None:
    """Show rows of foreign text as a table; nothing in it is read as markup.

    A long table scrolls inside its own frame. Every column has its header in sentence case and says what it counts;
    the whole of a cut cell is shown when it is pointed at. ``shared`` rows are the same list for all readers; ``tint``
    gives a cell the style of its text.
    """
    _plain_table(rows, alt=alt, shared=shared, tint=tint)


def status_tint(text: str) -> str:
    """Return the background of a cell by the word of a status in its text; none where all is well or not known.

    Examples
    --------
    >>> status_tint("99.877 %, 123 % spent, Budget spent (counted)"), status_tint("99.9 %, OK")
    ('background-color: rgba(179,38,30,0.20)', '')
    """
    return next((f"background-color: {tint}" for word, tint in _TINTS.items() if word in text), "")


def short(rows: Sequence[Mapping[str, str]]) -> None:
    """Show a few rows of text whole, without a way to sort them."""
    st.table([{header(name): escaped(text) for name, text in row.items()} for row in rows], border="horizontal")


def _plain_table(
    rows: Sequence[Mapping[str, Any]],
    *,
    alt: str,
    shared: bool = False,
    tint: Callable[[str], str] | None = None,
) -> None:
    frame, columns = once(_cells, rows) if shared else _cells(rows)
    st.dataframe(
        frame.style.map(tint) if tint else frame,
        hide_index=True,
        height="content" if len(rows) <= MOST_ROWS else HEADER_PX + ROW_PX * MOST_ROWS,
        row_height=ROW_PX,
        alt=alt,
        column_config=columns,
    )


def _cells(rows: Sequence[Mapping[str, Any]]) -> tuple[pd.DataFrame, dict[str, Any]]:
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name, math.nan) for row in rows] for name in names}
    filled = {name: cells for name, cells in columns.items() if any(cell != "" for cell in cells)}
    frame = pd.DataFrame({name: [plain_cell(cell) for cell in cells] for name, cells in filled.items()})
    return frame, {name: _column(name, cells) for name, cells in filled.items()}


def _column(name: str, cells: Sequence[Any]) -> Any:
    """Return the header, the help and the side of a column: amounts stand on the right."""
    amounts = all(isinstance(cell, str) and (cell in _ABSENT or bool(_AMOUNT.match(cell))) for cell in cells)
    return st.column_config.TextColumn(header(name), help=HELP.get(name), alignment="right" if amounts else "left")


def _of(bad: float, total: float, unit: str) -> str:
    return f"{count_text(bad)} of {count_text(total)} {unit}".rstrip() if math.isfinite(total) else NO_VALUE
