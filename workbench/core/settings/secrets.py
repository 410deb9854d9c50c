"""Secrets of the settings: named there, never written there, read when they are used."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from workbench.core.errors import SettingsError


class Frozen(BaseModel):
    """A part of the settings: fixed, without unknown keys, its values in no error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Secret(Frozen):
    """A reference to a secret; its text is read when it is used and is in no repr, log or error."""

    env: str = ""
    file: str = ""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.env) == bool(self.file):
            raise ValueError('name one place: { env = "NAME" } or { file = "/path" }')
        return self

    def reveal(self) -> str:
        """Read the secret; a changed file is read anew at the next call."""
        if self.env:
            text = os.environ.get(self.env)
            if text is None:
                raise SettingsError(
                    f"The environment variable {self.env} is not set.", hint=f"Run: export {self.env}=…"
                )
            return text
        try:
            return Path(self.file).expanduser().read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"The secret file {self.file} cannot be read: {error.strerror}.") from None


def _a_reference(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError('a secret may not stand in this file: write { env = "NAME" } or { file = "/path" }')
    return value


SecretRef = Annotated[Secret, BeforeValidator(_a_reference)]


#: Names of parameters that hold a secret.
SECRET_NAME = re.compile(r"(?i)token|key|secret|passw|auth|sig|cred|session")


def holds_password(url: str) -> bool:
    """Whether the URL of a database has a password, before the host or among its parameters."""
    try:
        parts = urlsplit(url)
        names = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
        return bool(parts.password) or bool(names & {"password", "passfile", "sslpassword", "token"})
    except ValueError:
        return False
