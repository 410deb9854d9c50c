"""The window of a page of evidence: ``?from=...&to=...`` in the address."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from workbench.core.errors import ParameterError
from workbench.core.timerange import TimeRange, parse_instant
from workbench.core.units import span_text
from workbench.ui.parts import load


def window(usual: timedelta, longest: timedelta) -> TimeRange:
    """Return the window of the address, by default the last ``usual``.

    Raises
    ------
    ParameterError
        An instant that cannot be read, or a window that is empty or longer than ``longest``.
    """
    now, zone = load.now(), load.context().zone
    until, since = st.query_params.get("to", ""), st.query_params.get("from", "")
    end = min(parse_instant(until, zone=zone), now) if until else now
    span = TimeRange(parse_instant(since, zone=zone) if since else end - usual, end)
    if not span.seconds:
        raise ParameterError("The window of this link is empty.", hint="Give `from` before `to`.")
    if span.seconds > longest.total_seconds():
        limit = span_text(longest.total_seconds())
        raise ParameterError(f"The window is {span_text(span.seconds)} long; at most {limit} are shown here.")
    return span
