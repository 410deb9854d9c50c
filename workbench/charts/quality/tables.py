"""Quality as tables of text: the same words on the page, the command line, in the report and in a notebook."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from workbench.charts.tables import Sentence, Table
from workbench.charts.theme import STATUS_WORDS
from workbench.core.result import Result, Study
from workbench.core.units import NO_VALUE, count_text, ratio_text, span_text, value_text

_VERDICTS = {
    "drift": "drifts",
    "echo": "echo of a drift a week before",
    "none": "no drift",
    "not_enough": "not enough data",
}

#: Columns of the rows below that hold text.
TEXT = ("score", "of", "status", "verdict", "direction", "limit", "rule", "query", "text", "series", "note")


def _score(value: float, *, signed: bool = False) -> str:
    return NO_VALUE if not math.isfinite(value) else f"{value:+.4f}" if signed else f"{value:.4f}"


def _effect(value: float) -> str:
    return NO_VALUE if math.isnan(value) else f"{value:+.1f} sd" if math.isfinite(value) else "> 99 sd"


def _time(value: Any) -> str:
    return NO_VALUE if pd.isna(value) else f"{value:%Y-%m-%d %H:%M} UTC"


def state_rows(result: Result) -> list[dict[str, str]]:
    """One row of text a score: its last day against the same hours a week before, with interval and sample sizes."""
    return [
        {
            "score": str(row.title),
            "of": str(row.series),
            "status": STATUS_WORDS[row.status],
            "verdict": _VERDICTS[str(row.verdict)],
            "last day": _score(row.mean),
            "a week before": _score(row.before),
            "difference": _score(row.difference, signed=True),
            "95 % interval": f"{_score(row.low, signed=True)} to {_score(row.high, signed=True)}"
            if math.isfinite(row.low)
            else NO_VALUE,
            "effect": _effect(row.effect),
            "hours": count_text(row.pairs),
            "samples": f"{count_text(row.samples)} / {count_text(row.before_samples)}",
            "days of drift": count_text(row.drift_days),
            "observed": ratio_text(row.coverage, digits=1),
        }
        for row in result.frame.itertuples()
    ]


def drift_rows(result: Result) -> list[dict[str, str]]:
    """One row of text a drift, by onset: which score, which way, from when to when, how far, on how many samples."""
    return [
        {
            "score": str(row.title),
            "of": str(row.series),
            "direction": str(row.direction),
            "onset": _time(row.onset),
            "end": "goes on" if row.open else _time(row.end),
            "days": count_text(row.days),
            "difference": _score(row.difference, signed=True),
            "effect": _effect(row.effect),
            "samples": count_text(row.samples),
            "note": "echo of a drift a week before" if row.echo else "",
        }
        for row in result.frame.itertuples()
    ]


def limit_rows(result: Result) -> list[dict[str, str]]:
    """One row of text a documented limit: ``limit, rule, breaches, in breach, longest, share, worst, last end``."""
    return [
        {
            "limit": str(row.title),
            "rule": str(row.rule),
            "breaches": count_text(row.breaches),
            "in breach": span_text(row.seconds),
            "longest": span_text(row.longest),
            "share": ratio_text(row.share, digits=2),
            "worst": value_text(row.worst, str(row.unit)),
            "last end": _time(row.last_end),
        }
        for row in result.frame.itertuples()
    ]


def documented_rows(result: Result) -> list[dict[str, str]]:
    """One row of text a series of the documented comparison: ``query, text, series, latest, largest, at``."""
    return [
        {
            "query": str(row.query),
            "text": str(row.text),
            "series": str(row.series),
            "latest": _score(row.latest, signed=True),
            "largest": _score(row.largest, signed=True),
            "at": _time(row.largest_at),
        }
        for row in result.frame.itertuples()
    ]


def state_table(result: Result) -> Table:
    """Table of :func:`state_rows` that renders itself."""
    caption = "The last day of the period; samples are those of this day / of the day a week before."
    return Table(state_rows(result), caption=caption, left=TEXT)


def drift_table(result: Result) -> Table:
    """Table of :func:`drift_rows` that renders itself."""
    return Table(drift_rows(result), caption="Difference and effect are those of the worst day.", left=TEXT)


def breach_table(result: Result) -> Table:
    """Table of :func:`limit_rows` that renders itself."""
    return Table(limit_rows(result), caption="Documented limits of the scores, evaluated once a minute.", left=TEXT)


def documented_table(result: Result) -> Table:
    """Table of :func:`documented_rows` that renders itself."""
    caption = "The comparison that the document gives, and the corrected one; see docs/errata.md."
    return Table(documented_rows(result), caption=caption, left=TEXT)


def quality_finding(study: Study) -> Sentence:
    """Say in a few sentences which scores drift or drifted, and since when."""
    states, drifts = study.results["states"].frame, study.results["drifts"].frame
    if states.empty:
        if study.status in ("unavailable", "refused"):
            return Sentence(f"Quality is {STATUS_WORDS[study.status].lower()}.")
        asked = bool(study.provenance.queries)
        return Sentence("Quality: no data in this period." if asked else "Quality is not measured.")
    own = drifts[~drifts["echo"]]
    parts = []
    for row in own[own["open"]].itertuples():
        parts.append(f"{row.title} of {row.series} is {row.direction} than a week before since {_time(row.onset)}.")
    for row in own[~own["open"]].itertuples():
        parts.append(
            f"{row.title} of {row.series} was {row.direction} than a week before from {_time(row.onset)} "
            f"to {_time(row.end)}, by {_score(abs(row.difference))} on the worst day."
        )
    unknown = int((states["verdict"] == "not_enough").sum())
    steady = len(states) - own.groupby(["role", "series"]).ngroups - unknown
    if steady > 0:
        parts.append(f"{steady} of {len(states)} scores did not drift.")
    if unknown:
        parts.append(f"{unknown} have not enough data.")
    broken = study.results["limits"].frame
    for row in broken[broken["breaches"] > 0].itertuples():
        parts.append(f"{row.title} was {row.rule} {row.breaches} times, {span_text(row.seconds)} in all.")
    return Sentence(" ".join(parts))
