"""The counters of one period alone: no period before, no history; for exports and scenarios."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from workbench import __version__
from workbench.analysis.cost.ledger import Account, Periods, observed
from workbench.analysis.cost.spend import COVERAGE_FLOOR
from workbench.core.errors import QueryRejected, QueryTooExpensive, WorkbenchError
from workbench.core.result import Provenance, Result, Status, Study
from workbench.core.timerange import TimeRange, from_ms
from workbench.core.units import ratio_text
from workbench.studies.counting.counters import CounterReader
from workbench.studies.counting.ledger import (
    SLICE_MS,
    accounts_of,
    empty_ledger,
    ledger_edges,
    read_accounts,
    selectors_of,
)
from workbench.studies.sources.context import Context
from workbench.studies.sources.read_tier import read_tier
from workbench.studies.sources.tables import with_labels


@dataclass(frozen=True)
class PeriodLedger:
    """Amounts of a period by label and day, with how they were read."""

    ledger: pd.DataFrame
    seen: pd.DataFrame
    accounts: list[Account]
    period: TimeRange
    status: Status
    freshness: datetime | None
    provenance: Provenance
    warnings: tuple[str, ...]

    @property
    def coverage(self) -> float:
        """Observed share of the period, of the counter of money that was seen least; 0 without any. [ratio]"""
        paid = [account.role for account in self.accounts if account.measure == "cost" and account.added]
        return min((observed(self.seen, role, self.period) for role in paid), default=0.0)

    def study(self, name: str, system: str, as_of: datetime, results: dict[str, Result]) -> Study:
        """Put results that were made of it into a study; ``ok`` where a result has rows, and how much was observed."""
        coverage, warnings = self.coverage, list(self.warnings)
        if self.status == "no_data" and any(account.measure == "cost" for account in self.accounts):
            if not coverage:
                warnings.append("No counter of money was observed in this period.")
            elif coverage < COVERAGE_FLOOR:
                warnings.append(
                    f"Only {ratio_text(coverage, digits=1)} of the period was observed: "
                    "what was spent in the rest is unknown."
                )
        return Study(
            name=name,
            system=system,
            range=self.period,
            as_of=as_of,
            results=results,
            status="ok" if any(len(result.frame) for result in results.values()) else self.status,
            freshness=self.freshness,
            coverage=coverage,
            provenance=self.provenance,
            warnings=tuple(warnings),
        )


def read_period(ctx: Context, system: str, range: TimeRange, as_of: datetime) -> PeriodLedger:
    """Read the counters of money, tokens and requests of a system over a period up to an instant.

    A failing source is the status ``unavailable`` or ``refused`` with its sentence, and an empty ledger.
    """
    profile, source = ctx.catalog.profile(system), ctx.source_for(system)
    period = TimeRange(range.start, max(range.start, min(range.end, as_of))).aligned(SLICE_MS)
    accounts, warnings = accounts_of(profile)
    ledger, seen = empty_ledger()
    status: Status = "no_data"
    edges = ledger_edges(Periods(period, period), ctx.zone)
    reader = CounterReader(source, profile.scope, period, selectors_of(profile, [account.role for account in accounts]))
    try:
        if len(edges) > 1 and accounts:
            ledger, seen, accounts, settled = read_accounts(reader, profile, accounts, edges)
            warnings += settled
    except (QueryRejected, QueryTooExpensive) as error:
        status, warnings = "refused", [*warnings, str(error)]
    except WorkbenchError as error:
        status, warnings = "unavailable", [*warnings, str(error)]
    ledger, accounts, unlabelled = with_labels(ctx, system, ledger, accounts)
    if period.end < range.end:
        warnings.append(f"The period is not over: counters are read up to {period.end:%Y-%m-%d %H:%M} UTC.")
    if not any(account.measure == "cost" for account in accounts):
        warnings.append("The profile has no counter of money.")
    provenance = Provenance(
        source=source.name,
        engine="none: raw samples",
        semantics=source.semantics,
        method="exact",
        queries=reader.queries,
        tier=read_tier(source, period.start_ms),
        version=__version__,
    )
    freshness = from_ms(reader.newest_ms) if reader.newest_ms is not None else None
    notes = (*warnings, *reader.warnings, *unlabelled)
    return PeriodLedger(ledger, seen, accounts, period, status, freshness, provenance, notes)
