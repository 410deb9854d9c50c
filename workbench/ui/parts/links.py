"""Ways from a number to its evidence and back: pages of this dashboard at an address that shows the same again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import streamlit as st

from workbench.core.shipped import shipped

#: Page file -> what a link to it is called, and its icon; in the order in which one asks.
_EVIDENCE: Mapping[str, tuple[str, str]] = {
    "investigate.py": ("Investigate", "troubleshoot"),
    "logs.py": ("Logs", "article"),
    "traces.py": ("Traces", "account_tree"),
}

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


def evidence(system: str, start: datetime, end: datetime, **filters: str) -> None:
    """Draw the links from one stretch of time to what explains it."""
    for page, (label, icon) in _EVIDENCE.items():
        if exists(page):
            given = stretch(system, start, end, **filters)
            st.page_link(page, label=label, icon=f":material/{icon}:", query_params=given)
