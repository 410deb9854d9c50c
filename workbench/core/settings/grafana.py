"""Where a Grafana is that shows the same data, for links out of the dashboard."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import field_validator

from workbench.core.settings.secrets import Frozen


class GrafanaSettings(Frozen):
    """``url`` of a Grafana and ``datasource``, the uid of its Prometheus; links open its Explore with the query."""

    url: str
    datasource: str

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url of a Grafana is e.g. https://grafana.example")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("credentials and parameters may not stand in the url")
        return url.rstrip("/")
