"""What happened in a period, asked once: the studies of all questions, and the findings made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import cast

import pandas as pd

from workbench import __version__
from workbench.analysis.overview.answers import STUDIES
from workbench.analysis.overview.first_page import PeriodFigures, report_findings
from workbench.analysis.overview.reasons import short_of_target
from workbench.analysis.overview.statements import Question
from workbench.core.errors import ParameterError
from workbench.core.executor import Executor
from workbench.core.periods import span_name
from workbench.core.result import Provenance, Study, worst
from workbench.core.timerange import TimeRange
from workbench.studies.alerts.load import alert_load
from workbench.studies.answers.keys import Question as Asked
from workbench.studies.answers.many_systems import ask_beside, ask_each
from workbench.studies.capacity.forecast import capacity_forecast
from workbench.studies.cost.spend import spend_and_tokens
from workbench.studies.overview.episode_spend import episode_spend
from workbench.studies.overview.periods import HISTORY, period_figures
from workbench.studies.performance.service import service_performance
from workbench.studies.quality.drift import quality_drift
from workbench.studies.slo.attribution import slo_attribution
from workbench.studies.slo.compliance import slo_compliance
from workbench.studies.slo.policy import slo_policy
from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look

#: Name of the study that holds the findings.
FINDINGS = "report_findings"


@one_look
def system_report(
    ctx: Context,
    *,
    system: str,
    range: TimeRange,
    as_of: datetime,
    questions: Sequence[Question] = tuple(STUDIES),
) -> Mapping[str, Study]:
    """Ask the questions about a system and a period, and say what came of it in sentences.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        System of the catalog.
    range : TimeRange
        Period, e.g. a calendar month.
    as_of : datetime
        Aware instant up to which history is read.
    questions : sequence of str
        Of ``slo``, ``performance``, ``cost``, ``quality``, ``capacity`` and ``alerts``; all by default.

    Returns
    -------
    mapping of str to Study
        ``slo_compliance``, ``slo_attribution`` and ``slo_policy``; ``service_performance``; ``spend_and_tokens``;
        ``quality_drift``; ``capacity_forecast``; ``alert_load``, as asked; and ``report_findings`` with the results
        ``findings`` (:class:`workbench.analysis.overview.first_page.ReportFindings`) and ``periods``
        (:class:`workbench.analysis.overview.first_page.PeriodFigures`).

    Raises
    ------
    ParameterError
        Unknown system or question. A failing source is a status of a study, never an exception.
    """
    unknown = [name for name in questions if name not in STUDIES]
    if unknown or not questions:
        raise ParameterError(f"{', '.join(unknown) or 'Nothing'} is no question.", hint=f"Use {', '.join(STUDIES)}.")
    profile = ctx.catalog.profile(system)
    wanted = (("questions", tuple(questions)),)
    asked = [ask for name in questions for ask in _ASKED[name]]
    apart = [ask.__name__ for ask in asked if ask in _APART]
    beside = ask_beside(
        ctx,
        [Asked(HISTORY, system, range, as_of, wanted), *(Asked(name, system, range, as_of) for name in apart)],
    )
    here = {ask.__name__: ask(ctx, system=system, range=range, as_of=as_of) for ask in asked if ask not in _APART}
    history, *others = (cast(Study, answer) for answer in beside())
    answers = {**here, **dict(zip(apart, others, strict=True))}
    studies = {ask.__name__: answers[ask.__name__] for ask in asked}
    earlier = history.results["periods"]
    periods = period_figures(ctx, range=range, as_of=as_of, studies=studies, history=cast(PeriodFigures, earlier))
    answered = [studies[STUDIES[name]] for name in questions]
    first = answered[0]
    newest = max((study.freshness for study in answered if study.freshness is not None), default=None)
    findings = report_findings(
        studies,
        periods,
        system=system,
        title=profile.title,
        owner=profile.owner,
        period=span_name(range, ctx.zone),
        range=range,
        as_of=as_of,
        newest=newest,
        spend=_spend(ctx, system, studies),
    )
    known = [study.coverage for study in answered if study.coverage == study.coverage]
    first_page = Study(
        name=FINDINGS,
        system=system,
        range=range,
        as_of=as_of,
        results={"findings": findings, "periods": periods},
        status=worst([study.status for study in answered]),
        freshness=newest,
        coverage=min(known, default=float("nan")),
        provenance=Provenance(
            source=first.provenance.source,
            engine=first.provenance.engine,
            semantics=first.provenance.semantics,
            method="sentences of the studies of the questions",
            version=__version__,
        ),
        warnings=periods.notes,
    )
    return {**studies, FINDINGS: first_page}


def system_reports(
    ctx: Context,
    *,
    systems: Sequence[str],
    range: TimeRange,
    as_of: datetime,
    questions: Sequence[Question] = tuple(STUDIES),
    executor: Executor | None = None,
) -> Mapping[str, Mapping[str, Study]]:
    """Ask the questions about several systems, each in a process of its own.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    systems : sequence of str
        Systems of the catalog.
    range : TimeRange
        Period, e.g. a calendar month.
    as_of : datetime
        Aware instant up to which history is read.
    questions : sequence of str
        As :func:`system_report` takes them.
    executor : Executor, optional
        Where they are answered; as :func:`workbench.studies.answers.many_systems.ask_each` chooses when left out.

    Returns
    -------
    mapping of str to mapping of str to Study
        What :func:`system_report` returns, by system.

    Raises
    ------
    ParameterError
        Unknown system or question. A failing source is a status of a study, never an exception.
    """
    wanted = (("questions", tuple(questions)),)
    of_systems = [Asked("system_report", system, range, as_of, wanted) for system in systems]
    answers = ask_each(ctx, of_systems, executor)
    return {system: cast(Mapping[str, Study], answer) for system, answer in zip(systems, answers, strict=True)}


def _spend(ctx: Context, system: str, studies: Mapping[str, Study]) -> pd.DataFrame | None:
    """Read what was spent in the top episodes of missed objectives; None where objectives are no question."""
    attribution, compliance = (studies.get(name) for name in ("slo_attribution", "slo_compliance"))
    if attribution is None or compliance is None:
        return None
    objectives = short_of_target(compliance.results["compliance"].frame)["objective"].tolist()
    return episode_spend(ctx, system=system, attribution=attribution, objectives=objectives)


def _policy(ctx: Context, *, system: str, range: TimeRange, as_of: datetime) -> Study:
    return slo_policy(ctx, system=system, as_of=as_of)


_policy.__name__ = "slo_policy"

#: Answered beside the others, in the process that reads the history: together they take as long as the rest.
_APART: tuple[Callable[..., Study], ...] = (capacity_forecast,)

_ASKED: Mapping[Question, tuple[Callable[..., Study], ...]] = {
    "slo": (slo_compliance, slo_attribution, _policy),
    "performance": (service_performance,),
    "cost": (spend_and_tokens,),
    "quality": (quality_drift,),
    "capacity": (capacity_forecast,),
    "alerts": (alert_load,),
}
