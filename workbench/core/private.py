"""What the workbench writes is its user's alone: folders 0700, files 0600, whatever the umask was."""

from __future__ import annotations

import os
from pathlib import Path

#: Rights of folders and of files, and of those that everybody may read.
FOLDER, FILE, OPEN_FOLDER, OPEN_FILE = 0o700, 0o600, 0o755, 0o644


def keep_private() -> None:
    """Let everything that this process, or one it starts, writes from now on be its user's alone."""
    os.umask(0o077)


def private_folder(path: Path) -> Path:
    """Make a folder, with those above it, that only its user can enter; one that exists keeps its rights."""
    for missing in reversed([each for each in (path, *path.parents) if not each.exists()]):
        missing.mkdir(mode=FOLDER, exist_ok=True)
        missing.chmod(FOLDER)
    return path


def opened(path: Path, *, within: Path) -> None:
    """Let everybody read a file or folder with all in it, and pass through the folders up to ``within``."""
    for each in [path, *(path.rglob("*") if path.is_dir() else ())]:
        each.chmod(OPEN_FOLDER if each.is_dir() else OPEN_FILE)
    for above in path.parents:
        if not above.is_relative_to(within):
            break
        above.chmod(above.stat().st_mode | 0o011)
