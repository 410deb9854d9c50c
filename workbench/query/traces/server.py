"""What the servers of spans have in common: one conversation, how much of the traces they keep, and a clock."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime
from typing import ClassVar, Self

from workbench.catalog.profile.model import Profile
from workbench.core.settings import SourceSettings
from workbench.query.http.client import BackendClient
from workbench.query.traces.spans import Sampling


class TraceServer:
    """The part of a :class:`workbench.core.source.SpanSource` that no API decides.

    Parameters
    ----------
    name : str
        Name of the source in the settings.
    web : BackendClient
        Client of the server, with its address and credentials.
    sampling : Sampling
        Weight of spans whose ``tracestate`` does not tell their probability; left out, the profile's.
    clock : callable
        Gives the aware instant "now".
    """

    kind: ClassVar[str]
    api: ClassVar[str]

    def __init__(
        self,
        name: str,
        web: BackendClient,
        *,
        sampling: Sampling | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._name, self.web = name, web
        self._given = sampling
        self._sampling = sampling or Sampling()
        self._clock = clock

    @classmethod
    def from_settings(cls, name: str, settings: SourceSettings) -> Self:
        """Build a source from its part of the settings file."""
        sampling = Sampling(ratio=settings.sampling) if settings.sampling else None
        return cls(name, BackendClient.from_settings(name, settings, api=cls.api), sampling=sampling)

    def reading(self, profile: Profile) -> Self:
        """Return this source for one system, whose profile says how much it samples where the settings do not."""
        server = copy(self)
        server._sampling = self._given or Sampling.of(profile)
        return server

    @property
    def name(self) -> str:
        """Short name from the settings."""
        return self._name

    @property
    def location(self) -> str:
        """Base address, without credentials."""
        return self.web.location
