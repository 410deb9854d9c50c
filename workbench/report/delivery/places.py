"""Folders and object stores: the files of a report under names that say what they are."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

from workbench.core.errors import ArchiveError
from workbench.core.settings.channels import ChannelSettings
from workbench.report.delivery.failures import SendError, redacted
from workbench.store import Message
from workbench.studies.upkeep.objects import put_object

_UNSAFE = re.compile(r"[^\w.\-]+")


def put_files(message: Message, channel: ChannelSettings, file_of: Callable[[str], bytes]) -> None:
    """Put the files of a message; a repeat writes the same files to the same names.

    Raises
    ------
    SendError
        The place does not take them.
    """
    for file in message.content["files"]:
        name = "/".join(_safe(str(message.content[part])) for part in ("system", "period")) + f"/{_safe(file['name'])}"
        if channel.kind == "folder":
            _write(channel.path or Path(), name, file_of(file["sha256"]))
            continue
        try:
            put_object(str(channel.url), name, file_of(file["sha256"]))
        except ArchiveError as error:
            raise SendError(redacted(error.message)) from None


def _write(folder: Path, name: str, content: bytes) -> None:
    if not folder.is_dir():
        raise SendError(f"There is no folder {folder}.")
    path = folder / name
    sibling = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with sibling.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(sibling, path)
        finally:
            sibling.unlink(missing_ok=True)
    except OSError as error:
        raise SendError(f"{folder} cannot be written: {error.strerror}.") from None


def _safe(text: str) -> str:
    return _UNSAFE.sub("-", text).lstrip(".") or "unnamed"
