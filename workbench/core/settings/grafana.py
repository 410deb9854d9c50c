"""Where a Grafana is that shows the same data, for links out of the dashboard."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import field_validator

from workbench.core.settings.secrets import Frozen


class GrafanaSettings(Frozen):
    """``url`` of a Grafana and ``datasource``, the uid of its Prometheus; links open its Explore with the query.

    ``loki`` is the uid of its Loki; without it no link is drawn for queries of log lines.
    """

    url: str
    datasource: str
    loki: str = ""

    def opens(self, kind: str, *, lines: bool) -> tuple[str, str] | None:
        """Return kind and uid of the data source that takes queries of a source; None where there is none.

        Parameters
        ----------
        kind : str
            Of the source that was asked, as the settings name it.
        lines : bool
            The queries are of log lines, so a Prometheus does not take them.

        Examples
        --------
        >>> own = GrafanaSettings(url="https://g.example", datasource="p", loki="l")
        >>> own.opens("loki", lines=True), own.opens("archive", lines=False), own.opens("elasticsearch", lines=True)
        (('loki', 'l'), ('prometheus', 'p'), None)
        """
        if lines:
            return ("loki", self.loki) if kind == "loki" and self.loki else None
        return "prometheus", self.datasource

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("url of a Grafana is e.g. https://grafana.example")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("credentials and parameters may not stand in the url")
        return url.rstrip("/")
