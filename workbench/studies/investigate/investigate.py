"""What is different here? Log lines, spans and requests of a window against its baselines, and what else happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd

from workbench import __version__
from workbench.analysis.alerts.marks import labels_text
from workbench.analysis.investigate.attributes import attribute_changes, requests_of_lines, requests_of_spans
from workbench.analysis.investigate.changes import Changes, Rows, changes
from workbench.analysis.investigate.happenings import Happening, Happenings, happenings
from workbench.analysis.investigate.log_templates import template_changes
from workbench.analysis.investigate.operations import failing_operations, slow_operations
from workbench.analysis.investigate.windows import Baseline, Windows
from workbench.analysis.traces.forest import forest
from workbench.analysis.traces.origin import failure_origins
from workbench.analysis.traces.self_time import self_times
from workbench.core.errors import ParameterError, SourceError, WorkbenchError
from workbench.core.result import Provenance, Result, Status, Study
from workbench.core.timerange import TimeRange, from_ms
from workbench.core.units import instant_text
from workbench.studies.alerts.load import read_episodes
from workbench.studies.alerts.silences import collected_silences
from workbench.studies.investigate.commands import command_of, trace_command
from workbench.studies.investigate.objectives import objective_rows, whole_slices
from workbench.studies.investigate.reading import Readings, default_windows, lines_of, spans_of, window_against
from workbench.studies.slo.attribution import noted_moments, restarts
from workbench.studies.slo.compliance import slo_compliance
from workbench.studies.sources.context import Context

#: A deploy or restart so long before a window may have caused what is in it.
BEFORE = timedelta(hours=2)

#: Longest window: an investigation reads every line and span of it.
LONGEST = timedelta(days=2)

#: Starts and stops that the log tells, at most. [lines]
_LIFECYCLE = 20

_UNKNOWN_RATE = (
    "Some log lines do not say at which rate they were kept. Their templates are compared by kept lines, so a change "
    "of the sampler can look like a change of the system."
)


def investigate(
    ctx: Context,
    *,
    system: str,
    range: TimeRange,
    as_of: datetime,
    against: TimeRange | str | None = None,
    budget: bool = True,
) -> Study:
    """Say what differs in a window: log templates, failing and slow operations, values of bad requests.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        System of the catalog.
    range : TimeRange
        Window in question; cut at ``as_of``, and after two days, which a warning says.
    as_of : datetime
        Aware instant up to which history is read.
    against : TimeRange or str, optional
        What to compare with: a range, ``START..END``, or a length, for the same hours so long before. By default the
        same hours a week before, and the hour before; a row is named only when it differs from both, in one direction.
    budget : bool
        Count the budgets that the window spent too, and compare the bad events of objectives: exact counts, which show
        what sampled lines and spans are too few for.

    Returns
    -------
    Study
        ``results``: ``changes`` (:class:`workbench.analysis.investigate.changes.Changes`), ``happenings``
        (:class:`workbench.analysis.investigate.happenings.Happenings`) and, where it was counted, ``compliance`` of the
        window. Status ``at_risk`` when a row is named; ``unavailable`` when none is and lines or spans could not be
        read; ``ok`` when rows were compared and none is named; ``no_data`` when nothing could be compared.

    Raises
    ------
    ParameterError
        Unknown system; a window that is empty or ahead; a baseline that overlaps it or is longer than two days. A
        failing source is a status, never an exception.
    """
    profile = ctx.catalog.profile(system)
    span = _cut(range, as_of)
    windows = _windows(span, window_against(against, span, zone=ctx.zone) if isinstance(against, str) else against)
    lines, spans = lines_of(ctx, system, windows), spans_of(ctx, system, windows)
    rows = [*_log_rows(lines), *_span_rows(spans)]
    if not len(spans.frame) and lines.windows is not None:
        rows.append(attribute_changes(requests_of_lines(lines.frame), lines.windows))
    compared = {"log lines": lines.windows, "spans": spans.windows}
    if budget:
        objectives = objective_rows(ctx, system, windows, as_of)
        rows.append(objectives)
        compared["objectives"] = windows if len(objectives.frame) else None
    notes = list(dict.fromkeys([*lines.notes, *spans.notes]))
    if lines.windows is not None and bool(lines.frame["probability"].isna().any()):
        notes.append(_UNKNOWN_RATE)
    if span.end < min(range.end, as_of):
        notes.insert(0, f"Only the first two days are investigated: {span}.")
    changed = changes(rows, windows, _remarks(compared))
    records = _records(changed.frame)
    commands = {
        "command": [command_of(system, row, windows.range) for row in records],
        "trace_command": [trace_command(system, row) for row in records],
    }
    frame = changed.frame.assign(
        **{name: pd.Series(texts, index=changed.frame.index, dtype="str") for name, texts in commands.items()}
    )
    changed = replace(changed, frame=frame)
    happenings, unread = _happened(ctx, system, windows.range, lines)
    results: dict[str, Result] = {"changes": changed, "happenings": happenings}
    if budget:
        judged = slo_compliance(ctx, system=system, range=whole_slices(windows.range, as_of), as_of=as_of)
        results["compliance"] = judged.results["compliance"]
        unread += judged.warnings
    newest = max(
        (int(each.frame[name].max()) for each, name in ((lines, "time_ns"), (spans, "start_ns")) if len(each.frame)),
        default=0,
    )
    coverage = _coverage(lines, spans, windows.range)
    names = [name for name in (_name(ctx.logs_for, system), _name(ctx.spans_for, system)) if name]
    return Study(
        name="investigate",
        system=profile.system,
        range=windows.range,
        as_of=as_of,
        results=results,
        status=_status(lines, spans, changed, coverage),
        freshness=from_ms(newest // 1_000_000) if newest else None,
        coverage=coverage,
        provenance=Provenance(", ".join(dict.fromkeys(names)), "", "", "estimated", lines.queries, version=__version__),
        warnings=tuple(dict.fromkeys([*notes, *unread])),
    )


def _cut(range: TimeRange, as_of: datetime) -> TimeRange:
    if range.start >= as_of:
        raise ParameterError(f"The window {range} has not begun by {instant_text(as_of)}.", hint="Give --from.")
    return TimeRange(range.start, min(range.end, as_of, range.start + LONGEST))


def _labels(labels: Mapping[str, str], scope: Mapping[str, str]) -> str:
    """Labels that tell one alert of a rule from another."""
    return labels_text({name: value for name, value in labels.items() if name not in ("alertname", "severity", *scope)})


def _windows(span: TimeRange, against: TimeRange | None) -> Windows:
    for window in (span, *([against] if against else [])):
        if window.end - window.start > LONGEST:
            raise ParameterError(
                f"The window {window} is longer than two days.",
                hint="Investigate the hours in which something changed.",
            )
        if window.end <= window.start:
            raise ParameterError(f"The window {window} is empty.", hint="Give --from before --to.")
    if against is None:
        return default_windows(span)
    if against.start < span.end and span.start < against.end:
        raise ParameterError(f"The window {span} and {against}, which it is compared with, overlap.")
    return Windows(span, (Baseline(f"{against}", against),))


def _log_rows(lines: Readings) -> list[Rows]:
    return [] if lines.windows is None else [template_changes(lines.frame, lines.windows)]


def _span_rows(spans: Readings) -> list[Rows]:
    if spans.windows is None:
        return []
    tree = forest(spans.frame)
    frame, parents = tree.spans, tree.parent
    origins = failure_origins(tree.failed, parents, tree.end)
    return [
        failing_operations(frame, origins, spans.windows),
        slow_operations(frame, self_times(tree), spans.windows, parents=parents),
        attribute_changes(requests_of_spans(frame), spans.windows),
    ]


def _records(frame: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict(orient="records")]


def _remarks(compared: Mapping[str, Windows | None]) -> list[str]:
    """Say what was compared with what: a baseline without rows was not."""
    kinds: dict[str, list[str]] = {}
    for name, windows in compared.items():
        if windows is not None:
            named = [each.name if each.name == f"{each.range}" else f"{each.name} ({each.range})"
                     for each in windows.baselines]  # fmt: skip
            baselines = " and ".join(named)
            kinds.setdefault(baselines, []).append(name)
    if not kinds:
        return ["Nothing was compared: there are no lines or spans, or nothing to compare them with."]
    text = "; ".join(f"{', '.join(names)} are compared with {baselines}" for baselines, names in kinds.items())
    return [
        f"{text[:1].upper()}{text[1:]}. A row is named when it differs from each by more than a factor of 1.5, at a "
        "false discovery rate of 5 % over all rows."
    ]


def _status(lines: Readings, spans: Readings, changed: Changes, coverage: float) -> Status:
    """Call nothing ok while lines or spans could not be read, or none could be compared: they may hold the cause."""
    failures = [each.failure for each in (lines, spans) if each.failure]
    if bool(changed.frame["named"].any()):
        return "at_risk"
    if len(failures) == 2 or any(isinstance(failure, SourceError) for failure in failures):
        return "unavailable"
    return "ok" if len(changed.frame) and coverage > 0 else "no_data"


def _coverage(lines: Readings, spans: Readings, span: TimeRange) -> float:
    """Return the share of the window that was compared, of the kind of rows that was read least."""
    shares = []
    for each in (lines, spans):
        if each.windows is not None:
            shares.append((each.windows.range.end - each.windows.range.start) / (span.end - span.start))
        elif isinstance(each.failure, SourceError):
            shares.append(0.0)
    return min(shares, default=0.0)


def _name(source_for: Callable[[str], object], system: str) -> str:
    return str(getattr(source_for(system), "name", ""))


def _happened(ctx: Context, system: str, span: TimeRange, lines: Readings) -> tuple[Happenings, list[str]]:
    """Alerts, deploys, restarts, silences, and what the log says of starts and stops."""
    profile, source = ctx.catalog.profile(system), ctx.source_for(system)
    wide = TimeRange(span.start - BEFORE, span.end)
    warnings: list[str] = []
    happened_rows: list[Happening] = []
    try:
        for row in read_episodes(source, profile, span).itertuples():
            ends = None if pd.isna(row.ends_at) else row.ends_at
            detail = ", ".join(part for part in (str(row.severity), _labels(row.labels, profile.scope)) if part)
            happened_rows.append(Happening("alert", str(row.alertname), row.starts_at, ends, detail))
        moments = [*restarts(source, profile, wide), *noted_moments(ctx, system, warnings)]
        happened_rows += [
            Happening(moment.kind, moment.what, moment.time, None, moment.detail)
            for moment in moments
            if wide.start <= moment.time <= wide.end
        ]
    except WorkbenchError as error:
        warnings.append(f"Alerts and restarts were not read: {error}")
    silences = collected_silences(ctx, system, span)
    notes = () if silences is not None else ("Silences are not known: nothing collects them (`workbench collect`).",)
    for silence in silences or {}:
        happened_rows.append(
            Happening("silence", silence.matchers, from_ms(silence.starts_ms), from_ms(silence.ends_ms), silence.owner)
        )
    if len(lines.frame):
        own = lines.frame[lines.frame["event_type"].isin(("system", "lifecycle", "deploy"))]
        inside = own[own["time_ns"] >= span.start_ms * 1_000_000]
        inside = inside[inside["time_ns"] < span.end_ms * 1_000_000].sort_values("time_ns").head(_LIFECYCLE)
        for line in inside.itertuples():
            held = {name.lower(): str(value) for name, value in (line.attributes or {}).items()}
            at = from_ms(int(line.time_ns) // 1_000_000)
            happened_rows.append(Happening("lifecycle line", str(line.message), at, None, held.get("instance", "")))
    return happenings(happened_rows, span, notes), warnings
