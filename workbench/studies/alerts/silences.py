"""What silences keep quiet: collected silences held against the alerts of a period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.alerts.marks import labels_text
from workbench.analysis.alerts.silences import Silence, alert_silences, silenced_at_start
from workbench.analysis.alerts.stages import alert_stages
from workbench.analysis.alerts.summary import AlertEpisodes
from workbench.core.errors import WorkbenchError
from workbench.core.result import Study
from workbench.core.timerange import TimeRange, parse_instant, to_ms
from workbench.promql import Matcher
from workbench.query.alerts.lines import instant_ms
from workbench.studies.alerts.load import alert_load
from workbench.studies.alerts.messages import AlertLines, read_alert_lines
from workbench.studies.alerts.ownership import rule_names
from workbench.studies.alerts.reading import read_alerts

if TYPE_CHECKING:
    from workbench.store.collected import Observation
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
        Id of the system, as its profile names it.
    range : TimeRange
        Period to read, without its end.
    as_of : datetime
        Instant up to which data is read.

    Returns
    -------
    Study
        ``results``: ``silences`` (:class:`workbench.analysis.alerts.silences.AlertSilences`) and ``stages``
        (:class:`~workbench.analysis.alerts.stages.AlertStages`), beside those of ``alert_load``.

    Raises
    ------
    ParameterError
        Unknown system. A failing source is a status of the study, never an exception.

    Notes
    -----
    Matchers are held against the labels of ``ALERTS``; labels that Prometheus adds on the way to Alertmanager
    (``external_labels``) are not among them. Messages, and what was silenced or inhibited, come from the JSON lines of
    Alertmanager: its event recorder, webhooks, or snapshots of its API.
    """
    study = alert_load(ctx, system=system, range=range, as_of=as_of)
    episodes = study.results["episodes"]
    assert isinstance(episodes, AlertEpisodes)
    warnings = list(study.warnings)
    try:
        sets = _label_sets(ctx, system, episodes.range)
    except WorkbenchError:
        sets = {}
    lines: AlertLines | None = None
    try:
        lines = read_alert_lines(ctx, system, episodes, sets)
    except WorkbenchError as error:
        warnings.append(f"Notifications are not known: {error.message}")
    collected = collected_silences(ctx, system, episodes.range)
    if lines is not None and lines.silences:
        collected = {**silences_of(lines.silences, episodes.range), **(collected or {})}
    if collected is None:
        warnings.append("No silences were collected: set alertmanager at the source and run `workbench collect`.")
    silences = list(collected or {})
    matched = np.zeros((len(silences), len(episodes.frame)), np.bool_)
    for row, matchers in enumerate((collected or {}).values()):
        matched[row] = _selected(episodes, sets, matchers)
    if ctx.identity.scope is not None:  # what silences nothing of this system may be another team's
        own = np.flatnonzero(matched.any(axis=1))
        silences, matched = [silences[row] for row in own], matched[own]
    quiet = lines.quiet if lines is not None else {}
    silenced = None if collected is None else silenced_at_start(episodes, silences, matched)
    if "silence" in quiet:
        silenced = quiet["silence"] | (False if silenced is None else silenced)
    messages = lines.messages if lines is not None else None
    results = {
        **study.results,
        "silences": alert_silences(episodes, silences, matched, messages),
        "stages": alert_stages(episodes, silenced=silenced, inhibited=quiet.get("inhibition"), messages=messages),
    }
    return replace(study, name="alert_suppression", results=results, warnings=tuple(warnings))


def collected_silences(ctx: Context, system: str, span: TimeRange) -> dict[Silence, Matchers] | None:
    """Silences that the collector saw and that overlap a range; None where it never looked."""
    name = ctx.source_for(system).name
    seen = ctx.store.observed(name, "silences", limit=10_000) if ctx.store is not None else []
    if not seen:
        return None
    return silences_of(_with_removals(list(reversed(seen))), span)


def _with_removals(looks: Sequence[Observation]) -> list[dict[str, Any]]:
    """Return the silences of looks, oldest first; one that a look no longer has was removed by then, before its end."""
    removed: dict[str, datetime] = {}
    before: set[str] = set()
    for look in looks:
        there = {str(document.get("id", "")) for document in look.document}
        removed.update(dict.fromkeys(before - there, look.first_seen))
        removed = {identity: at for identity, at in removed.items() if identity not in there}
        before = there
    documents = []
    for document in (document for look in looks for document in look.document):
        at = removed.get(str(document.get("id", "")))
        early = at is not None and to_ms(at) < (instant_ms(str(document.get("endsAt", ""))) or 0)
        documents.append({**document, "endsAt": at.isoformat()} if at is not None and early else document)
    return documents


def silences_of(documents: Iterable[Mapping[str, Any]], span: TimeRange) -> dict[Silence, Matchers]:
    """Silences that overlap a range, from documents of which the last of each id counts."""
    newest = {str(document.get("id", "")): document for document in documents}
    silences: dict[Silence, Matchers] = {}
    for identity, document in newest.items():
        try:
            starts, ends = (to_ms(parse_instant(str(document[key]))) for key in ("startsAt", "endsAt"))
            matchers = tuple(_matcher(matcher) for matcher in document.get("matchers") or ())
        except (WorkbenchError, KeyError):
            continue
        if starts < span.end_ms and ends > span.start_ms:
            text = ", ".join(f'{matcher.name}{matcher.op}"{matcher.value}"' for matcher in matchers)
            owner, comment = str(document.get("createdBy", "")), str(document.get("comment", ""))
            silences[Silence(identity, starts, ends, owner, comment, text)] = matchers
    return silences


def _matcher(document: Mapping[str, Any]) -> Matcher:
    regex = bool(document.get("regex", document.get("isRegex")))
    equal = bool(document.get("equal", document.get("isEqual", True)))
    op = {(True, False): "=", (True, True): "=~", (False, False): "!=", (False, True): "!~"}[equal, regex]
    return Matcher(str(document["name"]), op, str(document["value"]))  # type: ignore[arg-type]


def _label_sets(ctx: Context, system: str, span: TimeRange) -> dict[str, dict[str, str]]:
    """Labels of the episodes of a system by their text, wherever they are written down."""
    source, profile = ctx.source_for(system), ctx.catalog.profile(system)
    metrics = source if ctx.measured(system) else None
    frames = [read_alerts(metrics, profile.scope, span, names=rule_names(source, profile).names).frame]
    if ctx.store is not None:
        frames.append(ctx.store.episodes(system, span))
    recorder = ctx.episodes_for(system)
    if recorder.name in ctx.episode_sources:
        frames.append(recorder.episodes(span))
    return {labels_text(labels): labels for frame in frames for labels in frame["labels"]}


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
