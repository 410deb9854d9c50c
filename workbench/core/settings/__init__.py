"""Settings: one TOML file, environment variables over it, and the command line over both.

The first file found counts, files are not merged: ``--config``, ``$WORKBENCH_CONFIG``, ``./workbench.toml``,
``$XDG_CONFIG_HOME/workbench/workbench.toml``. Without a file the demo archive is the only source.

A secret never stands in the file: it is named, ``{ env = "PROM_PASSWORD" }`` or ``{ file = "/run/secrets/prom" }``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, model_validator

from workbench.core.errors import ParameterError, SettingsError
from workbench.core.settings.access import AccessSettings, access_part
from workbench.core.settings.channels import ChannelSettings
from workbench.core.settings.cost import CostSettings
from workbench.core.settings.grafana import GrafanaSettings
from workbench.core.settings.limits import Limits as Limits
from workbench.core.settings.places import placed
from workbench.core.settings.secrets import Frozen, SecretRef, holds_password
from workbench.core.settings.system import SystemSettings as SystemSettings
from workbench.core.settings.toml_lines import line_of
from workbench.core.timerange import Weekday, duration_ms, named_zone

FILE_NAME = "workbench.toml"


Kind = Literal[
    "archive",
    "prometheus",
    "loki",
    "elasticsearch",
    "opensearch",
    "logfiles",
    "tempo",
    "jaeger",
    "otlp",
    "zipkin",
    "alertmanager",
    "table",
]

_ADDRESS = "'http(s)://host[:port][/prefix]'"
_OBJECTS = "'s3://bucket/path' (or gs://, az://)"

#: What each kind of source is reached by: one of these settings.
_REACHED_BY: Mapping[str, tuple[str, ...]] = {
    "archive": ("path", "url"),
    "logfiles": ("path",),
    "otlp": ("path",),
    "zipkin": ("path",),
    "alertmanager": ("url", "path"),
    "table": ("path", "database", "records"),
}

#: Settings that only some kinds understand.
_ONLY: Mapping[str, tuple[str, ...]] = {
    "index": ("elasticsearch", "opensearch"),
    "selector": ("loki",),
    "fields": ("loki", "elasticsearch", "opensearch", "logfiles", "table"),
    "service": ("loki", "elasticsearch", "opensearch", "logfiles", "table"),
    "sampling": ("tempo", "jaeger", "otlp", "zipkin"),
    "database": ("table",),
    "table": ("table",),
    "holds": ("table",),
    "records": ("table",),
    "event": ("table",),
    "delimiter": ("table",),
    "decimal": ("table",),
    "ends": ("table",),
    "alertmanager": ("prometheus",),
    "replica_labels": ("prometheus",),
    "sigv4": ("prometheus", "alertmanager", "opensearch"),
}


class SigV4(Frozen):
    """Requests signed for a service of Amazon; credentials come from the environment, as botocore finds them."""

    region: str
    service: str = "aps"
    profile: str = ""


class SourceSettings(Frozen):
    """One backend. ``systems`` names what it answers for; empty means all.

    ``path`` may be a pattern (``/var/log/app/*.log*``) where a source reads files. ``fields`` gives a column of the
    workbench its place in the source's records, over what the profile says.
    """

    kind: Kind
    path: Path | None = None
    url: str = ""
    systems: tuple[str, ...] = ()
    tenant: str = ""
    index: str = ""
    selector: str = ""
    service: str = ""
    fields: Mapping[str, str] = Field(default_factory=dict)
    sampling: float | None = Field(default=None, gt=0, le=1)
    database: SecretRef | None = None
    table: str = ""
    holds: Literal["", "invoices", "budgets", "rates", "deployments", "incidents", "labels", "answers"] = ""
    records: Literal["", "logs", "spans"] = ""
    event: str = ""
    delimiter: str = ""
    decimal: Literal["", ".", ","] = ""
    ends: Literal["", "exclusive", "inclusive"] = ""
    semantics: Literal["auto", "v2", "v3"] = "auto"
    username: str = ""
    password: SecretRef | None = None
    bearer: SecretRef | None = None
    headers: Mapping[str, str | SecretRef] = Field(default_factory=dict)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    timeout_s: float = Field(default=60.0, gt=0)
    gzip: bool = False
    answer_mib: int | None = Field(default=None, gt=0)
    alertmanager: str = ""
    partial_response: bool = True
    max_source_resolution: Literal["raw", "5m", "1h", "auto"] = "raw"
    replica_labels: tuple[str, ...] = ()
    sigv4: SigV4 | None = None

    @property
    def place(self) -> Path | str:
        """Folder or URL of an archive."""
        return self.url or self.path or Path()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        ways = _REACHED_BY.get(self.kind, ("url",))
        if not any(getattr(self, way) for way in ways):
            address = _OBJECTS if self.kind == "archive" else _ADDRESS
            choices = " or ".join(f"url = {address}" if way == "url" else f"{way} = …" for way in ways)
            raise ValueError(f"{_a(self.kind)} needs {choices}")
        if self.records and (self.holds != "answers" or not {"score"} <= set(self.fields)):
            raise ValueError(
                f'records = "{self.records}" needs holds = "answers" and fields = {{ score = "name of the attribute" }}'
            )
        if (self.event or self.service) and self.kind == "table" and not self.records:
            raise ValueError('event and service of a table need records = "logs" or "spans"')
        if self.url and self.kind == "archive":
            _object_address(self.url, self.path)
        elif self.url:
            parts = urlsplit(self.url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"{_a(self.kind)} needs url = {_ADDRESS}")
            if parts.username or parts.password:
                raise ValueError("credentials may not stand in the url: use username and password")
        for url in (self.url, self.alertmanager):
            if url and (urlsplit(url).query or urlsplit(url).fragment):
                raise ValueError("parameters may not stand in the url, they may hold a secret: use headers")
        for field, kinds in _ONLY.items():
            if getattr(self, field) and self.kind not in kinds:
                raise ValueError(f"{field} means nothing to {_a(self.kind)}; it belongs to: {', '.join(kinds)}")
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password go together")
        if self.sigv4 and (self.username or self.bearer):
            raise ValueError("sigv4 is a login of its own: leave username, password and bearer out")
        if self.username and self.bearer:
            raise ValueError("use either username and password, or bearer")
        for name, value in self.headers.items():
            if name.lower() in ("authorization", "cookie", "proxy-authorization", "x-api-key") and isinstance(
                value, str
            ):
                raise ValueError(f'the header {name} is a secret: write {name} = {{ env = "NAME" }}')
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert_file and key_file go together")
        return self


def _object_address(url: str, path: Path | None) -> None:
    """Refuse what is no address of an object store, or holds a secret."""
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("credentials may not stand in the url: they come from the environment or the provider's files")
    if parts.scheme not in ("s3", "gs", "az") or not parts.netloc:
        raise ValueError(f"an archive needs url = {_OBJECTS}; a folder stands in path")
    if path is not None:
        raise ValueError("an archive has either a path or a url")


def _a(kind: str) -> str:
    article = "an" if kind[0] in "aeio" else "a"
    return f"{article} {kind}" if kind == "archive" else f"{article} {kind} source"


class Privacy(Frozen):
    """Fields of logs and spans that enter the archive under a pseudonym; ``key`` makes them the same everywhere."""

    pseudonyms: tuple[str, ...] = ("user_id", "ip_address", "client_ip", "user_email")
    key: SecretRef | None = None


class ArchiveSettings(Frozen):
    """Where history is kept, and how long each resolution of it stays; empty means for ever."""

    path: Path | None = None
    url: str = ""
    raw: str = "100d"
    five_minutes: str = "400d"
    hours: str = ""

    @model_validator(mode="after")
    def _durations(self) -> Self:
        if self.url:
            _object_address(self.url, self.path)
        for text in filter(None, (self.raw, self.five_minutes, self.hours)):
            try:
                duration_ms(text)
            except ParameterError as error:
                raise ValueError(error.message) from None
        return self


class Settings(Frozen):
    """All settings, paths absolute. ``origin`` is their file, ``cluster`` a Dask scheduler for wide work."""

    home: Path
    zone: str = "UTC"
    week_start: Weekday = "monday"
    identity: str = "local"
    store_url: str = ""
    store_password: SecretRef | None = None
    open_reports: bool = False
    dashboard_hosts: tuple[str, ...] = ()
    profiles: tuple[Path, ...] = ()
    slos: tuple[Path, ...] = ()
    reports: tuple[Path, ...] = ()
    limits: Limits = Limits()
    privacy: Privacy = Privacy()
    cost: CostSettings = CostSettings()
    grafana: GrafanaSettings | None = None
    archive: ArchiveSettings = ArchiveSettings()
    access: AccessSettings = AccessSettings()
    sources: Mapping[str, SourceSettings]
    systems: Mapping[str, SystemSettings] = Field(default_factory=dict)
    channels: Mapping[str, ChannelSettings] = Field(default_factory=dict)
    schedule: Path | None = None
    cluster: str = ""
    origin: Path | None = None

    @model_validator(mode="after")
    def _no_secret(self) -> Self:
        if self.store_password is not None and not urlsplit(self.store_url).username:
            raise ValueError("store_password goes with store_url = 'postgresql://user@host/name'")
        return self

    @property
    def database(self) -> str:
        """URL of the store; SQLite in the home folder unless set."""
        return self.store_url or f"sqlite:///{self.home / 'workbench.db'}"

    @property
    def history(self) -> Path | str:
        """Folder, or URL, of the archive that ``workbench archive sync`` fills."""
        return self.archive.url or self.archive.path or self.home / "archive"

    @property
    def demo(self) -> Path:
        """Folder of the demo archive."""
        return self.home / "demo"


def settings_file(explicit: Path | None = None) -> Path | None:
    """Return the file that counts, or None; a named file that is absent is an error."""
    named = explicit or (Path(os.environ["WORKBENCH_CONFIG"]) if os.environ.get("WORKBENCH_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise SettingsError(f"There is no settings file {named}.", hint="Check --config and $WORKBENCH_CONFIG.")
        return named.resolve()
    config_home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    candidates = (Path.cwd() / FILE_NAME, config_home / "workbench" / FILE_NAME)
    return next((path.resolve() for path in candidates if path.is_file()), None)


def _known_keys(path: tuple[int | str, ...]) -> list[str]:
    parts: dict[object, type[Frozen]] = {
        "sources": SourceSettings,
        "systems": SystemSettings,
        "privacy": Privacy,
        "cost": CostSettings,
        "access": access_part(path[1:]),
        "archive": ArchiveSettings,
        "limits": Limits,
        "channels": ChannelSettings,
    }
    return list(parts.get(path[0] if path else "", Settings).model_fields)


def _complaint(file: Path, text: str, error: ValidationError) -> SettingsError:
    lines = []
    for fault in error.errors(include_url=False, include_input=False):
        path = fault["loc"]
        what = ".".join(str(part) for part in path) or "settings"
        why = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            near = get_close_matches(str(path[-1]), _known_keys(path), n=1)
            why = f"unknown setting {path[-1]!r}." + (f" Did you mean {near[0]!r}?" if near else "")
        lines.append(f"{file}:{line_of(text, path)}: {what}: {why}")
    return SettingsError("\n".join(lines), hint="docs/settings.md lists every setting.")


def _environment() -> dict[str, Any]:
    names = {"WORKBENCH_HOME": "home", "WORKBENCH_ZONE": "zone", "WORKBENCH_STORE_URL": "store_url"}
    names["WORKBENCH_IDENTITY"] = "identity"
    return {field: os.environ[name] for name, field in names.items() if os.environ.get(name)}


def load_settings(file: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings; relative paths are relative to the file that names them.

    Parameters
    ----------
    file : Path, optional
        The file to read in place of those found.
    **overrides
        Single values of the command line (``home``, ``zone``, ``identity``, ``store_url``); None means "not given".

    Returns
    -------
    Settings

    Raises
    ------
    SettingsError
        Unreadable file, unknown key (with the nearest known one), wrong value; the message has file and line.
    """
    origin = settings_file(file)
    text, data = "", {}
    base = Path.cwd()
    if origin is not None:
        base = origin.parent
        try:
            text = origin.read_text(encoding="utf-8")
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{origin}: not TOML: {error}.") from None
        except (ValueError, RecursionError) as error:
            raise SettingsError(f"{origin}: cannot be read: {str(error).split(';')[0]}.") from None
        except OSError as error:
            raise SettingsError(f"{origin}: cannot be read: {error}.") from None
    if holds_password(str(data.get("store_url", ""))):
        raise SettingsError(
            f"{origin}:{line_of(text, ('store_url',))}: store_url: a password may not stand in this file.",
            hint='Write store_password = { env = "NAME" } or { file = "/path" }, and user@host in store_url.',
        )
    chosen = {**data, **_environment(), **{name: value for name, value in overrides.items() if value is not None}}
    outside = "home" not in data or overrides.get("home") is not None or os.environ.get("WORKBENCH_HOME")
    chosen["home"] = placed(chosen.get("home", ".workbench"), Path.cwd() if outside else base)
    chosen.setdefault("sources", {"demo": {"kind": "archive", "path": str(chosen["home"] / "demo")}})
    try:
        named_zone(str(chosen.get("zone", "UTC")))
        read = Settings(**{**chosen, "origin": origin})
    except ValidationError as error:
        raise _complaint(origin or Path("settings"), text, error) from None
    except ParameterError as error:
        raise SettingsError(f"{origin or 'settings'}:{line_of(text, ('zone',))}: {error.message}") from None
    return _absolute(read, base)


def _absolute(read: Settings, base: Path) -> Settings:
    def below(path: Path | None) -> Path | None:
        return None if path is None else placed(path, base)

    sources = {
        name: source.model_copy(
            update={field: below(getattr(source, field)) for field in ("path", "ca_file", "cert_file", "key_file")}
            | {"answer_mib": source.answer_mib or read.limits.answer_mib}
        )
        for name, source in read.sources.items()
    }
    folders = {field: tuple(map(below, getattr(read, field))) for field in ("profiles", "slos", "reports")}
    archive = read.archive.model_copy(update={"path": below(read.archive.path)})
    channels = {
        name: channel.model_copy(update={field: below(getattr(channel, field)) for field in ("path", "ca_file")})
        for name, channel in read.channels.items()
    }
    cost = read.cost.model_copy(update={"prices": below(read.cost.prices)})
    systems = {name: system.model_copy(update={"git": below(system.git)}) for name, system in read.systems.items()}
    changed = {
        "sources": sources,
        "systems": systems,
        "archive": archive,
        "channels": channels,
        "schedule": below(read.schedule),
    }
    return read.model_copy(update={**changed, **folders, "cost": cost})
