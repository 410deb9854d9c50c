"""Ways from a number to its evidence and back: pages of this dashboard at an address that shows the same again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from workbench.core.shipped import shipped
from workbench.ui.parts.markdown import escaped

#: Page file -> what a link to it is called, and its icon; in the order in which one asks.
_EVIDENCE: Mapping[str, tuple[str, str]] = {
    "investigate.py": ("Investigate", "troubleshoot"),
    "logs.py": ("Logs", "article"),
    "traces.py": ("Traces", "account_tree"),
}

#: Query parameter of a page that was reached by a link: the page with the link, and its parameters.
BACK = "back"

#: A way back longer than this loses its own way back; no address of a page is longer. [characters]
_LONGEST = 1_500

#: Most parameters of a way back that are kept, and those that Streamlit keeps for itself: a link may not set them.
_MOST, _STREAMLITS = 20, ("embed", "embed_options")

#: Key of the session under which the router notes which page is drawn: its address and its title.
_HERE = "here"

#: Key of the session: the places of that page which have been drawn.
_DRAWN = "drawn"

#: Least length of a stretch that is linked to, so that a moment shows what happened around it.
LEAST = timedelta(minutes=10)


def exists(page: str) -> bool:
    """Whether a page is part of this dashboard."""
    return (shipped("pages") / page).exists()


def stretch(system: str, start: datetime, end: datetime, **filters: str) -> dict[str, str]:
    """Return the query parameters by which the pages of evidence show one stretch of time of a system.

    Examples
    --------
    >>> noon = datetime(2026, 10, 1, 12, tzinfo=UTC)
    >>> stretch("lab", noon, noon)
    {'system': 'lab', 'from': '2026-10-01T11:55:00Z', 'to': '2026-10-01T12:05:00Z'}
    """
    missing = LEAST - (end - start)
    if missing > timedelta():
        start, end = start - missing / 2, end + missing / 2
    first, last = (f"{edge.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for edge in (start, end))
    return {"system": system, "from": first, "to": last, **{name: text for name, text in filters.items() if text}}


def entered(address: str, title: str) -> None:
    """Note which page is drawn, so that the links on it lead back to it."""
    if st.session_state.get(_HERE) != (address, title):
        st.session_state[_DRAWN] = set()
    st.session_state[_HERE] = (address, title)


def drawn_here() -> set[int]:
    """Return which places of the page that is open have been drawn before, by their heights. [px]"""
    drawn: set[int] = st.session_state.setdefault(_DRAWN, set())
    return drawn


def returning(given: Mapping[str, str]) -> dict[str, str]:
    """Return query parameters of a link with the way back to the page it stands on, as it is shown now."""
    page, _ = st.session_state.get(_HERE, ("", ""))
    shown = {name: str(text) for name, text in st.query_params.items()}
    way = f"{page}?{urlencode(shown)}"
    if len(way) > _LONGEST:
        way = f"{page}?{urlencode({name: text for name, text in shown.items() if name != BACK})}"
    return {**given, BACK: way} if len(way) <= _LONGEST else dict(given)


def way_back(text: str, titles: Mapping[str, str]) -> tuple[str, str, dict[str, str]] | None:
    """Return the page file, the title and the parameters of a way back; None where it leads to no page of the menu.

    Parameters
    ----------
    text : str
        What stands in the address; anybody may have written it.
    titles : mapping of str to str
        Address of a page -> its title; that of the first page is empty.

    Examples
    --------
    >>> way_back("cost?system=lab&period=7d", {"cost": "Cost and tokens"})
    ('cost.py', 'Cost and tokens', {'system': 'lab', 'period': '7d'})
    >>> way_back("https://evil.example/?x=1", {"cost": "Cost and tokens"}) is None
    True
    """
    page, _, query = text[:_LONGEST].partition("?")
    if page not in titles:
        return None
    given = [(name, value) for name, value in parse_qsl(query) if name and name.lower() not in _STREAMLITS]
    return f"{page or 'overview'}.py", titles[page], dict(given[:_MOST])


def back(titles: Mapping[str, str]) -> None:
    """Draw the way back to the page that led here, where one stands in the address."""
    way = way_back(st.query_params[BACK], titles) if BACK in st.query_params else None
    if way is not None:
        page, title, given = way
        label = f"Back to {escaped(title)}"
        st.page_link(page, label=label, icon=":material/arrow_back:", query_params=given or None)


def evidence(system: str, start: datetime, end: datetime, **filters: str) -> None:
    """Draw the links from one stretch of time to what explains it."""
    for page, (label, icon) in _EVIDENCE.items():
        if exists(page):
            given = returning(stretch(system, start, end, **filters))
            st.page_link(page, label=label, icon=f":material/{icon}:", query_params=given)
