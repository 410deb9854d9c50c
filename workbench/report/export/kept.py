"""Where files of reports lie: below home, written down relative to it, so that a home that moved works."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.core.private import FOLDER, opened, private_folder
from workbench.core.processes import read_process, this_process
from workbench.core.settings import Settings

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


@contextmanager
def scratch_folder(shelf: Path, name: str) -> Iterator[Path]:
    """Make a folder of this process for the time of the block; those that killed processes left go first."""
    private_folder(shelf)
    for left in shelf.glob(f".{name}-*"):
        owner = read_process(_owner(left, name))
        if owner is None or owner.lives() is False:
            shutil.rmtree(left, ignore_errors=True)
    own = str(this_process()).replace("/", "+")
    folder = shelf / f".{name}-{own}+{secrets.token_hex(6)}"
    folder.mkdir(mode=FOLDER)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner(folder: Path, name: str) -> str:
    return folder.name.removeprefix(f".{name}-").rpartition("+")[0].replace("+", "/")


def published(path: Path, settings: Settings) -> None:
    """Let others read a report where the settings open them (``open_reports = true``)."""
    if settings.open_reports:
        opened(path, within=settings.home)
