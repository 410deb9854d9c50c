"""Quality as tables of text: the same words on the page, the command line, in the report and in a notebook."""

from __future__ import annotations

import math

from workbench.analysis.quality.levels import VERDICTS as LEVEL_VERDICTS
from workbench.analysis.quality.looks import LEAST_REFERENCE
from workbench.charts.tables import Sentence, Table
from workbench.charts.theme import STATUS_WORDS
from workbench.core.result import Result, Study
from workbench.core.units import NO_VALUE, count_text, instant_text, ratio_text, span_text, value_text

_VERDICTS = {
    "drift": "drifts",
    "none": "no drift",
    "not_enough": "not judged",
    "not_updated": "not updated",
    "no_samples": "no readings",
}

#: What the table of coincidences says, and what it does not.
COINCIDENCE = (
    "The newest event in the 24 hours before each drift. A coincidence is no cause: the last column is the share of "
    "the hours of four weeks that follow an event as closely."
)

_ENDED = {"back": "", "accepted": ", accepted", "adopted": ", the reference since"}

#: Columns of the rows below that hold text.
TEXT = ("score", "of", "status", "verdict", "direction", "limit", "rule", "query", "text", "series", "note", "event",
        "first", "second")  # fmt: skip


def _score(value: float, *, signed: bool = False) -> str:
    return NO_VALUE if not math.isfinite(value) else f"{value:+.4f}" if signed else f"{value:.4f}"


def state_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per score: its last day against its reference, with interval and sample sizes."""
    return [
        {
            "score": str(row.title),
            "of": str(row.series),
            "status": STATUS_WORDS[row.status],
            "verdict": _VERDICTS[str(row.verdict)],
            "last day": _score(row.mean),
            "reference": _score(row.reference),
            "difference": _score(row.difference, signed=True),
            "95 % interval": f"{_score(row.low, signed=True)} to {_score(row.high, signed=True)}"
            if math.isfinite(row.low)
            else NO_VALUE,
            "last 7 days": _score(row.week, signed=True),
            "hours": count_text(row.hours),
            "samples": count_text(row.samples),
            "reference days": count_text(row.reference_days),
            "days judged": f"{count_text(row.judged_days)} of {count_text(row.period_days)}",
            "days of drift": value_text(row.drift_days, "d"),
            "observed": ratio_text(row.coverage, digits=1),
        }
        for row in result.frame.itertuples()
    ]


def drift_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per drift, by onset: which score, which way, from when to when, how far, on how many samples."""
    return [
        {
            "score": str(row.title),
            "of": str(row.series),
            "direction": str(row.direction),
            "onset": instant_text(row.onset),
            "end": "open" if row.open else f"{instant_text(row.end)}{_ENDED[str(row.ended)]}",
            "length": span_text(row.days * 86_400),
            "difference": _score(row.difference, signed=True),
            "samples": count_text(row.samples),
        }
        for row in result.frame.itertuples()
    ]


def coincidence_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per drift with something shortly before it: what, how long before, and how often that is so."""
    return [
        {
            "score": str(row.title),
            "of": str(row.series),
            "onset": instant_text(row.onset),
            "event": str(row.event),
            "at": instant_text(row.at),
            "before the onset": _lag(row.hours),
            "events in 24 h": count_text(row.events),
            "hours as close": ratio_text(row.chance, digits=1),
        }
        for row in result.frame.itertuples()
    ]


def level_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per pair: this period and the one before, then the series of one score with each other."""
    return [
        {
            "score": str(row.title),
            "first": str(row.first),
            "second": str(row.second),
            "mean of the first": _score(row.mean_first),
            "mean of the second": _score(row.mean_second),
            "difference": _score(row.difference, signed=True),
            "95 % interval": f"{_score(row.low, signed=True)} to {_score(row.high, signed=True)}"
            if math.isfinite(row.low)
            else NO_VALUE,
            "days": count_text(row.days),
            "p": f"{row.p:.2g}" if math.isfinite(row.p) else NO_VALUE,
            "verdict": LEVEL_VERDICTS[str(row.verdict)],
        }
        for row in result.frame.itertuples()
    ]


def _lag(hours: float) -> str:
    return span_text(hours * 3_600) if hours > 0 else "same hour"


