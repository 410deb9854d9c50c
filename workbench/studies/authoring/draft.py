"""A first profile, SLO document and settings file, drafted from a running server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from workbench.catalog.draft.draft import draft
from workbench.core.settings import Secret, SourceSettings
from workbench.core.timerange import TimeRange
from workbench.query import PrometheusSource

#: Series seen in this last part of the server's history are drafted from.
LOOKBACK = "1h"


def draft_system(
    *,
    url: str,
    name: str,
    source: str,
    job: str = "",
    username: str = "",
    password_env: str = "",
    bearer_file: Path | None = None,
    ca_file: Path | None = None,
) -> dict[str, str]:
    """Ask a server what it has, and draft the files that make it a system of the workbench.

    Parameters
    ----------
    url : str
        ``http(s)://host[:port][/prefix]``.
    name : str
        Name of the new system.
    source : str
        Name of the source in the settings.
    job : str
        Draft from this scrape job only.
    username, password_env : str
        Basic authentication; the password is read from this environment variable.
    bearer_file, ca_file : Path, optional
        Token and certificates.

    Returns
    -------
    dict of str to str
        Relative path to text: the profile, the SLO document where requests are counted, the settings.

    Raises
    ------
    ParameterError, SourceError
        The name cannot be a system's; the server does not answer.
    """
    settings = SourceSettings(
        kind="prometheus",
        url=url,
        username=username,
        password=Secret(env=password_env) if username else None,
        bearer=Secret(file=str(bearer_file)) if bearer_file else None,
        ca_file=ca_file,
    )
    server = PrometheusSource.from_settings(source, settings)
    span = TimeRange.last(LOOKBACK, until=datetime.now(UTC))
    matcher = f"{{job={json.dumps(job)}}}" if job else '{__name__!=""}'
    made = draft(name, server.metadata(), server.series([matcher], span), job=job)
    files = {f"profiles/{name}.yaml": made.profile}
    if made.slos:
        files[f"slos/{name}.yaml"] = made.slos
    return {**files, "workbench.toml": _settings_text(source, name, settings, slos=bool(made.slos))}


def _settings_text(source: str, system: str, settings: SourceSettings, *, slos: bool) -> str:
    def quoted(text: object) -> str:
        return json.dumps(str(text), ensure_ascii=False)

    lines = ['profiles = ["profiles"]', *(['slos = ["slos"]'] if slos else []), "", f"[sources.{quoted(source)}]"]
    lines += ['kind = "prometheus"', f"url = {quoted(settings.url)}", f"systems = [{quoted(system)}]"]
    if settings.username and settings.password:
        lines += [f"username = {quoted(settings.username)}", f"password = {{ env = {quoted(settings.password.env)} }}"]
    if settings.bearer:
        lines.append(f"bearer = {{ file = {quoted(settings.bearer.file)} }}")
    if settings.ca_file:
        lines.append(f"ca_file = {quoted(settings.ca_file.resolve())}")
    return "\n".join(lines) + "\n"
