"""A first profile, SLO document and settings file, drafted from a running server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from workbench.catalog.draft.draft import Draft, draft
from workbench.catalog.draft.families import families_of
from workbench.catalog.draft.roles import DraftRole
from workbench.catalog.draft.rules import ServerRule, rule_lines
from workbench.core.errors import ParameterError, SourceError
from workbench.core.settings import SourceSettings
from workbench.core.settings.secrets import Secret
from workbench.core.timerange import TimeRange
from workbench.core.units import value_text
from workbench.promql import scoped
from workbench.query import PrometheusSource
from workbench.studies.authoring.settings_file import with_source
from workbench.studies.sources.server_rules import rules_of

#: Series seen in this last part of the server's history are drafted from.
LOOKBACK = "1h"


@dataclass(frozen=True)
class DraftedSystem:
    """Files to be written, and what they were made from.

    Attributes
    ----------
    files : dict of str to str
        Relative path to text: the profile, the SLO document where failures are counted, the settings.
    draft : Draft
    samples : dict of str to str
        Role to its value of now, with the unit.
    rules : int
        Rules of the server that were taken. [count]
    alertmanagers : tuple of str
        Addresses the server sends alerts to.
    """

    files: dict[str, str]
    draft: Draft
    samples: dict[str, str]
    rules: int
    alertmanagers: tuple[str, ...]


def server_settings(
    url: str,
    *,
    username: str = "",
    password_env: str = "",
    bearer_file: Path | None = None,
    ca_file: Path | None = None,
) -> SourceSettings:
    """Return the settings of a Prometheus-compatible server; the password is read from an environment variable.

    Raises
    ------
    ParameterError
        The URL has no scheme, or holds credentials.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("http", "https"):
        raise ParameterError(f"{url!r} has no scheme.", hint=f"Write --url http://{rest or url} (or https://).")
    if "@" in rest.partition("/")[0]:
        bare = f"{scheme}://{rest.partition('@')[2]}"
        hint = f"Write WORKBENCH_PASSWORD=... workbench init --url {bare} --username NAME"
        raise ParameterError("Credentials may not stand in the URL: it is kept in files and logs.", hint=hint)
    return SourceSettings(
        kind="prometheus",
        url=url,
        username=username,
        password=Secret(env=password_env) if username else None,
        bearer=Secret(file=str(bearer_file)) if bearer_file else None,
        ca_file=ca_file,
    )


def draft_system(
    settings: SourceSettings,
    *,
    name: str,
    source: str,
    jobs: Sequence[str] = (),
    dialect: Sequence[str] = (),
    guesses: bool = True,
    file: Path = Path("workbench.toml"),
) -> DraftedSystem:
    """Ask a server what it has, and draft the files that make it a system of the workbench.

    Parameters
    ----------
    settings : SourceSettings
        The server.
    name : str
        Name of the new system.
    source : str
        Name of the source in the settings.
    jobs : sequence of str
        Draft from these scrape jobs only.
    dialect : sequence of str
        Read the metrics as these dialects only.
    guesses : bool
        Whether roles are guessed where no dialect knows a metric.
    file : Path
        Settings file that gets the source; one that exists keeps what it has.

    Raises
    ------
    ParameterError, SettingsError, SourceError
        The name cannot be a system's; the settings file is broken; the server does not answer.
    """
    server = PrometheusSource.from_settings(source, settings)
    now = datetime.now(UTC)
    matcher = "{job=~" + json.dumps("|".join(jobs)) + "}" if len(jobs) == 1 else '{__name__!=""}'
    series = server.series([matcher], TimeRange.last(LOOKBACK, until=now))
    if jobs and not series:
        series = server.series(['{__name__!=""}'], TimeRange.last(LOOKBACK, until=now))
    metadata = server.metadata()
    first = draft(name, metadata, series, jobs=jobs, dialect=dialect, guesses=guesses)
    inside = [labels for labels in series if not first.scope or labels.get("job") in first.scope]
    rules = _rules(server, list(families_of(metadata, inside)), first.scope)
    made = draft(name, metadata, series, jobs=jobs, dialect=dialect, guesses=guesses, rules=rule_lines(rules))
    files = {f"profiles/{name}.yaml": made.profile}
    if made.slos:
        files[f"slos/{name}.yaml"] = made.slos
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    settings_text = with_source(
        before, file=file, source=source, system=name, settings=settings, slos=bool(made.slos)
    )  # fmt: skip
    samples = {role.name: text for role in made.roles if (text := _sample(server, role, made.scope, now))}
    return DraftedSystem({**files, file.name: settings_text}, made, samples, len(rules), _alertmanagers(server))


def _rules(server: PrometheusSource, metrics: Sequence[str], scope: Sequence[str]) -> list[ServerRule]:
    try:
        groups = server.document("/api/v1/rules").get("groups") or []
    except SourceError:
        return []
    return rules_of(groups, metrics, scope)


def _alertmanagers(server: PrometheusSource) -> tuple[str, ...]:
    try:
        active = server.document("/api/v1/alertmanagers").get("activeAlertmanagers") or []
    except SourceError:
        return ()
    return tuple(str(row.get("url", "")).partition("/api/")[0] for row in active)


def _sample(server: PrometheusSource, role: DraftRole, scope: Sequence[str], at: datetime) -> str:
    """Return what a role says now: the sum of a counter, the highest of a gauge, the mean of a histogram."""
    query = f"sum({role.select})" if role.kind == "counter" else f"max({role.select})"
    if role.kind == "histogram":
        name, _, matchers = role.select.partition("{")
        rest = "{" + matchers if matchers else ""
        query = f"sum({name}_sum{rest}) / sum({name}_count{rest})"
    matcher = {"job": f"=~{'|'.join(scope)}"} if scope else {}
    try:
        answer = server.instant(scoped(query, matcher), at)
    except SourceError:
        return ""
    if not answer.labels or not answer.present[0, -1]:
        return ""
    text = value_text(float(answer.values[0, -1]), role.unit)
    return f"mean {text}" if role.kind == "histogram" else text
