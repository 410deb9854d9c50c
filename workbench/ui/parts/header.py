"""How far to trust a page: how fresh its data is, how much was observed, where from, and for which range."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.core.result import Study
from workbench.core.shipped import shipped
from workbench.core.units import instant_text, interval_text, ratio_text, span_text
from workbench.ui.parts import load
from workbench.ui.parts.markdown import escaped


def freshness_text(newest: datetime | None, as_of: datetime) -> str:
    """Say up to when there is data, and how long before ``as_of`` that was.

    Examples
    --------
    >>> from datetime import UTC
    >>> freshness_text(datetime(2026, 11, 21, 14, 5, tzinfo=UTC), datetime(2026, 11, 21, 14, 8, tzinfo=UTC))
    'Data to 21 Nov 2026 14:05 UTC (3 min old)'
    """
    if newest is None:
        return "No data"
    age_s = (as_of - newest).total_seconds()
    age = f" ({span_text(age_s)} old)" if age_s >= 60 else ""
    return f"Data to {instant_text(newest)}{age}"


def title(text: str) -> DeltaGenerator:
    """Show the title of a page; returns the place beside it, for the status when it is known."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(escaped(text), anchor=False, width="content")
        return st.container(width="content")


def system_title(system: str) -> str:
    """Return the title of a system of the catalog."""
    return load.context().catalog.profile(system).title


def place_text(location: str) -> str:
    """Return where something is, shortened: files of the installation and of the user's home from there.

    Examples
    --------
    >>> place_text("http://prometheus:9090"), place_text(str(shipped("data", "slos")))
    ('http://prometheus:9090', 'data/slos')
    """
    for root, prefix in ((shipped("pages").parent, ""), (Path.home(), "~/")):
        if location.startswith(f"{root}/"):
            return prefix + location.removeprefix(f"{root}/")
    return location


def facts(study: Study, *first: str) -> None:
    """Show in one quiet line: what is looked at, freshness, coverage, source with its semantics, method, range."""
    made = study.provenance
    parts = [*first]
    if study.freshness is not None or (study.status == "no_data" and not study.coverage > 0):
        parts.append(freshness_text(study.freshness, study.as_of))
    if study.age_s is not None:
        parts.append(f"answer {span_text(max(study.age_s, 1))} old, a newer one is being computed")
    if math.isfinite(study.coverage) and study.freshness is not None:
        parts.append(f"{ratio_text(study.coverage, digits=1)} observed")
    if made.source:
        semantics = f"{made.semantics} semantics" if made.semantics else ""
        engine = ", ".join(part for part in (made.engine.removeprefix("none: "), semantics) if part)
        parts.append(f"source {made.source}" + (f" ({engine})" if engine else ""))
    if study.freshness is not None and made.method.startswith(("exact", "corrected", "extrapolated")):
        parts.append(f"{made.method} counts")
    if study.range.seconds:
        parts.append(interval_text(study.range.start, study.range.end))
    st.caption(" · ".join(escaped(part) for part in parts))
