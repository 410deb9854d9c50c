"""The leading figure of each question, period by period: what the spark lines of a report show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from workbench.analysis.cost.ledger import Periods, observed
from workbench.analysis.cost.spend import spend_totals
from workbench.analysis.counting.amounts import added
from workbench.analysis.overview.answers import LEAST_COVERAGE, STUDIES
from workbench.analysis.overview.first_page import FIGURE_COLUMNS, PERIODS, PeriodFigures
from workbench.analysis.overview.statements import QUESTIONS, Question
from workbench.catalog import Profile
from workbench.core.errors import WorkbenchError
from workbench.core.periods import periods_up_to, span_name
from workbench.core.result import Provenance, Study
from workbench.core.timerange import TimeRange, duration_text
from workbench.studies.alerts.load import alert_load
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.ledger import SLICE_MS, accounts_of, read_accounts, read_ledger, selectors_of
from workbench.studies.performance.flows import counted_accounts, counted_flows, flows_of, uncounted
from workbench.studies.slo.scorecard import slo_scorecard
from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look
from workbench.studies.sources.reader import QueryReader

#: Name of the study of earlier periods.
HISTORY = "period_history"


@one_look
def period_history(
    ctx: Context, *, system: str, range: TimeRange, as_of: datetime, questions: Sequence[Question]
) -> Study:
    """Read the leading figure of questions in a period and in the eleven before it.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    range : TimeRange
        Period of the report.
    as_of : datetime
        Aware instant up to which history is read.
    questions : sequence of str
        Only these get figures; capacity gets none, and ``slo`` none of the period itself: :func:`period_figures` adds
        them from the studies of the period.

    Returns
    -------
    Study
        ``results``: ``periods`` (:class:`workbench.analysis.overview.first_page.PeriodFigures`). A question whose
        source does not answer has no rows; ``notes`` say so.
    """
    spans = _spans(ctx, range, as_of)
    rows: list[dict[str, Any]] = []
    notes = []
    if "slo" in questions and spans:
        rows += list(_slo_before(ctx, system, spans[:-1]))
    for question, read in _READ.items():
        if question in questions and spans:
            try:
                rows += list(read(ctx, system, spans))
            except WorkbenchError as error:
                notes.append(f"The history of {QUESTIONS[question]} is not known: {error}")
    figures = PeriodFigures(_named(ctx, rows, spans, range), notes=tuple(notes))
    source = ctx.source_for(system)
    return Study(
        name=HISTORY,
        system=system,
        range=range,
        as_of=as_of,
        results={"periods": figures},
        status="ok" if len(figures.frame) else "no_data",
        freshness=None,
        coverage=float("nan"),
        provenance=Provenance(source.name, "figures of periods", source.semantics, method="as the studies count"),
    )


def period_figures(
    ctx: Context, *, range: TimeRange, as_of: datetime, studies: Mapping[str, Study], history: PeriodFigures
) -> PeriodFigures:
    """Put the figures of the period itself that its studies hold beside those of its history.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    range : TimeRange
        Period of the report.
    as_of : datetime
        Aware instant up to which history is read.
    studies : mapping of str to Study
        What was asked of the period.
    history : PeriodFigures
        As :func:`period_history` returns it.

    Returns
    -------
    PeriodFigures
        Periods that are not over are cut at ``as_of``. Figures of periods of which less than 90 % were observed are
        left out.
    """
    spans = _spans(ctx, range, as_of)
    rows: list[dict[str, Any]] = []
    if (compliance := studies.get(STUDIES["slo"])) is not None and spans:
        rows += list(_slo_now(compliance.results["compliance"].frame))
    if (forecast := studies.get(STUDIES["capacity"])) is not None:
        rows += list(_capacity(forecast, spans))
    both = [part for part in (_named(ctx, rows, spans, range), history.frame) if len(part)]
    frame = pd.concat(both, ignore_index=True) if both else history.frame
    return PeriodFigures(frame.sort_values(["question", "start"], ignore_index=True), notes=history.notes)


def _spans(ctx: Context, range: TimeRange, as_of: datetime) -> list[TimeRange]:
    spans = periods_up_to(range, zone=ctx.zone, count=PERIODS)
    return [TimeRange(span.start, min(span.end, as_of)).aligned(SLICE_MS) for span in spans if span.start < as_of]


def _named(ctx: Context, rows: list[dict[str, Any]], spans: Sequence[TimeRange], last: TimeRange) -> pd.DataFrame:
    """Frame of rows, with the name of each period."""
    names = {span.start: span_name(whole, ctx.zone) for span, whole in zip(spans, _whole(spans, last), strict=True)}
    frame = pd.DataFrame(rows, columns=[name for name in FIGURE_COLUMNS if name != "period"])
    frame["period"] = frame["start"].map(names)
    return frame[FIGURE_COLUMNS].astype({"value": float, "coverage": float})


def _whole(spans: Sequence[TimeRange], last: TimeRange) -> list[TimeRange]:
    return [*spans[:-1], last] if spans else []


def _row(question: str, title: str, span: TimeRange, value: float, coverage: float, **more: str) -> dict[str, Any]:
    known = coverage >= LEAST_COVERAGE
    shape = {"unit": "count", "change": "count", "good": "down"} | more
    start, figure = span.start, float(value) if known else float("nan")
    return {"question": question, "title": title, "start": start, "value": figure, "coverage": coverage} | shape


def _slo_before(ctx: Context, system: str, before: Sequence[TimeRange]) -> Iterator[dict[str, Any]]:
    """Count the objectives that were met in earlier periods, as the scorecard judges them."""
    if before:
        card = slo_scorecard(ctx, systems=[system], range=before[-1], count=len(before), as_of=before[-1].end)
        earlier = card.results["scorecard"].frame
        for span in before:
            yield from _met(span, earlier[earlier["start"] == span.start])


def _slo_now(now: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Count the objectives that were met in the period itself, as the report judged them."""
    if len(now):
        start, end = now["window_start"].max(), now["window_end"].max()
        yield from _met(TimeRange(start.to_pydatetime(), end.to_pydatetime()), now)


