"""An investigation as tables of text: the same words on the page, the command line, in a report and in a notebook."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from workbench.charts.tables import Sentence, Table
from workbench.core.result import Result, Study
from workbench.core.timerange import TimeRange
from workbench.core.units import NO_VALUE, count_text, factor_text, instant_text, ratio_text, significant_text

#: Rows of one kind that a table shows; all of them are in the data.
SHOWN = 8

#: Columns of a table in a report; the data and the page have all.
REPORTED = ("what", "service", "change", "now", "before", "ratio", "kept")

#: Rows of values that agree in all of these count the same requests.
_SAME = ("kind", "kept", "kept_before", "now", "before", "ratio", "first_ns", "trace_id", "example")

#: What a reader is told of each kind, in place of its short name.
HEADINGS = {
    "failing operation": "Operations that fail: where failures began",
    "log template": "Log templates",
    "slow operation": "Operations that are slower, by own time",
    "bad requests": "Over-represented in bad requests",
    "traffic mix": "Traffic",
    "objective": "Objectives: share of bad events, by exact counts",
}


def change_rows(result: Result, kind: str, *, most: int = SHOWN) -> list[dict[str, str]]:
    """One row of text per finding of a kind: ``rank, what, change, now, before, ratio, counted, trace, command``."""
    frame = result.frame
    rows = merged(frame[(frame["kind"] == kind) & frame["named"]]) if len(frame) else frame
    return [
        {
            "rank": str(row.rank),
            "what": _row_name(row, kind),
            "service": str(row.service),
            "change": str(row.change),
            "now": _figure(row.now, str(row.unit)),
            "before": f"{_figure(row.before, str(row.unit))} ({row.against})",
            "ratio": ratio_range(row),
            "kept": f"{count_text(row.kept)} / {count_text(row.kept_before)}",
            "first": _instant(row.first_ns) if row.kept else NO_VALUE,
            "example": str(row.example),
            "trace": str(row.trace_id),
            "trace command": str(row.trace_command),
            "command": str(row.command),
        }
        for row in rows.head(most).itertuples()
    ]


def merged(rows: pd.DataFrame) -> pd.DataFrame:
    """Show values of attributes that the same requests have as one row, other rows as they are."""
    same = [*_SAME, rows["what"].where(~rows["kind"].isin(("bad requests", "traffic mix")), "")]
    names = rows.groupby(same, sort=False, dropna=False)["what"].agg(list)
    first = rows[~rows.assign(apart=same[-1]).duplicated([*_SAME, "apart"])]
    texts = [f"{what} (the same requests: {', '.join(others)})" if others else what for what, *others in names.tolist()]
    return first.assign(what=pd.Series(texts, index=first.index, dtype="str"))


def _row_name(row: Any, kind: str) -> str:
    """Name of a row, with the level of a template, and with whom an operation waits for."""
    if kind == "log template":
        return f"{row.detail} {row.what}".strip()
    return f"{row.what} ({row.detail})" if str(row.detail).startswith("waiting") else str(row.what)


def ratio_range(row: Any) -> str:
    """Ratio with its interval; without an upper end where nothing was counted before."""
    if not math.isfinite(row.ratio_high):
        return f"at least {significant_text(row.ratio_low)}x"
    low, high = significant_text(row.ratio_low), significant_text(row.ratio_high)
    return f"{significant_text(row.ratio)}x ({low}x to {high}x)"


def happening_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per thing that happened: ``kind, what, from, to, detail``."""
    return [
        {
            "kind": str(row.kind),
            "what": str(row.what),
            "from": instant_text(row.starts_at),
            "to": instant_text(row.ends_at),
            "detail": str(row.detail),
        }
        for row in result.frame.itertuples()
    ]


def budget_rows(study: Study) -> list[dict[str, str]]:
    """One row of text per objective that had bad events in the window: ``objective, bad, total, burn rate``."""
    if "compliance" not in study.results:
        return []
    frame = study.results["compliance"].frame
    return [
        {
            "objective": str(row.objective),
            "bad": f"{count_text(row.bad)} {row.unit}",
            "of": count_text(row.total),
            "bad share": ratio_text(row.bad / row.total),
            "burn rate": factor_text(row.burn_rate),
        }
        for row in frame.sort_values("burn_rate", ascending=False).itertuples()
        if row.bad > 0
    ]


