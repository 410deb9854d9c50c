"""The samples of ALERTS as a source of episodes, for setups with Prometheus but no alert recorder."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from workbench.catalog import Profile
from workbench.core.source import MetricSource, SourceState
from workbench.core.timerange import TimeRange


@dataclass(frozen=True)
class AlertHistory:
    """A :class:`workbench.core.source.EpisodeSource` over raw ``ALERTS`` and ``ALERTS_FOR_STATE`` of a metric source.

    Attributes
    ----------
    source : MetricSource
    profile : Profile or None
        The system; None takes every alert of the source.
    """

    source: MetricSource
    profile: Profile | None

    @property
    def name(self) -> str:
        """Name of the metric source."""
        return self.source.name

    def episodes(self, span: TimeRange) -> pd.DataFrame:
        """Give the episodes that overlap ``[start, end)``: EPISODES, by start.

        Raises
        ------
        SourceError
            As the source raises it.
        """
        from workbench.studies.alerts.load import read_episodes

        episodes = read_episodes(self.source, self.profile, span)
        inside = (episodes["starts_at"] < span.end) & ~(episodes["ends_at"] <= span.start)
        return episodes[inside].reset_index(drop=True)

    def state(self) -> SourceState:
        """Say whether the metric source answers; never raises."""
        return self.source.state()
