"""Where the files lie that the store speaks of: below home, written relative to it, so a home that moved works."""

from __future__ import annotations

from pathlib import Path

#: Folders of drafts and of issued reports below home.
DRAFTS, ISSUED = "reports", "issued"


def kept_as(path: Path, home: Path) -> str:
    """Return a path as the store keeps it: relative to home where it lies below."""
    return str(path.relative_to(home)) if path.is_relative_to(home) else str(path)


def kept_at(kept: str, home: Path) -> Path:
    """Return the place of a path that the store kept; an absolute one of a home that moved is looked for in this one.

    Examples
    --------
    >>> kept_at("issued/lab/2026-10/monthly-1", Path("/srv/home")).as_posix()
    '/srv/home/issued/lab/2026-10/monthly-1'
    """
    path = Path(kept)
    if not path.is_absolute():
        return home / path
    below = [number for number, part in enumerate(path.parts) if part in (DRAFTS, ISSUED)]
    moved = home.joinpath(*path.parts[below[-1] :]) if below and not path.exists() else path
    return moved if moved.exists() else path
