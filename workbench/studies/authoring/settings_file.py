"""A source and a system more in a settings file; comments and order stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from workbench.core.errors import SettingsError
from workbench.core.settings import SourceSettings


def with_source(text: str, *, file: Path, source: str, system: str, settings: SourceSettings, slos: bool) -> str:
    """Return the text of a settings file in which a source answers for one system more.

    Parameters
    ----------
    text : str
        The file as it is; empty for a new one.
    file : Path
        Named in errors.
    source : str
        Name of the source; a source of the same URL is used under its own name.
    system : str
        Id of the system, as its profile names it.
    settings : SourceSettings
        The source as the settings name it.
    slos : bool
        Whether the folder ``slos`` is named.

    Raises
    ------
    SettingsError
        The file is no TOML, or the name is that of another source.

    Examples
    --------
    >>> shop = SourceSettings(kind="prometheus", url="http://prom:9090")
    >>> print(with_source("", file=Path("w.toml"), source="prom", system="shop", settings=shop, slos=False))
    profiles = ["profiles"]
    <BLANKLINE>
    [sources.prom]
    kind = "prometheus"
    url = "http://prom:9090"
    systems = ["shop"]
    <BLANKLINE>
    """
    try:
        document: Any = tomlkit.parse(text)
    except TOMLKitError as error:
        raise SettingsError(f"{file}: {error}") from None
    for key in ("profiles", *(("slos",) if slos else ())):
        if key not in document:
            document.add(key, [key]) if not text else _first(document, key)
        elif key not in document[key]:
            document[key].append(key)
    sources = document.get("sources")
    if sources is None:
        sources = document["sources"] = tomlkit.table(is_super_table=True)
    same = next((name for name, source in sources.items() if source.get("url") == settings.url), None)
    if same is not None:
        if sources[same].get("systems") and system not in sources[same]["systems"]:
            sources[same]["systems"].append(system)
        return tomlkit.dumps(document)
    if source in sources:
        hint = "Name it otherwise with --source."
        raise SettingsError(f"{file} has a source {source!r} with another URL.", hint=hint)
    sources[source] = _table(settings, system)
    return tomlkit.dumps(document)


def _first(document: Any, key: str) -> None:
    """Put a top-level key before the first table, where TOML wants it."""
    text = tomlkit.dumps(document)
    changed = tomlkit.parse(f'{key} = ["{key}"]\n{text}')
    document.clear()
    document.update(changed)


def _table(settings: SourceSettings, system: str) -> Any:
    table: Any = tomlkit.table()
    table.add("kind", settings.kind)
    table.add("url", settings.url)
    table.add("systems", [system])
    if settings.username and settings.password:
        table.add("username", settings.username)
        password: Any = tomlkit.inline_table()
        password.update({"env": settings.password.env})
        table.add("password", password)
    if settings.bearer:
        bearer: Any = tomlkit.inline_table()
        bearer.update({"file": settings.bearer.file})
        table.add("bearer", bearer)
    if settings.ca_file:
        table.add("ca_file", str(settings.ca_file.resolve()))
    return table
