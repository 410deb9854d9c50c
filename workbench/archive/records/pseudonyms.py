"""Pseudonyms in place of what personal fields hold, put in before records enter the archive.

A pseudonym is a keyed hash: with one key a person has one pseudonym everywhere, so that counts by user stay right, and
without the key nobody can try names. The key is the owner's (``privacy.key``), or a random one kept in ``home``.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import pandas as pd

from workbench.core.errors import ArchiveError, SettingsError
from workbench.core.settings import Privacy

KEY_FILE = "pseudonyms.key"

_MADE = re.compile(r"p_[0-9a-f]{16}")
_LEAST_KEY = 16
_SHORTEST = 3


class Pseudonyms:
    """Puts pseudonyms into frames of LOGS and SPANS.

    Parameters
    ----------
    fields : sequence of str
        Names of personal fields. ``user_id`` also means ``context.user_id``, ``UserId`` and ``user.id``.
    key : bytes
        At least 16 bytes.

    Examples
    --------
    >>> private = Pseudonyms(["user_id"], b"a key of sixteen bytes or more")
    >>> line = pd.DataFrame({"message": ["user u-17 left"], "attributes": [{"context.user_id": "u-17", "model": "m"}]})
    >>> told = private(line)
    >>> told["attributes"][0]["model"], "u-17" in str(told.to_dict())
    ('m', False)
    """

    def __init__(self, fields: Sequence[str], key: bytes) -> None:
        if len(key) < _LEAST_KEY:
            raise SettingsError(f"The key of pseudonyms has {len(key)} bytes.", hint=f"Use at least {_LEAST_KEY}.")
        self._names = frozenset(map(_bare, fields))
        self._key = key
        self._pseudonym = lru_cache(maxsize=65_536)(self._made)
        self._is_personal = lru_cache(maxsize=4096)(self._matches)
        words = "|".join(r"[_.\-]?".join(map(re.escape, re.split(r"[_.\-]", field))) for field in fields if field)
        # Fields inside a text, as JSON, logfmt or words have them; the value ends where the text around it goes on.
        self._inside = (
            re.compile(rf"(?i)\b({words})(\\?[\"']?\s*[:=]\s*\\?[\"']?)([^\s\"'\\,;&}}\])]+)") if words else None
        )

    def __repr__(self) -> str:
        return f"Pseudonyms({sorted(self._names)})"

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with pseudonyms in its attributes, and in its messages where these repeat the values.

        The frame that was given stays as it is.
        """
        attributes, messages = [], []
        texts = frame["message"].tolist() if "message" in frame.columns else [""] * len(frame)
        for held, text in zip(frame["attributes"], texts, strict=True):
            known = {
                str(value): self._pseudonym(str(value))
                for name, value in held.items()
                if self._is_personal(name) and value not in (None, "")
            }
            attributes.append(
                {
                    name: known.get(str(value), value) if self._is_personal(name) else self._cleaned(str(value), known)
                    for name, value in held.items()
                }
            )
            messages.append(self._cleaned(text, known))
        masked = frame.assign(attributes=pd.Series(attributes, index=frame.index, dtype=object))
        if "message" in frame.columns:
            masked["message"] = pd.Series(messages, index=frame.index, dtype="str")
        masked.attrs = frame.attrs
        return masked

    def _cleaned(self, text: str, known: dict[str, str]) -> str:
        for value, pseudonym in known.items():
            if len(value) >= _SHORTEST and value in text:
                text = re.sub(rf"(?<![\w@.-]){re.escape(value)}(?![\w@-])", pseudonym, text)
        if self._inside is not None and ("=" in text or ":" in text):
            text = self._inside.sub(lambda match: match[1] + match[2] + self._pseudonym(match[3]), text)
        return text

    def _made(self, value: str) -> str:
        if _MADE.fullmatch(value):
            return value
        return "p_" + hmac.new(self._key, value.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:16]

    def _matches(self, name: str) -> bool:
        parts = name.split(".")
        return _bare(parts[-1]) in self._names or _bare("".join(parts[-2:])) in self._names


def pseudonyms_of(privacy: Privacy, home: Path) -> Pseudonyms | None:
    """Return what the settings ask for; None where they keep every field as it is.

    Raises
    ------
    SettingsError
        The key is too short or cannot be read.
    ArchiveError
        No key is given, and none can be written into ``home``.
    """
    if not privacy.pseudonyms:
        return None
    key = privacy.key.reveal().encode() if privacy.key else _kept_key(home / KEY_FILE)
    return Pseudonyms(privacy.pseudonyms, key)


def _kept_key(path: Path) -> bytes:
    """Read the key of this home, made at first use; of two processes that make one, the first wins."""
    made = path.with_name(f".{path.name}.made")
    if made.exists() and not path.exists():
        raise ArchiveError(
            f"The key of pseudonyms {path} was there before and is gone: with a new one, everybody counts twice.",
            hint=f"Restore it (workbench restore, or the file alone). To begin with a new key, delete {made} first.",
        )
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            own = path.with_name(f".{path.name}.{os.getpid()}")
            with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
            try:
                os.link(own, path)
            except FileExistsError:
                pass
            finally:
                own.unlink()
        with suppress(OSError):  # a home that is read-only
            made.touch(mode=0o600)
        return path.read_text().strip().encode()
    except OSError as error:
        raise ArchiveError(
            f"The key of pseudonyms {path} cannot be used: {error.strerror or error}.",
            hint="Set privacy.key in the settings, or privacy.pseudonyms = [] to keep personal fields as they are.",
        ) from error


def _bare(name: str) -> str:
    return re.sub(r"[_.\-]", "", name).lower()
