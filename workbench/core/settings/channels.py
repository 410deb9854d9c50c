"""Channels: where reports and notices are sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from workbench.core.settings.secrets import SECRET_NAME, Frozen, SecretRef

_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")

#: Settings that each kind of channel understands, besides ``kind`` and ``per_hour``.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "email": (
        "host",
        "port",
        "tls",
        "username",
        "password",
        "sender",
        "recipients",
        "ca_file",
        "timeout_s",
        "in_doubt",
    ),
    "slack": ("url", "ca_file", "timeout_s", "proxy", "in_doubt"),
    "webhook": ("url", "secret", "ca_file", "timeout_s", "proxy", "in_doubt"),
    "folder": ("path",),
    "objects": ("url",),
}

#: What each kind cannot do without.
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "email": ("host", "sender"),
    "slack": ("url",),
    "webhook": ("url", "secret"),
    "folder": ("path",),
    "objects": ("url",),
}


class ChannelSettings(Frozen):
    """One channel.

    ``url`` of Slack is a secret and is named, not written; ``secret`` signs a webhook. ``in_doubt`` says what becomes
    of a message whose sender died after it was handed over: it is sent again with the same key, or held for a person.
    ``per_hour`` is the most notices an hour.
    """

    kind: Literal["email", "slack", "webhook", "folder", "objects"]
    host: str = ""
    port: int = Field(default=0, ge=0, le=65535)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: SecretRef | None = None
    sender: str = ""
    recipients: tuple[str, ...] = ()
    url: str | dict[str, str] = ""
    secret: SecretRef | None = None
    path: Path | None = None
    ca_file: Path | None = None
    proxy: str = ""
    timeout_s: float = Field(default=30.0, gt=0)
    in_doubt: Literal["repeat", "hold"] = "repeat"
    per_hour: int = Field(default=20, gt=0)

    @property
    def address(self) -> str:
        """The URL, read from where it is named; it may be a secret."""
        if isinstance(self.url, str):
            return self.url
        return SecretUrl.model_validate({"url": self.url}).url.reveal()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        allowed = {"kind", "per_hour", *_FIELDS[self.kind]}
        for field, info in type(self).model_fields.items():
            if field not in allowed and getattr(self, field) != info.default:
                raise ValueError(f"{field} means nothing to a channel of kind {self.kind}")
        for field in _NEEDS[self.kind]:
            if not getattr(self, field):
                raise ValueError(f"a channel of kind {self.kind} needs {field} = …")
        for address in (*self.recipients, *filter(None, [self.sender.rpartition("<")[2].rstrip(">")])):
            if not _ADDRESS.fullmatch(address):
                raise ValueError(f"{address!r} is not an e-mail address")
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password go together")
        if self.username and self.tls == "none":
            raise ValueError('a password is not sent in the clear: set tls = "starttls" or "tls"')
        if isinstance(self.url, dict):
            SecretUrl.model_validate({"url": self.url})
        elif self.url:
            self._plain_url(self.url)
        return self

    def _plain_url(self, url: str) -> None:
        parts = urlsplit(url)
        if self.kind == "slack":
            raise ValueError('the address of a Slack webhook is a secret: write url = { env = "NAME" }')
        if parts.username or parts.password or SECRET_NAME.search(parts.query):
            raise ValueError('a secret may not stand in the url: write url = { env = "NAME" }')
        schemes = ("s3", "gs", "az") if self.kind == "objects" else ("http", "https")
        if parts.scheme not in schemes or not parts.netloc:
            raise ValueError(f"url is {' or '.join(f'{scheme}://…' for scheme in schemes)}")


class SecretUrl(Frozen):
    """A URL that is a secret."""

    url: SecretRef
