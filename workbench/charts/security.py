"""Security and access: the answer in words, what stands out, and rows of text."""

from __future__ import annotations

import pandas as pd

from workbench.charts.tables import Sentence
from workbench.charts.theme import STATUS_WORDS
from workbench.charts.unusual import Line
from workbench.core.result import Result, Study
from workbench.core.units import NO_VALUE, change_text, count_text, instant_text, interval_text, ratio_text

#: Counters named in the sentence that answers.
_NAMED = 3


def security_finding(study: Study) -> Sentence:
    """Say in a sentence how many sign-ins failed, what was refused, and how often that stood out."""
    totals = study.results["totals"].frame
    whole = totals[(totals["dimension"] == "") & totals["amount"].notna()]
    if study.status in ("unavailable", "refused", "no_data") or whole.empty:
        return Sentence(f"Security: {STATUS_WORDS[study.status].lower()}.")
    tried = study.results["sign_ins"].frame
    tried = tried[(tried["dimension"] == "") & tried["attempts"].notna()]
    parts = []
    for row in tried.itertuples():
        before = f", {ratio_text(row.share_before, digits=1)} before" if row.share_before == row.share_before else ""
        of = f"{count_text(row.failed)} of {count_text(row.attempts)} sign-ins failed"
        parts.append(f"{of} ({ratio_text(row.share, digits=1)}{before})" if row.attempts else "nobody tried to sign in")
    rest = whole[~whole["role"].str.contains("authentication", regex=False)]
    for row in rest.head(_NAMED).itertuples():
        change = f" ({change_text(row.change_ratio)})" if row.change_ratio == row.change_ratio else ""
        parts.append(f"{row.title}: {count_text(row.amount)}{change}")
    text = "; ".join(parts)
    return Sentence(f"{text[:1].upper()}{text[1:]}.")


def security_lines(study: Study) -> tuple[Line, ...]:
    """One line per event: rises of several counters at one time are one, named after the one that rose most."""
    events: list[pd.DataFrame] = []
    for _, row in study.results["rises"].frame.sort_values("start").iterrows():
        if events and row["start"] < events[-1]["end"].max():
            events[-1] = pd.concat([events[-1], row.to_frame().T])
        else:
            events.append(row.to_frame().T)
    lines = []
    for event in reversed(events):
        first, start, end = event.iloc[0], event["start"].min(), event["end"].max()
        also = f"; also {', '.join(event['title'].iloc[1:])}" if len(event) > 1 else ""
        part = f", {ratio_text(first['part'], digits=0)} of {first['group']}" if first["group"] else ""
        usual = (
            f"about {count_text(round(first['usual']))} are usual" if first["usual"] >= 1 else "hardly any are usual"
        )
        when = f"since {instant_text(start)}" if event["open"].any() else interval_text(start, end)
        lines.append(
            Line(
                "security/rise",
                "at_risk",
                str(first["title"]),
                f"{count_text(first['amount'])} ({usual}{part}), {when}{also}",
                start.to_pydatetime(),
                end.to_pydatetime(),
            )
        )
    return tuple(lines)


def sign_in_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per counter of sign-ins and label: ``counter, by, group, attempts, failed, share``."""
    return [
        {
            "counter": str(row.title),
            "by": str(row.dimension),
            "group": str(row.group) or "all",
            "attempts": count_text(row.attempts) if row.attempts == row.attempts else NO_VALUE,
            "failed": count_text(row.failed) if row.failed == row.failed else NO_VALUE,
            "failed share": ratio_text(row.share, digits=2),
            "share before": ratio_text(row.share_before, digits=2),
        }
        for row in result.frame.itertuples()
    ]


def rise_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per rise of a counter: ``counter, from, to, amount, usual, mostly``."""
    return [
        {
            "counter": str(row.title),
            "from": instant_text(row.start),
            "to": "still" if row.open else instant_text(row.end),
            "amount": count_text(row.amount),
            "usual amount": count_text(round(row.usual)),
            "mostly": f"{row.group} ({ratio_text(row.part, digits=0)})" if row.group else NO_VALUE,
        }
        for row in result.frame.itertuples()
    ]


def line_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per log line: ``time, level, service, message, event type, trace``."""
    return [
        {
            "time": instant_text(pd.Timestamp(row.time)),
            "level": str(row.severity) or NO_VALUE,
            "service": str(row.service),
            "message": str(row.message),
            "event type": str(row.event_type) or NO_VALUE,
            "trace": str(row.trace_id),
        }
        for row in result.frame.itertuples()
    ]
