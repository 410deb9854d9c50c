"""Filters that live in the address: what is chosen here can be sent to a colleague as a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import available_timezones

import streamlit as st

from workbench.core.errors import ParameterError
from workbench.core.timerange import TimeRange, named_zone
from workbench.studies import window
from workbench.ui.parts import load
from workbench.ui.parts.markdown import escaped

#: Rolling windows first, then calendar months; single months follow.
WINDOWS = ("30d", "28d", "7d", "1d", "this-month", "last-month")

#: The entry of the SLO filter that shows the list.
ALL = "all"

#: The longest window that an address may ask for. [s]
LONGEST_S = 366 * 86_400.0

_MONTHS = 6


@dataclass(frozen=True)
class Period:
    """The range looked at; ``window`` is the text in the address, ``span`` what it means now."""

    window: str
    zone: str
    span: TimeRange

    @property
    def month(self) -> str:
        """The calendar month, ``2026-10``; empty for a rolling window."""
        rolling = self.window[-1:].isalpha() and "month" not in self.window
        return "" if rolling else f"{self.span.start.astimezone(named_zone(self.zone)):%Y-%m}"


def sidebar(*names: str) -> None:
    """Draw the filters of a page, of ``system``, ``window`` and ``zone``; a value stays when the page changes."""
    context = load.context()
    with st.sidebar:
        if "system" in names and context.systems:
            _select("System", sorted(context.systems), "system")
        if "window" in names:
            options = windows(load.now(), context.zone, asked=st.query_params.get("window", ""))
            _select("Window", options, "window", "A rolling window ends now; a month is a whole calendar month.")
        if "zone" in names:
            _select("Calendar zone", _zones(context.zone), "zone", "Where a month begins. Charts always show UTC.")


def system() -> str:
    """Return the chosen system; empty when no source answers for any."""
    return str(st.session_state.get("system", ""))


def period() -> Period:
    """Return the chosen range."""
    text, zone = str(st.session_state["window"]), str(st.session_state["zone"])
    return Period(text, zone, window(text, zone=zone, as_of=load.now(), week_start=load.context().week_start))


def slo(system: str) -> str | None:
    """Draw the choice of an SLO of a system; None means the list of all."""
    names = [objective.id for objective in load.context().catalog.objectives.get(system, ())]
    picked = _select("SLO", [ALL, *names], "slo", width=320)
    return None if picked == ALL else picked


def choice(label: str, options: Sequence[str], key: str) -> str:
    """Draw a choice that lives in the address under ``key``; the first option is the default."""
    return _select(label, options, key, width=320)


def address(system: str, slo: str) -> dict[str, str]:
    """Return the query parameters of the detail of an SLO.

    What is the default anyway is left out: Streamlit would take it out of the address again, as one more step for the
    browser's back button.
    """
    chosen = {"system": system, "slo": slo}
    defaults = {"system": next(iter(load.context().systems), ""), "slo": ""}
    return {name: value for name, value in chosen.items() if value != defaults[name]}


def back_to_list() -> None:
    """Draw the way from one SLO back to the list."""

    def show_all() -> None:
        st.session_state["slo"] = ALL

    st.button("All SLOs", icon=":material/arrow_back:", type="tertiary", on_click=show_all)


def windows(now: datetime, zone: str, *, asked: str = "") -> list[str]:
    """Return the windows on offer: rolling ones, this and the last month, the months before, and the one asked for.

    Examples
    --------
    >>> from datetime import UTC
    >>> windows(datetime(2026, 1, 5, tzinfo=UTC), "UTC", asked="90d")[-3:]
    ['2025-08', '2025-07', '90d']
    """
    first = now.astimezone(named_zone(zone)).replace(day=1)
    offered = list(WINDOWS)
    for _ in range(_MONTHS):
        first = (first - timedelta(days=1)).replace(day=1)
        offered.append(f"{first:%Y-%m}")
    if asked and asked not in offered and _possible(asked, now, zone):
        offered.append(asked)
    return offered


def _possible(text: str, now: datetime, zone: str) -> bool:
    try:
        return window(text, zone=zone, as_of=now).seconds <= LONGEST_S
    except (ParameterError, OverflowError):
        return False


@cache
def _zones(first: str) -> list[str]:
    return [first, *sorted(available_timezones() - {first})]


def _select(label: str, options: Sequence[str], key: str, help: str = "", width: int | None = None) -> str:
    """Draw a select box bound to the address; a value there that is not on offer is named, not swallowed."""
    asked = st.query_params.get(key)
    picked = st.selectbox(label, options, key=key, bind="query-params", help=help or None, width=width or "stretch")
    if asked is not None and asked not in options:
        what = label if label.isupper() else label.lower()
        st.warning(f"There is no {what} {escaped(repr(asked))}; this is {escaped(picked)}.", icon=":material/link_off:")
    return picked
