"""Where the deployments and incidents of a system are known from: files, git, notes and tables, versions, alerts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from workbench.analysis.operations.versions import version_deployments
from workbench.core.errors import ArchiveError, EmptyAnswer, ParameterError, WorkbenchError
from workbench.core.filters import LogFilter
from workbench.core.timerange import DAY_MS, TimeRange
from workbench.promql import scoped
from workbench.query.deployments.git import git_deployments
from workbench.store import Annotation
from workbench.studies.decisions.table_events import table_events
from workbench.studies.sources.context import Context

#: Table -> columns it must have; further ones are optional.
COLUMNS = {
    "deployments": ("deployment", "finished"),
    "incidents": ("created", "resolved"),
    "requests": ("first_commit", "created", "first_review", "merged", "deployed"),
}

#: An alert that begins so long after a deployment is counted as its failure. [s]
CAUSED_WITHIN = timedelta(hours=24)

#: Metrics that have the version of what runs as a label, and what the label is called.
_INFO = '{__name__=~"(.+_)?(build|version|app)_info"}'
_VERSION_LABELS = ("version", "app_version", "release", "image_tag", "revision", "commit")
_TOOLS = re.compile(r"^(?:prometheus|alertmanager|node_exporter|grafana|go|python|process|cadvisor|loki|kube_\w+)_")

_STARTED = re.compile(r"\bversion[ =:]+\"?v?(\d[\w.+-]*)", re.IGNORECASE)
_LIFECYCLE = ("system", "lifecycle", "deploy", "deployment", "startup")
_NEVER = pd.Timestamp("2200-01-01", tz="UTC")
_NS = "datetime64[ns, UTC]"
_SEVERE = ("critical", "page", "fatal", "emergency", "p1")


@dataclass(frozen=True, eq=False)
class Deployments:
    """Deployments, and where they are known from.

    Attributes
    ----------
    frame : DataFrame
        ``deployment``, ``finished`` [UTC], ``result``, ``environment``; ``rework`` (bool) where something says it.
    requests : DataFrame
        Changes on their way to production, as :func:`workbench.analysis.operations.delivery.lead_times` takes them.
    origin : str
        E.g. ``tags v* of /srv/conduit``; empty where nothing knows of deployments.
    since : datetime, optional
        When the samples or lines begin that show versions: nothing is known of deployments before.
    """

    frame: pd.DataFrame
    requests: pd.DataFrame
    origin: str
    since: datetime | None = None


def read_table(file: Path | None, kind: str, times: tuple[str, ...]) -> pd.DataFrame:
    """Read one of the CSV files of :data:`COLUMNS`; without a file its columns, empty.

    Raises
    ------
    ParameterError
        The file cannot be read or lacks a column.
    """
    if file is None:
        return pd.DataFrame({name: pd.to_datetime([], utc=True) for name in COLUMNS[kind]})
    try:
        frame = pd.read_csv(file, dtype="str")
    except (OSError, ValueError) as error:
        raise ParameterError(f"{file} cannot be read: {error}.", hint="Give a CSV file with a header.") from None
    missing = [name for name in COLUMNS[kind] if name not in frame]
    if missing:
        raise ParameterError(f"{file} has no column {missing[0]!r}.", hint=f"It needs {', '.join(COLUMNS[kind])}.")
    for name in times:
        try:
            frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
        except ValueError as error:
            raise ParameterError(f"{file}: {name}: {error}.", hint="Write ISO 8601 instants.") from None
    return frame


def of_file(deployments: Path, requests: Path | None) -> Deployments:
    """Deployments and pull requests of CSV files."""
    frame = read_table(deployments, "deployments", ("finished",))
    for name, usual in (("result", "SUCCESS"), ("environment", "PRODUCTION")):
        frame[name] = frame[name].str.upper() if name in frame else usual
    return Deployments(frame, read_table(requests, "requests", COLUMNS["requests"]), deployments.name)


def of_git(repository: Path, tags: str, span: TimeRange) -> Deployments:
    """Tags of a repository, and each commit as a change that was first written when it was authored."""
    read = git_deployments(repository, span, tags=tags)
    inside = read.commits[read.commits["deployed"] >= span.start]
    authored, deployed = inside["authored"], inside["deployed"]
    requests = pd.DataFrame(
        {
            "first_commit": authored,
            "created": authored,
            "first_review": pd.Series(pd.NaT, index=inside.index, dtype=authored.dtype),
            "merged": authored,
            "deployed": deployed,
        }
    )
    return Deployments(_live(read.deployments), requests, f"tags {tags} of {repository}")


def of_records(ctx: Context, system: str, span: TimeRange) -> tuple[Deployments, list[str]]:
    """Deployments that the system's own records hold, and what could not be read.

    Notes and tables of deployments count before versions in metrics, those before versions in log lines.
    """
    events, warnings = _noted(ctx, system, "deploy")
    frame = pd.DataFrame({"deployment": [f"{event.text} at {event.starts_at:%Y-%m-%d %H:%M}" for event in events],
                          "finished": pd.to_datetime([event.starts_at for event in events], utc=True)})  # fmt: skip
    origin, since = "notes and tables of deployments", None
    for read, name in ((_metric_versions, "versions in metrics"), (_line_versions, "versions in log lines")):
        if frame.empty:
            try:
                frame, since = read(ctx, system, span)
                origin = name
            except WorkbenchError as error:
                warnings.append(f"Deployments by {name} were not read: {error}")
    frame = frame.sort_values("finished", ignore_index=True)
    empty = read_table(None, "requests", ())
    return Deployments(_live(frame), empty, origin if len(frame) else "", since), warnings


def recorded_incidents(ctx: Context, system: str) -> tuple[pd.DataFrame, list[str]]:
    """Incidents of notes and tables: ``created``, ``resolved`` [UTC], NaT while one is open."""
    events, warnings = _noted(ctx, system, "incident")
    created, resolved = ([getattr(event, name) for event in events] for name in ("starts_at", "ends_at"))
    times = {"created": created, "resolved": resolved}
    return pd.DataFrame({name: pd.to_datetime(held, utc=True) for name, held in times.items()}), warnings


def alert_incidents(ctx: Context, system: str, deployments: pd.DataFrame, span: TimeRange) -> pd.DataFrame:
    """Severe alerts that began within :data:`CAUSED_WITHIN` of a deployment; alerts that overlap are one incident.

    Raises
    ------
    SourceError
        As the source of alerts raises it; also where no alert at all is known of in this time, because nobody may have
        recorded any.
    """
    episodes = ctx.episodes_for(system).episodes(span)
    if episodes.empty:
        title = ctx.catalog.title(system)
        raise EmptyAnswer(f"No alert of {title} is recorded in {span}, so that nothing says which deployments failed.")
    severe = episodes[episodes["severity"].astype("str").str.lower().isin(_SEVERE) & ~episodes["left_censored"]]
    severe = severe.sort_values("starts_at")
    ends = severe["ends_at"].mask(severe["right_censored"].astype("bool"))
    reached = ends.fillna(_NEVER).cummax()
    number = (severe["starts_at"] > reached.shift()).cumsum()
    whole = pd.DataFrame({"number": number, "created": severe["starts_at"], "resolved": reached})
    incidents = whole.groupby("number").agg(created=("created", "min"), resolved=("resolved", "max"))
    incidents["resolved"] = incidents["resolved"].mask(incidents["resolved"] == _NEVER)
    finished = deployments[["finished"]].astype(_NS).sort_values("finished")
    linked = pd.merge_asof(
        incidents.astype(_NS), finished, left_on="created", right_on="finished", tolerance=CAUSED_WITHIN
    )
    return linked.loc[linked["finished"].notna(), ["created", "resolved"]].reset_index(drop=True)


def _noted(ctx: Context, system: str, kind: str) -> tuple[list[Annotation], list[str]]:
    events, warnings = table_events(ctx, system)
    try:
        events = [*events, *(ctx.store.annotations(system) if ctx.store is not None else [])]
    except ArchiveError as error:
        warnings.append(f"Notes were not read: {error}")
    return [event for event in events if event.kind == kind and event.revoked_at is None], warnings


def _metric_versions(ctx: Context, system: str, span: TimeRange) -> tuple[pd.DataFrame, datetime | None]:
    profile, source = ctx.catalog.profile(system), ctx.source_for(system)
    parts = []
    try:
        for labels, times, _ in source.raw(scoped(_INFO, profile.scope), span.left_open()):
            version = next((labels[name] for name in _VERSION_LABELS if labels.get(name)), "")
            if version and not _TOOLS.match(labels.get("__name__", "")):
                parts.append(pd.DataFrame({"time": pd.to_datetime(times, unit="ms", utc=True), "version": version}))
    except EmptyAnswer:
        pass
    seen = _joined(parts)
    return version_deployments(seen, started=False), seen["time"].min().to_pydatetime() if len(seen) else None


def _line_versions(ctx: Context, system: str, span: TimeRange) -> tuple[pd.DataFrame, datetime | None]:
    source = ctx.logs_for(system)
    services = ctx.services_within(source, system)
    parts = []
    for piece in source.logs(LogFilter(services=services, contains="version"), span):
        own = piece[piece["event_type"].astype("str").isin(_LIFECYCLE)]
        version = own["message"].astype("str").str.extract(_STARTED, expand=False)
        times = pd.to_datetime(own["time_ns"], unit="ns", utc=True)
        parts.append(pd.DataFrame({"time": times, "version": version}).dropna())
    days = source.log_counts(LogFilter(services=services), span, step_ms=DAY_MS)
    first = days.loc[days["count"] > 0, "time"].min()
    return version_deployments(_joined(parts), started=True), None if pd.isna(first) else first.to_pydatetime()


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    empty = pd.DataFrame({"time": pd.to_datetime([], utc=True), "version": pd.Series([], dtype="str")})
    return pd.concat(parts, ignore_index=True) if parts else empty


def _live(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(result="SUCCESS", environment="PRODUCTION")
