"""Numbers to take away: CSV for a spreadsheet, JSON as the command line prints it."""

from __future__ import annotations

import json
import re

import pandas as pd
import streamlit as st

from workbench.core.foreign_text import json_safe, spreadsheet
from workbench.core.result import Result, Study


def csv_text(frame: pd.DataFrame) -> str:
    """Return a frame as CSV with ISO 8601 times; text that a spreadsheet would run as a formula gets a quote before it.

    Examples
    --------
    >>> csv_text(pd.DataFrame({"slo": ["=1+1"], "good": [12.0]})).splitlines()
    ['slo,good', "'=1+1,12.0"]
    """
    safe = frame.map(lambda value: spreadsheet(value) if isinstance(value, str) else value)
    for name in safe.columns:
        if isinstance(safe[name].dtype, pd.DatetimeTZDtype):
            safe[name] = safe[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(safe.to_csv(index=False))


def json_text(study: Study) -> str:
    """Return a study as the command line prints it with ``--format json``."""
    return json_safe(json.dumps(study.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def file_name(*parts: str) -> str:
    """Join parts to a file name that every system takes.

    Examples
    --------
    >>> file_name("slo", "my lab/1", "30d")
    'slo-my-lab-1-30d'
    """
    return re.sub(r"[^A-Za-z0-9._]+", "-", "-".join(parts)).strip("-.")


def downloads(study: Study, result: Result, *, name: str) -> None:
    """Show two buttons: the rows of a result as CSV and the whole study as JSON; both are made on click."""
    with st.container(horizontal=True):
        st.download_button(
            "Download CSV",
            lambda: csv_text(result.to_frame()),
            file_name=f"{name}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Download JSON",
            lambda: json_text(study),
            file_name=f"{name}.json",
            mime="application/json",
            icon=":material/download:",
            on_click="ignore",
        )