def _met(span: TimeRange, frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    own = frame[frame["status"].isin(["ok", "at_risk", "spent"])]
    if len(own):
        met = int((own["status"] != "spent").sum())
        yield _row("slo", "objectives met", span, met, float(own["coverage"].min()), good="up")


def _performance(ctx: Context, system: str, spans: Sequence[TimeRange]) -> Iterator[dict[str, Any]]:
    profile = ctx.catalog.profile(system)
    flows = flows_of(profile)[:1]
    accounts = [
        counted_account
        for counted_account in counted_accounts(profile, flows)
        if counted_account.role in (flows[0].name, flows[0].errors)
    ]
    if not accounts or profile.roles[flows[0].name].kind != "counter":
        return
    reader = _reader(ctx, profile, [account.role for account in accounts], spans)
    ledger, seen = read_ledger(reader, profile, accounts, _edges(spans))
    flows = counted_flows(flows, uncounted(reader, profile, accounts))
    for span in spans:
        own = ledger[ledger["start"] == span.start]
        amounts = {role: float(added(part["amount"])) for role, part in own.groupby("role", observed=True)}
        count, share = amounts.get(flows[0].name, 0.0), observed(seen, flows[0].name, span)
        if not count:
            continue
        if flows[0].errors:
            ratio = amounts.get(flows[0].errors, 0.0) / count
            yield _row("performance", "failed", span, ratio, share, unit="ratio", change="points")
        else:
            yield _row("performance", "requests", span, count, share, change="ratio", good="")


def _cost(ctx: Context, system: str, spans: Sequence[TimeRange]) -> Iterator[dict[str, Any]]:
    profile = ctx.catalog.profile(system)
    accounts, _ = accounts_of(profile)
    measure = "cost" if any(account.measure == "cost" for account in accounts) else "tokens"
    accounts = [account for account in accounts if account.measure == measure]
    if not accounts:
        return
    reader = _reader(ctx, profile, [account.role for account in accounts], spans)
    ledger, seen, accounts, _ = read_accounts(reader, profile, accounts, _edges(spans))
    for span in spans:
        totals = spend_totals(ledger, seen, accounts, Periods(span, TimeRange(span.start, span.start))).frame
        totals = totals[totals["amount"].notna()]
        if len(totals):
            row = totals.iloc[0]
            shape = {"unit": str(row["unit"]), "change": "ratio"}
            yield _row("cost", "spent" if measure == "cost" else "used", span, row["amount"], row["coverage"], **shape)


def _quality(ctx: Context, system: str, spans: Sequence[TimeRange]) -> Iterator[dict[str, Any]]:
    profile = ctx.catalog.profile(system)
    named = next(iter(profile.variants("quality").items()), None)
    if named is None or named[1].kind != "gauge":
        return
    reader = QueryReader(ctx.source_for(system), profile.scope)
    for span in spans:
        window = duration_text(span.end_ms - span.start_ms)
        hours = f"count_over_time((count({named[1].select}) > bool 0)[{window}:1h])"
        mean = reader.values(f"avg(avg_over_time({named[1].select}[{window}]))", span.end)
        if mean:
            seen = sum(value for _, value in reader.values(hours, span.end)) * 3600 / span.seconds
            title = f"mean of {named[1].title or named[0]}"
            yield _row("quality", title, span, mean[0][1], min(1.0, seen), unit="score", change="ratio", good="up")


def _alerts(ctx: Context, system: str, spans: Sequence[TimeRange]) -> Iterator[dict[str, Any]]:
    whole = TimeRange(spans[0].start, spans[-1].end)
    study = alert_load(ctx, system=system, range=whole, as_of=whole.end)
    if study.status in ("no_data", "unavailable", "refused"):
        return
    episodes: Any = study.results["episodes"]
    starts = episodes.frame.loc[episodes.frame["started"].astype(bool), "starts_at"]
    for span in spans:
        begun = int(((starts >= span.start) & (starts < span.end)).sum())
        yield _row("alerts", "alerts", span, begun, _observed(episodes.observed, span))


def _capacity(forecast: Study, spans: Sequence[TimeRange]) -> Iterator[dict[str, Any]]:
    """Take the fullest level of those with a limit, by the days that the forecast read."""
    frame = forecast.results["forecasts"].frame
    days = frame[frame["actual"].notna() & (frame["limit"] > 0)]
    used = (days["actual"] / days["limit"]).groupby(days["day"]).max()
    for span in spans:
        own = used[(used.index >= span.start) & (used.index < span.end)]
        if len(own):
            days_of = span.seconds / 86_400
            shape = {"unit": "ratio", "change": "level"}
            yield _row("capacity", "fullest level", span, own.max(), len(own) / days_of, **shape)


def _observed(stretches: Sequence[tuple[int, int]], span: TimeRange) -> float:
    seen = sum(max(0, min(end, span.end_ms) - max(start, span.start_ms)) for start, end in stretches)
    return seen / (span.end_ms - span.start_ms)


def _edges(spans: Sequence[TimeRange]) -> list[int]:
    return [*(span.start_ms for span in spans), spans[-1].end_ms]


def _reader(ctx: Context, profile: Profile, roles: Sequence[str], spans: Sequence[TimeRange]) -> CounterReader:
    whole = TimeRange(spans[0].start, spans[-1].end)
    return CounterReader(ctx.source_for(profile.system), profile.scope, whole, selectors_of(profile, roles))


_READ: Mapping[Question, Callable[[Context, str, Sequence[TimeRange]], Iterator[dict[str, Any]]]] = {
    "performance": _performance,
    "cost": _cost,
    "quality": _quality,
    "alerts": _alerts,
}
