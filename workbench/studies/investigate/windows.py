"""The window that an alert or a budget episode points to."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from workbench.core.errors import ParameterError
from workbench.core.timerange import TimeRange
from workbench.studies.alerts.load import read_episodes
from workbench.studies.slo.attribution import slo_attribution
from workbench.studies.sources.context import Context

#: Alerts are looked for so far back.
LOOKED_BACK = timedelta(days=14)

#: Of something longer, the first hours are investigated: what is new shows early.
FIRST = timedelta(hours=2)

#: What is shorter is widened to this, so that there is something to count.
SHORTEST = timedelta(minutes=5)


def window_of_alert(ctx: Context, *, system: str, alert: str, as_of: datetime) -> TimeRange:
    """Return the window of the newest episode of an alert: from when its condition began, two hours at most.

    Raises
    ------
    ParameterError
        The alert did not fire in the last 14 days.
    SourceError
        As the source raises it.
    """
    span = TimeRange(as_of - LOOKED_BACK, as_of)
    episodes = read_episodes(ctx.source_for(system), ctx.catalog.profile(system), span)
    own = episodes[episodes["alertname"].astype("str") == alert].sort_values("starts_at")
    if own.empty:
        fired = ", ".join(sorted(set(episodes["alertname"].astype("str")))) or "none"
        raise ParameterError(f"{alert!r} did not fire in {span}.", hint=f"Alerts that did: {fired}.")
    row = own.iloc[-1]
    begins = row["starts_at"] if pd.isna(row["active_at"]) else row["active_at"]
    return _window(begins, as_of if pd.isna(row["ends_at"]) else row["ends_at"], as_of)


def window_of_episode(ctx: Context, *, system: str, episode: str, as_of: datetime) -> TimeRange:
    """Return the window of an episode of ``workbench slo attribute``, written ``objective`` or ``objective/number``.

    Without a number the episode that spent most is taken.

    Raises
    ------
    ParameterError
        There is no such objective or episode.
    """
    objective, _, number = episode.partition("/")
    study = slo_attribution(ctx, system=system, as_of=as_of, slo=objective, records=False)
    frame = study.results["spending"].frame
    own = frame[frame["kind"] == "episode"].sort_values("budget_share", ascending=False)
    if number:
        own = own[own["episode"].astype(str) == number]
    if own.empty:
        held = ", ".join(str(value) for value in frame.loc[frame["kind"] == "episode", "episode"]) or "none"
        raise ParameterError(f"There is no episode {episode!r}.", hint=f"Episodes of {objective}: {held}.")
    return _window(own.iloc[0]["start"], own.iloc[0]["end"], as_of)


def _window(start: pd.Timestamp, end: pd.Timestamp, as_of: datetime) -> TimeRange:
    begins = start.to_pydatetime()
    ends = min(end.to_pydatetime() if isinstance(end, pd.Timestamp) else end, begins + FIRST)
    return TimeRange(begins, min(max(ends, begins + SHORTEST), as_of))
