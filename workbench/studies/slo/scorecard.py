"""Which months used up their budget? Objectives by period, from issued reports where they exist, else counted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pandas as pd

from workbench import __version__
from workbench.analysis.slo.scorecard import FIGURES, Scorecard, scorecard
from workbench.core.executor import Executor
from workbench.core.periods import periods_up_to, span_name
from workbench.core.result import Provenance, Status, Study, worst
from workbench.core.timerange import TimeRange, calendar_range, named_zone
from workbench.store import Issue
from workbench.store.kept import kept_at
from workbench.studies.answers.keys import Question
from workbench.studies.answers.many_systems import ask_each
from workbench.studies.counting.verdicts import Judged, judge_objectives, objectives_of
from workbench.studies.issue.manifest import sha256
from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look

#: Report whose issues a scorecard reads, and the file of an issue that holds its figures.
REPORT, FIGURES_FILE = "monthly", "figures.json"


@one_look
def slo_scorecard(
    ctx: Context,
    *,
    systems: Sequence[str] | None = None,
    range: TimeRange,
    count: int = 12,
    quarters: bool = False,
    as_of: datetime,
    executor: Executor | None = None,
) -> Study:
    """Put the objectives of systems beside one another, period by period.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    systems : sequence of str, optional
        Systems of the catalog; all that a source answers for by default.
    range : TimeRange
        Last period, e.g. a calendar month.
    count : int
        Periods, this one included; as many before it as :func:`workbench.core.periods.periods_up_to` returns. [count]
    quarters : bool
        The calendar quarters that these periods lie in, in place of the periods.
    as_of : datetime
        Aware instant up to which history is read.
    executor : Executor, optional
        Where each system is counted, as a task of its own; here when left out.

    Returns
    -------
    Study
        ``results``: ``scorecard`` (:class:`workbench.analysis.slo.scorecard.Scorecard`).

    Raises
    ------
    ParameterError
        Unknown system. A failing source is a status of its rows, never an exception.

    Notes
    -----
    A period with an issued report shows the figures of the newest issue, however the counts read today; an objective
    that the issue does not hold is counted. Every other period is counted and judged as the monthly report does it.
    An issue whose file is gone or is not what was issued is not used, and a warning says so.
    """
    names = list(ctx.systems) if systems is None else list(systems)
    if executor is not None and names:
        options = (("count", count), ("quarters", quarters))
        questions = [Question("slo_scorecard", "", range, as_of, (("systems", (name,)), *options)) for name in names]
        return _together([each for each in ask_each(ctx, questions, executor) if isinstance(each, Study)])
    spans = periods_up_to(range, zone=ctx.zone, count=count)
    spans = list(by_quarter(spans, ctx.zone)) if quarters else spans
    rows: list[dict[str, Any]] = []
    warnings: list[str] = []
    queries: list[str] = []
    for system in names:
        profile = ctx.catalog.profile(system)
        who = {"system": system, "system_title": profile.title, "owner": profile.owner}
        for span in spans:
            if span.start >= as_of:
                continue
            when = {"period": span_name(span, ctx.zone), "start": span.start, "end": span.end}
            issued, faults = _issued(ctx, system, str(when["period"]))
            counted, judged = _counted(ctx, system, span, as_of, without=set(issued))
            warnings += faults
            if judged is not None:
                warnings += judged.warnings
                queries += [query for part in judged.reading.counts.values() for query in part.queries]
            order = [objective.id for objective in objectives_of(ctx, system)]
            own = {**issued, **counted}
            rows += [{**own[name], **who, **when} for name in [*order, *(set(issued) - set(order))] if name in own]
    card = scorecard(rows, as_of=as_of, zone=ctx.zone)
    statuses: list[Status] = list(card.frame["status"])
    whole = TimeRange(spans[0].start, spans[-1].end)
    return Study(
        name="slo_scorecard",
        system=names[0] if len(names) == 1 else "",
        range=whole,
        as_of=as_of,
        results={"scorecard": card},
        status=worst(statuses),
        freshness=None,
        coverage=float(card.frame["coverage"].mean()) if len(card.frame) else float("nan"),
        provenance=Provenance(
            source=", ".join(dict.fromkeys(ctx.source_for(name).name for name in names)),
            engine="none: raw samples",
            semantics=", ".join(dict.fromkeys(ctx.source_for(name).semantics for name in names)),
            method="issued figures, else exact counts",
            queries=tuple(dict.fromkeys(queries)),
            version=__version__,
        ),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _together(studies: Sequence[Study]) -> Study:
    """Put the scorecards of several systems into one study."""
    first = studies[0]
    card = cast(Scorecard, first.results["scorecard"])
    frame = pd.concat([study.results["scorecard"].frame for study in studies], ignore_index=True)
    provenance = replace(
        first.provenance,
        source=", ".join(dict.fromkeys(study.provenance.source for study in studies)),
        semantics=", ".join(dict.fromkeys(study.provenance.semantics for study in studies)),
        queries=tuple(dict.fromkeys(query for study in studies for query in study.provenance.queries)),
    )
    return replace(
        first,
        system=first.system if len(studies) == 1 else "",
        results={"scorecard": replace(card, frame=frame)},
        status=worst([study.status for study in studies]),
        coverage=float(frame["coverage"].mean()) if len(frame) else float("nan"),
        provenance=provenance,
        warnings=tuple(dict.fromkeys(warning for study in studies for warning in study.warnings)),
    )


def _counted(
    ctx: Context, system: str, span: TimeRange, as_of: datetime, *, without: set[str]
) -> tuple[dict[str, dict[str, Any]], Judged | None]:
    objectives = [objective for objective in objectives_of(ctx, system) if objective.id not in without]
    if not objectives:
        return {}, None
    judged = judge_objectives(ctx, system, objectives, range=span, as_of=min(as_of, span.end))
    frame = judged.verdict.compliance.frame
    return {str(row["objective"]): _figures(row, "counted", 0) for row in frame.to_dict("records")}, judged


def _figures(row: Mapping[Any, Any], basis: str, number: int) -> dict[str, Any]:
    return {name: row.get(name) for name in ("objective", *FIGURES)} | {"basis": basis, "number": number}


def _issued(ctx: Context, system: str, period: str) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Figures of the newest issue of a period, and what is wrong with it."""
    if ctx.store is None or ctx.home is None:
        return {}, []
    issues = ctx.store.issues(report=REPORT, system=system, period=period, zone=ctx.zone)
    if not issues:
        return {}, []
    try:
        figures = _read(issues[0], ctx.home)
    except (OSError, ValueError) as error:
        title = ctx.catalog.title(system)
        fault = f"Issue {issues[0].number} of {title}, {period}, is not used: {error}. Its period was counted."
        return {}, [fault]
    rows = figures["compliance"]["rows"]
    return {str(row["objective"]): _figures(row, "issued", issues[0].number) for row in rows}, []


def _read(issue: Issue, home: Path) -> dict[str, Any]:
    path = kept_at(issue.folder, home) / FIGURES_FILE
    text = path.read_bytes()
    if sha256(text) != issue.figures_sha256:
        raise ValueError(f"{path} is not what was issued")
    figures: dict[str, Any] = json.loads(text)
    return figures


def by_quarter(spans: Sequence[TimeRange], zone: str) -> Iterator[TimeRange]:
    """Yield the calendar quarters that periods lie in, each once, oldest first."""
    seen = set()
    for span in spans:
        local = pd.Timestamp(span.start).tz_convert(named_zone(zone))
        name = f"{local.year}-Q{local.quarter}"
        if name not in seen:
            seen.add(name)
            yield calendar_range(name, zone=zone, now=span.start)
