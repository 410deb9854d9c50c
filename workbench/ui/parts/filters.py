"""Filters that live in the address: what is chosen here can be sent to a colleague as a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import available_timezones

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.core.errors import ParameterError
from workbench.core.periods import DEFAULT, calendar_name, parse_period
from workbench.core.timerange import TimeRange, named_zone
from workbench.ui.parts import load
from workbench.ui.parts.markdown import escaped

#: No period first, then rolling ones and calendar months; single months follow.
PERIODS = (DEFAULT, "30d", "28d", "7d", "1d", "this-month", "last-month")

#: Length of the default period of questions that have no window of their own.
USUAL = "30d"

#: The entry of the SLO filter that shows the list.
ALL = "all"

#: The longest period that an address may ask for. [s]
LONGEST_S = 366 * 86_400.0

_MONTHS = 6


@dataclass(frozen=True)
class Period:
    """The period looked at.

    Attributes
    ----------
    text : str
        As it stands in the address.
    zone : str
    span : TimeRange or None
        What it means now; None for the default, where each objective is judged over its own window.
    range : TimeRange
        The same for questions that have no window of their own: the last 30 days by default.
    name : str
        Of a calendar period, ``2026-10``; empty for a rolling one and for the default.
    """

    text: str
    zone: str
    span: TimeRange | None
    range: TimeRange
    name: str

    def options(self, as_of: datetime) -> str:
        """Return the options by which a command reads the same period."""
        if self.name:
            return f"--period {self.name}"
        until = f"--to {as_of:%Y-%m-%dT%H:%M:%SZ}"
        return until if self.span is None else f"--last {self.text} {until}"


def sidebar(*names: str) -> None:
    """Draw the filters of a page, of ``system``, ``period`` and ``zone``; a value stays when the page changes."""
    context = load.context()
    if "window" in st.query_params:  # what the period was called in older links
        st.query_params.setdefault("period", st.query_params["window"])
        del st.query_params["window"]
        st.rerun()
    with st.sidebar:
        if "system" in names and context.systems:
            picked = _select("System", sorted(context.systems), "system")
            st.caption(escaped(context.catalog.profile(picked).title))
        if "period" in names:
            options = periods(
                load.now(), context.zone, week_start=context.week_start, wanted=st.query_params.get("period", "")
            )
            _select(
                "Period",
                options,
                "period",
                "By default each SLO is judged over its own window, and other pages show the last 30 days. A rolling "
                "period ends now; a month is a whole calendar month.",
            )
        if "zone" in names:
            _select("Calendar zone", _zones(context.zone), "zone", "Where a month begins. Charts always show UTC.")


def system() -> str:
    """Return the chosen system; empty when no source answers for any."""
    return str(st.session_state.get("system", ""))


def period() -> Period:
    """Return the chosen period."""
    text, zone = str(st.session_state["period"]), str(st.session_state["zone"])
    week_start, now = load.context().week_start, load.now()
    span = parse_period(USUAL if text == DEFAULT else text, zone=zone, week_start=week_start, as_of=now)
    try:
        name = calendar_name(text, zone=zone, week_start=week_start, as_of=now)
    except ParameterError:
        name = ""
    return Period(text, zone, None if text == DEFAULT else span, span, name)


def choose_period(start: datetime, end: datetime) -> None:
    """Make a stretch of time the period of this page, in its address too, and draw the page again."""
    st.query_params["period"] = "..".join(f"{edge:%Y-%m-%dT%H:%M:%SZ}" for edge in (start, end))
    st.session_state.pop("period", None)
    st.rerun()


def slo(system: str) -> str | None:
    """Draw the choice of an SLO of a system; None means the list of all."""
    names = [objective.id for objective in load.context().catalog.objectives.get(system, ())]
    picked = _select("SLO", [ALL, *names], "slo", width=320)
    return None if picked == ALL else picked


def choice(label: str, options: Sequence[str], key: str, *, width: int = 320) -> str:
    """Draw a choice that lives in the address under ``key``; the first option is the default."""
    return _select(label, options, key, width=width)


def tabs(names: Sequence[str], key: str = "table") -> Sequence[DeltaGenerator]:
    """Draw tabs of which the open one is part of the address under ``key``; the first is open by default."""
    wanted = st.query_params.get(key)
    drawn = st.tabs(names, key=key, on_change="rerun", bind="query-params")
    _named(key, wanted, names, names[0])
    return drawn


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


def periods(now: datetime, zone: str, *, week_start: str = "monday", wanted: str = "") -> list[str]:
    """Return the periods on offer: the default, rolling ones, this and the last months, and the one in the address.

    Examples
    --------
    >>> from datetime import UTC
    >>> periods(datetime(2026, 1, 5, tzinfo=UTC), "UTC", wanted="90d")[-3:]
    ['2025-08', '2025-07', '90d']
    """
    first = now.astimezone(named_zone(zone)).replace(day=1)
    offered = list(PERIODS)
    for _ in range(_MONTHS):
        first = (first - timedelta(days=1)).replace(day=1)
        offered.append(f"{first:%Y-%m}")
    if wanted and wanted not in offered and _possible(wanted, now, zone, week_start):
        offered.append(wanted)
    return offered


def _possible(text: str, now: datetime, zone: str, week_start: str) -> bool:
    try:
        return parse_period(text, zone=zone, week_start=week_start, as_of=now).seconds <= LONGEST_S
    except (ParameterError, OverflowError):
        return False


@cache
def _zones(first: str) -> list[str]:
    return [first, *sorted(available_timezones() - {first})]


def segments(label: str, options: Sequence[str], key: str, *, noun: str = "") -> str:
    """Draw a choice of few, all in sight, that lives in the address; the first option is the default.

    Parameters
    ----------
    label : str
        Above the choice.
    options : sequence of str
        What is on offer.
    key : str
        Name in the address.
    noun : str
        What one option is called; the label by default.
    """
    wanted = st.query_params.get(key)
    picked = st.segmented_control(label, options, default=options[0], required=True, key=key, bind="query-params")
    return _named(noun or label, wanted, options, str(picked or options[0]))


def _select(label: str, options: Sequence[str], key: str, help: str = "", width: int | None = None) -> str:
    wanted = st.query_params.get(key)
    picked = st.selectbox(label, options, key=key, bind="query-params", help=help or None, width=width or "stretch")
    return _named(label, wanted, options, picked)


def _named(label: str, wanted: str | None, options: Sequence[str], picked: str) -> str:
    """Name a value of the address that is not on offer, which would be swallowed; returns what is shown instead."""
    if wanted is not None and wanted not in options:
        what = label if label.isupper() else label.lower()
        st.warning(
            f"There is no {what} {escaped(repr(wanted))}; this is {escaped(picked)}.", icon=":material/link_off:"
        )
    return picked
