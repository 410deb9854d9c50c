"""What the program has loaded, as tables of text; no secret is in any cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from workbench.core.errors import Fault
from workbench.core.settings import Settings, SourceSettings
from workbench.core.units import NO_VALUE


def setting_rows(settings: Settings) -> list[dict[str, str]]:
    """One row of text per setting that a reader may see: ``setting, value``."""
    shown = {
        "Settings file": settings.origin or "none: defaults",
        "Home": settings.home,
        "Calendar zone": settings.zone,
        "Week begins on": settings.week_start,
        "Profiles": _paths(settings.profiles),
        "SLO documents": _paths(settings.slos),
    }
    return [{"setting": name, "value": str(value) or NO_VALUE} for name, value in shown.items()]


def source_rows(sources: Mapping[str, SourceSettings]) -> list[dict[str, str]]:
    """One row of text per source of the settings: ``source, kind, place, systems``; the address without its query."""
    return [
        {
            "source": name,
            "kind": source.kind,
            "place": _place(source),
            "systems": ", ".join(source.systems) or "all",
        }
        for name, source in sources.items()
    ]


def profile_rows(profiles: Mapping[str, Any], objectives: Mapping[str, Sequence[Any]]) -> list[dict[str, str]]:
    """One row of text per system: ``system, title, roles, thresholds, alert rules, objectives, file``."""
    return [
        {
            "system": name,
            "title": str(profile.title),
            "owner": str(profile.owner) or NO_VALUE,
            "roles": f"{len(profile.roles):,}",
            "thresholds": f"{len(profile.thresholds):,}",
            "alert rules": f"{len(profile.alert_rules):,}",
            "objectives": f"{len(objectives.get(name, ())):,}",
            "file": str(profile.file),
        }
        for name, profile in profiles.items()
    ]


def mistake_rows(faults: Sequence[Fault]) -> list[dict[str, str]]:
    """One row of text per mistake: ``file, line, what is wrong, text, id``."""
    return [
        {
            "file": str(fault.file),
            "line": str(fault.line),
            "what is wrong": fault.why + (f" Did you mean {fault.nearest!r}?" if fault.nearest else ""),
            "text": fault.text.strip(),
            "id": fault.id,
        }
        for fault in faults
    ]


def _paths(paths: Sequence[Any]) -> str:
    return ", ".join(str(path) for path in paths) or "those that are shipped"


def _place(source: SourceSettings) -> str:
    parts = urlsplit(source.url)
    return (
        f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
        if source.url
        else str(source.path or NO_VALUE)
    )
