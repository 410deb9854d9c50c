"""What was spent while the largest episode of an objective lasted, and in the same time a week before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pandas as pd

from workbench.analysis.cost.ledger import Account, Periods
from workbench.analysis.cost.spend import spend_totals
from workbench.analysis.overview.reasons import EPISODE_SPEND, top_episodes
from workbench.catalog import Profile
from workbench.core.errors import WorkbenchError
from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.ledger import SLICE_MS, accounts_of, read_accounts, selectors_of
from workbench.studies.sources.context import Context

_WEEK = timedelta(days=7)


def episode_spend(ctx: Context, *, system: str, attribution: Study, objectives: Sequence[str]) -> pd.DataFrame:
    """Read the spend of the largest episode of each objective, and of the same time a week before.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        Id of the system, as its profile names it.
    attribution : Study
        Answer of ``slo_attribution``, with ``spending``.
    objectives : sequence of str
        Ids of the objectives.

    Returns
    -------
    DataFrame
        ``objective``, ``seconds`` (length of the episode) [s], ``unit`` (currency), ``amount``, ``before`` (Decimal or
        None) [``unit``], ``coverage``, ``before_coverage`` [ratio]; without rows where the profile has no counter of
        money or the source does not answer.
    """
    profile = ctx.catalog.profile(system)
    accounts = [account for account in accounts_of(profile)[0] if account.measure == "cost"]
    rows: list[dict[str, Any]] = []
    spending = attribution.results.get("spending")
    if accounts and spending is not None:
        for row in top_episodes(spending.frame, objectives).itertuples():
            span = TimeRange(row.start.to_pydatetime(), row.end.to_pydatetime()).aligned(SLICE_MS)
            own = {"objective": str(row.objective), "seconds": span.seconds}
            rows += [own | each for each in _spent(ctx, profile, accounts, span)]
    return pd.DataFrame(rows, columns=EPISODE_SPEND)


def _spent(ctx: Context, profile: Profile, accounts: Sequence[Account], now: TimeRange) -> Iterator[dict[str, Any]]:
    before = TimeRange(now.start - _WEEK, now.end - _WEEK)
    if before.end > now.start:  # an episode of more than a week has no week before it
        before = TimeRange(now.start, now.start)
    edges = sorted({before.start_ms, before.end_ms, now.start_ms, now.end_ms})
    whole = TimeRange(before.start, now.end)
    selectors = selectors_of(profile, [account.role for account in accounts])
    reader = CounterReader(ctx.source_for(profile.system), profile.scope, whole, selectors)
    try:
        ledger, seen, settled, _ = read_accounts(reader, profile, accounts, edges)
    except WorkbenchError:
        return
    totals = spend_totals(ledger, seen, settled, Periods(now, before)).frame
    for row in totals[totals["measure"] == "cost"].itertuples():
        yield {name: getattr(row, name) for name in EPISODE_SPEND[2:]}
