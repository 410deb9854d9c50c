"""Settings of a monitored system: where it is reached, and where its code lies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import model_validator

from workbench.core.settings.secrets import SECRET_NAME, Frozen


class SystemSettings(Frozen):
    """Where a monitored system is reached, and where its code lies.

    ``health`` is its base address, or an address by the name of an endpoint. ``git`` is a local repository whose tags
    that fit ``tags`` are deployments to production.
    """

    health: str | Mapping[str, str] = ""
    git: Path | None = None
    tags: str = "v*"

    @model_validator(mode="after")
    def _addresses(self) -> Self:
        given = [self.health] if isinstance(self.health, str) else self.health.values()
        for url in filter(None, given):
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("health is 'http(s)://host[:port]', or one such address by endpoint")
            if parts.username or parts.password:
                raise ValueError("credentials may not stand in the address of a health endpoint")
            if SECRET_NAME.search(parts.query):
                raise ValueError("a secret may not stand in the address of a health endpoint")
        return self