def limit_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per documented limit: ``limit, rule, breaches, in breach, longest, share, worst, last end``."""
    return [
        {
            "limit": str(row.title),
            "rule": str(row.rule),
            "breaches": count_text(row.breaches),
            "in breach": span_text(row.seconds),
            "longest": span_text(row.longest),
            "share": ratio_text(row.share, digits=2),
            "worst": value_text(row.worst, str(row.unit)),
            "last end": instant_text(row.last_end),
        }
        for row in result.frame.itertuples()
    ]


def documented_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per series of the documented comparison: ``query, text, series, latest, largest, at``."""
    return [
        {
            "query": str(row.query),
            "text": str(row.text),
            "series": str(row.series),
            "latest": _score(row.latest, signed=True),
            "largest": _score(row.largest, signed=True),
            "at": instant_text(row.largest_at),
        }
        for row in result.frame.itertuples()
    ]


def state_table(result: Result) -> Table:
    """Table of :func:`state_rows` that renders itself."""
    caption = "The last day of the period against 3 to 4 weeks of reference. Samples of a gauge are scrapes."
    return Table(state_rows(result), caption=caption, left=TEXT)


def drift_table(result: Result) -> Table:
    """Table of :func:`drift_rows` that renders itself."""
    return Table(drift_rows(result), caption="The difference is that of the worst day.", left=TEXT)


def coincidence_table(result: Result) -> Table:
    """Table of :func:`coincidence_rows` that renders itself."""
    return Table(coincidence_rows(result), caption=COINCIDENCE, left=TEXT)


def level_table(result: Result) -> Table:
    """Table of :func:`level_rows` that renders itself."""
    return Table(level_rows(result), caption=" ".join(result.notes), left=TEXT)


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
        measured = bool(study.provenance.queries)
        return Sentence("Quality: no data in this period." if measured else "Quality is not measured.")
    parts = []
    for row in drifts[drifts["open"]].itertuples():
        parts.append(
            f"{row.title} of {row.series} is {row.direction} than its reference since {instant_text(row.onset)}, "
            f"by {_score(abs(row.difference))} on the worst day."
            + (" Its readings leave the scale of those before: check the unit." if row.rescaled else "")
        )
    for row in drifts[~drifts["open"]].itertuples():
        parts.append(
            f"{row.title} of {row.series} was {row.direction} than its reference from {instant_text(row.onset)} "
            f"to {instant_text(row.end)}, by {_score(abs(row.difference))} on the worst day."
            + {"accepted": " The level was accepted then.", "adopted": " It is the reference since."}.get(row.ended, "")
        )
    for row in study.results["coincidences"].frame.itertuples():
        lag = "In the same hour" if not row.hours else f"{_lag(row.hours)} before the drift of {row.series} began"
        parts.append(f"{lag}: {row.event} (a coincidence; {ratio_text(row.chance, digits=1)} of hours are as close).")
    moved = set(zip(drifts["role"], drifts["series"], strict=True))
    quiet = states[[key not in moved for key in zip(states["role"], states["series"], strict=True)]]
    steady = quiet[quiet["verdict"] == "none"]
    if len(steady):
        days, whole = int(steady["judged_days"].min()), int(steady["period_days"].max())
        partly = f" ({days} of {whole} days judged)" if days < whole else ""
        parts.append(
            f"{len(steady)} of {len(states)} {'score' if len(states) == 1 else 'scores'} did not drift{partly}."
        )
    for verdict, text in (
        ("not_enough", f"not judged: a verdict needs {LEAST_REFERENCE} days of reference"),
        ("not_updated", "not updated: the reading stands still"),
        ("no_samples", "not judged: no reading on the last day"),
    ):
        if count := int((quiet["verdict"] == verdict).sum()):
            parts.append(f"{count} of {len(states)} {text}.")
    shapes = study.results["shapes"].frame
    for row in shapes[shapes["verdict"] == "drift"].itertuples():
        what = "The share of missing scores" if row.kind == "missing" else "The shape"
        where = f"{row.column}, {row.segment}" if row.segment != "all" else row.column
        parts.append(
            f"{what} of {where} differs from its reference: {ratio_text(row.moved, digits=1)} of the answers moved."
        )
    broken = study.results["limits"].frame
    for row in broken[broken["breaches"] > 0].itertuples():
        parts.append(f"{row.title} was {row.rule} {row.breaches} times, {span_text(row.seconds)} in all.")
    return Sentence(" ".join(parts))
