"""What silences keep quiet: collected silences held against the alerts of a period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.alerts.marks import labels_text
from workbench.analysis.alerts.silences import Silence, alert_silences, alert_stages
from workbench.analysis.alerts.summary import AlertEpisodes
from workbench.core.errors import WorkbenchError
from workbench.core.result import Study
from workbench.core.timerange import TimeRange, parse_instant, to_ms
from workbench.promql import Matcher
from workbench.query.alerts.records import AlertRecords
from workbench.studies.alerts.load import alert_load
from workbench.studies.alerts.reading import read_alerts

if TYPE_CHECKING:
    from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look

Matchers = tuple[Matcher, ...]


@one_look
def alert_suppression(ctx: Context, *, system: str, range: TimeRange, as_of: datetime) -> Study:
    """Say what silences kept quiet, which of them nobody answers for, and how many notifications are left.

    Parameters
    ----------
    ctx : Context
        With a store: silences are those that `workbench collect` wrote down.
    system : str
    range : TimeRange
    as_of : datetime

    Returns
    -------
    Study
        ``results``: ``silences`` (:class:`workbench.analysis.alerts.silences.AlertSilences`) and ``stages``
        (:class:`~workbench.analysis.alerts.silences.AlertStages`), beside those of ``alert_load``.

    Raises
    ------
    ParameterError
        Unknown system. A failing source is a status of the study, never an exception.

    Notes
    -----
    Matchers are held against the labels of ``ALERTS``; labels that Prometheus adds on the way to Alertmanager
    (``external_labels``) are not among them.
    """
    study = alert_load(ctx, system=system, range=range, as_of=as_of)
    episodes = study.results["episodes"]
    assert isinstance(episodes, AlertEpisodes)
    warnings = list(study.warnings)
    collected = collected_silences(ctx, system, episodes.range)
    if collected is None:
        warnings.append("No silences were collected: set alertmanager at the source and run `workbench collect`.")
    try:
        sets = _label_sets(ctx, system, episodes.range)
    except WorkbenchError:
        sets = {}
    silences = list(collected or {})
    matched = np.zeros((len(silences), len(episodes.frame)), np.bool_)
    for row, matchers in enumerate((collected or {}).values()):
        matched[row] = _selected(episodes, sets, matchers)
    if ctx.identity.scope is not None:  # what silences nothing of this system may be another team's
        own = np.flatnonzero(matched.any(axis=1))
        silences, matched = [silences[row] for row in own], matched[own]
    notifications = _notifications(ctx, system, episodes.range, warnings)
    results = {
        **study.results,
        "silences": alert_silences(episodes, silences, matched),
        "stages": alert_stages(episodes, None if collected is None else silences, matched, notifications),
    }
    return replace(study, name="alert_suppression", results=results, warnings=tuple(warnings))


def collected_silences(ctx: Context, system: str, span: TimeRange) -> dict[Silence, Matchers] | None:
    """Silences that the collector saw and that overlap a range; None where it never looked."""
    name = ctx.source_for(system).name
    seen = ctx.store.observed(name, "silences", limit=10_000) if ctx.store is not None else []
    if not seen:
        return None
    newest: dict[str, dict[str, Any]] = {}
    for observation in reversed(seen):
        for document in observation.document:
            newest[str(document.get("id", ""))] = document
    silences: dict[Silence, Matchers] = {}
    for identity, document in newest.items():
        try:
            starts, ends = (to_ms(parse_instant(str(document[key]))) for key in ("startsAt", "endsAt"))
            matchers = tuple(_matcher(one) for one in document.get("matchers") or ())
        except (WorkbenchError, KeyError):
            continue
        if starts < span.end_ms and ends > span.start_ms:
            text = ", ".join(f'{one.name}{one.op}"{one.value}"' for one in matchers)
            owner, comment = str(document.get("createdBy", "")), str(document.get("comment", ""))
            silences[Silence(identity, starts, ends, owner, comment, text)] = matchers
    return silences


def _matcher(document: Mapping[str, Any]) -> Matcher:
    regex, equal = bool(document.get("regex")), bool(document.get("equal", True))
    op = {(True, False): "=", (True, True): "=~", (False, False): "!=", (False, True): "!~"}[equal, regex]
    return Matcher(str(document["name"]), op, str(document["value"]))  # type: ignore[arg-type]


def _label_sets(ctx: Context, system: str, span: TimeRange) -> dict[str, dict[str, str]]:
    reading = read_alerts(ctx.source_for(system), ctx.catalog.profile(system).scope, span)
    return {labels_text(labels): labels for labels in reading.frame["labels"]}


def _selected(alerts: AlertEpisodes, sets: Mapping[str, Mapping[str, str]], matchers: Matchers) -> NDArray[np.bool_]:
    frame = alerts.frame
    keep = np.ones(len(frame), np.bool_)
    for matcher in matchers:
        if matcher.name in ("alertname", "severity"):
            values = [str(value) for value in frame[matcher.name]]
        else:
            values = [sets.get(str(text), {}).get(matcher.name, "") for text in frame["labels"]]
        distinct = sorted(set(values))
        kept = dict(zip(distinct, matcher.keep(distinct).tolist(), strict=True))
        keep &= np.array([kept[value] for value in values], np.bool_)
    return keep if matchers else np.zeros(len(frame), np.bool_)


def _notifications(ctx: Context, system: str, span: TimeRange, warnings: list[str]) -> int | None:
    source = ctx.episodes_for(system)
    alone = ctx.identity.scope is None or ctx.serves.get(source.name) == (system,)
    if not isinstance(source, AlertRecords) or not alone:
        return None
    try:
        return len(source.notifications(span))
    except WorkbenchError as error:
        warnings.append(f"Notifications are not known: {error.message}")
        return None