def budget_heading(study: Study) -> str:
    """Say over which whole slices the events of :func:`budget_rows` were counted."""
    frame = study.results["compliance"].frame if "compliance" in study.results else pd.DataFrame()
    if frame.empty:
        return "Budget spent"
    edges = (frame["window_start"].min(), frame["window_end"].max())
    return f"Budget spent from {TimeRange(*(pd.Timestamp(edge).to_pydatetime() for edge in edges))}"


def finding(study: Study) -> Sentence:
    """Say in one sentence what differs most, or that nothing that was compared does."""
    frame = study.results["changes"].frame
    if frame.empty:
        return Sentence("Nothing could be compared in this window.")
    named = frame[frame["named"]]
    if named.empty:
        rows = "1 row was" if len(frame) == 1 else f"{len(frame):,} rows were"
        unread = {
            "unavailable": " Lines or spans could not be read.",
            "no_data": " No line and no span could be compared.",
        }.get(study.status, "")
        return Sentence(f"Nothing differs in what was read: {rows} compared.{unread}{_burning(study)}")
    parts = []
    for kind, words in _LEADS.items():
        own = named[named["kind"] == kind]
        if len(own):
            parts.append(f"{words} {own.iloc[0]['what']}")
    text = "; ".join(parts)
    return Sentence(
        f"{len(named)} of {len(frame)} rows {'differs' if len(named) == 1 else 'differ'}. {text[:1].upper()}{text[1:]}."
    )


def _burning(study: Study) -> str:
    """Name what burned in spite of it: a budget may burn as fast as it did before."""
    frame = study.results["compliance"].frame if "compliance" in study.results else pd.DataFrame()
    burning = frame[frame["burn_rate"] > 1].sort_values("burn_rate", ascending=False) if len(frame) else frame
    if burning.empty:
        return ""
    names = ", ".join(f"{row.objective} ({factor_text(row.burn_rate)})" for row in burning.itertuples())
    return f" Budgets that burned faster than allowed all the same: {names}."


_LEADS = {
    "failing operation": "failures began in",
    "log template": "most changed log template:",
    "slow operation": "slower:",
    "bad requests": "over-represented in bad requests:",
    "traffic mix": "traffic moved:",
    "objective": "share of bad events changed most in the objective",
}


def change_table(study: Study, kind: str) -> Table:
    """Table of :func:`change_rows` that renders itself."""
    rows = change_rows(study.results["changes"], kind)
    return Table([{name: row[name] for name in REPORTED} for row in rows], caption=HEADINGS[kind])


def happening_table(study: Study) -> Table:
    """Table of :func:`happening_rows` that renders itself."""
    return Table(happening_rows(study.results["happenings"]), caption="What else happened, from two hours before.")


def _figure(value: float, unit: str) -> str:
    if value != value:
        return NO_VALUE
    if unit.startswith("of "):
        return f"{ratio_text(value, digits=2)} {unit}"
    return f"{significant_text(value)} {unit}"


def _instant(ns: int) -> str:
    return f"{pd.Timestamp(int(ns), unit='ns', tz='UTC'):%H:%M:%S} UTC"


def example_trace(study: Study) -> str:
    """Return the id of a trace that shows what differs most: a failing operation first; empty where no row has one.

    Parameters
    ----------
    study : Study
        Answer of ``workbench.investigate``.
    """
    frame = study.results["changes"].frame
    if frame.empty:
        return ""
    rows = frame[frame["named"] & frame["trace_id"].astype(bool)]
    order = {kind: place for place, kind in enumerate(HEADINGS)}
    rows = rows.assign(place=rows["kind"].map(order)).sort_values(["place", "rank"], kind="stable")
    return str(rows["trace_id"].iloc[0]) if len(rows) else ""
