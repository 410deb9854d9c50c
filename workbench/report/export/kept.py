"""Folders that reports are written in: private, one a process while they are made, opened where the settings say."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.core.errors import ReportError
from workbench.core.private import FOLDER, opened, private_folder
from workbench.core.processes import read_process, this_process
from workbench.core.settings import Settings


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


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a report is written into an error that names the place."""
    try:
        yield
    except OSError as error:
        raise ReportError(
            f"The report cannot be written to {path}: {error.strerror or error}.",
            hint="Make room or name another folder with --out; `home` in the settings says where reports are kept.",
        ) from error


def published(path: Path, settings: Settings) -> None:
    """Let others read a report where the settings open them (``open_reports = true``)."""
    if settings.open_reports:
        opened(path, within=settings.home)
