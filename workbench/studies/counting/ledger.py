"""The ledger: every counter of money, tokens and work that a profile has, as exact amounts a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.analysis.cost.ledger import Account, Periods
from workbench.analysis.cost.token_classes import settled_classes
from workbench.analysis.counting.amounts import AMOUNT
from workbench.analysis.counting.increase import Floats, Sightings
from workbench.catalog import Profile, Role
from workbench.catalog.profile.containment import container_of, views_of
from workbench.core.timerange import TimeRange, calendar_range, from_ms, named_zone, to_ms
from workbench.promql import scoped
from workbench.studies.counting.counters import CounterReader
from workbench.studies.sources.periods import month_text

#: Coverage is judged in slices of this length, and every instant of a ledger lies on an edge of one. [ms]
SLICE_MS = 300_000

#: The part of a histogram that counts.
Part = Literal["_sum", "_count"]

#: Labels that say which process counted, not what was counted.
PROCESS_LABELS = ("instance", "job")


def periods_of(span: TimeRange, *, as_of: datetime, zone: str) -> Periods:
    """Name the elapsed part of a period, what it is compared with, and the calendar month that is running.

    A calendar month is compared with the same elapsed part of the month before, on the wall clock of the zone; a month
    that is over with the whole month before; any other period with the one of the same length before it.

    Examples
    --------
    >>> from datetime import UTC
    >>> october = calendar_range("2026-10", zone="UTC", now=datetime(2026, 10, 15, tzinfo=UTC))
    >>> str(periods_of(october, as_of=datetime(2026, 10, 15, 12, tzinfo=UTC), zone="UTC").before)
    '2026-09-01 00:00 to 2026-09-15 12:00 UTC'
    """
    until = max(span.start, min(span.end, as_of))
    now = TimeRange(span.start, until).aligned(SLICE_MS)
    running = calendar_range("this-month", zone=zone, now=now.end - timedelta(milliseconds=1))
    month = running if now.end < running.end else None
    if not month_text(span, zone):
        length = now.end_ms - now.start_ms
        return Periods(now, TimeRange.from_ms(now.start_ms - length, now.start_ms), month)
    previous = calendar_range("last-month", zone=zone, now=span.start)
    if now.end == span.end:
        return Periods(now, previous, month)
    tz = named_zone(zone)
    passed = now.end.astimezone(tz).replace(tzinfo=None) - now.start.astimezone(tz).replace(tzinfo=None)
    end = (previous.start.astimezone(tz).replace(tzinfo=None) + passed).replace(tzinfo=tz)
    return Periods(now, TimeRange(previous.start, max(previous.start, min(end, previous.end))), month)


def ledger_edges(periods: Periods, zone: str, *, history_days: int = 0) -> list[int]:
    """Return the edges of a ledger: midnights in the zone, and where its periods begin and end. [ms]

    Parameters
    ----------
    periods : Periods
        The period, the one before and the running month.
    zone : str
        IANA zone of the days.
    history_days : int
        Whole days before the day in which the period begins, to know what is usual; these and the days of the period
        are cut at the wall-clock time at which the period ends too, so that a running day can be compared. [d]
    """
    spans = [periods.now, periods.before]
    if periods.month is not None:
        spans.append(TimeRange(periods.month.start, max(periods.month.start, periods.now.end)))
    edges = {edge for span in spans for edge in (span.start_ms, span.end_ms)}
    tz = named_zone(zone)
    if history_days:
        began = periods.now.start.astimezone(tz).date() - timedelta(days=history_days)
        edges.add(to_ms(datetime.combine(began, time(), tz)))
    first, last = min(edges), max(edges)
    day, cut = from_ms(first).astimezone(tz).date(), periods.now.end.astimezone(tz).time()
    while (midnight := to_ms(datetime.combine(day, time(), tz))) < last:
        at = to_ms(datetime.combine(day, cut, tz)) // SLICE_MS * SLICE_MS
        edges |= {edge for edge in (midnight, at if history_days else midnight) if first < edge < last}
        day += timedelta(days=1)
    return sorted(edges)


def accounts_of(profile: Profile) -> tuple[list[Account], list[str]]:
    """Return the counters of money and tokens of a profile and of the work that was paid, and what is no counter.

    A histogram of tokens or money counts by its sum, one of requests by its count. Failed requests belong to the
    requests that their profile says they are ``inside`` of, else to the requests of the same variant.
    """
    accounts, left_out = [], []
    paid = ("requests", "errors") if profile.variants("cost") else ()
    for word in ("cost", "tokens", *paid):
        for name, role in profile.variants(word).items():
            whole = container_of(role)
            if word == "errors":
                whole = whole or name.replace("errors", "requests", 1)
            if word in paid and (views_of(role) or (whole and whole not in profile.roles)):
                continue
            if role.kind not in ("counter", "histogram"):
                left_out.append(f"{name} is a {role.kind} and not a counter, so it has no amounts by day.")
                continue
            dimensions = tuple(str(name) for name in role.labels if name not in PROCESS_LABELS)
            account = Account(name, role.title or name, role.unit, dimensions, family=role.metric)
            parts = tuple(role.classes.items())
            view_of, *view_with = views_of(role) or ("",)
            accounts.append(
                replace(
                    account,
                    view_of=view_of,
                    view_with=tuple(view_with),
                    inside=whole,
                    token_class=role.token_class or "",
                    parts=parts,
                    stated=bool(role.inside or role.view_of or role.token_class),
                )
            )
    return accounts, left_out


def read_accounts(
    reader: CounterReader, profile: Profile, accounts: Sequence[Account], edges: Sequence[int]
) -> tuple[pd.DataFrame, pd.DataFrame, list[Account], list[str]]:
    """Read each account once, and settle which counters of tokens are parts or sums of others.

    Parameters, errors and frames as for :func:`read_ledger`; accounts and notes as of
    :func:`workbench.analysis.token_classes.settled_classes`.
    """
    return settled_classes(*read_ledger(reader, profile, accounts, edges), accounts)


def read_ledger(
    reader: CounterReader, profile: Profile, accounts: Sequence[Account], edges: Sequence[int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read each account once, as amounts per label set and slice.

    Parameters
    ----------
    reader : CounterReader
        Over the hull of the edges.
    profile : Profile
        Profile of the system.
    accounts : sequence of Account
        Measures of money and tokens of the profile.
    edges : sequence of int
        Edges of the slices, multiples of five minutes. [ms since the epoch]

    Returns
    -------
    ledger : DataFrame
        ``role``, a column a dimension, ``start``, ``end``, ``amount``, see :mod:`workbench.analysis.cost.ledger`.
        [unit of the account]
    seen : DataFrame
        ``role``, ``start``, ``end``, ``covered``. A counter that cannot be counted has no rows in the ledger and is not
        covered; the warnings of the reader say why. [ratio]

    Raises
    ------
    SourceError
        As the source raises it.
    """
    if not accounts:
        return empty_ledger()
    dimensions = list(dict.fromkeys(name for account in accounts for name in account.dimensions))
    counted: list[dict[str, str]] = []
    chunks, shares = [pa.array([], AMOUNT)], []
    selectors = {account.role: _selector_of(reader, profile, account) for account in accounts}
    for selector in selectors.values():
        reader.countable(selector)  # what one counter shows of a target holds for all of its counters
    fine = np.arange(edges[0], edges[-1] + 1, SLICE_MS)
    sightings = Sightings(fine)
    for account in accounts:
        role, selector = profile.roles[account.role], selectors[account.role]
        if not reader.countable(selector):
            shares.append(np.zeros(len(edges) - 1))
            continue
        series, amounts = reader.amounts(selector, edges)
        chunks += amounts.chunks
        for labels in series.labels:
            counted.append(
                {name: labels.get(role.labels[name], "") for name in account.dimensions} | {"role": account.role}
            )
        shares.append(_covered(sightings.share(series), fine, edges))
    each = np.repeat(np.arange(len(counted)), len(edges) - 1)
    names = {
        name: pd.Categorical(pd.array([labels.get(name, "") for labels in counted], dtype="str")).take(each)
        for name in ("role", *dimensions)
    }
    amounts = pd.arrays.ArrowExtensionArray(pa.chunked_array(chunks))
    ledger = pd.DataFrame({**names, **_slices(edges, len(counted)), "amount": amounts})
    roles = np.repeat(np.array([account.role for account in accounts], object), len(edges) - 1)
    return ledger, pd.DataFrame({"role": roles, **_slices(edges, len(accounts)), "covered": np.concatenate(shares)})


def _slices(edges: Sequence[int], times: int) -> dict[str, pd.DatetimeIndex]:
    """Begins and ends of slices, so many times."""
    at = np.asarray(edges, "datetime64[ms]")
    parts = {"start": at[:-1], "end": at[1:]}
    return {name: pd.DatetimeIndex(np.tile(part, times), tz="UTC") for name, part in parts.items()}


def _selector_of(reader: CounterReader, profile: Profile, account: Account) -> str:
    part: Part = "_sum" if account.measure in ("cost", "tokens") else "_count"
    return selector_of(reader, profile.roles[account.role], profile.scope, part)


def empty_ledger() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a ledger and its coverage without rows."""
    slices = {"role": pd.Series(dtype=object)} | dict.fromkeys(("start", "end"), pd.Series(dtype="datetime64[ms, UTC]"))
    amount, covered = pd.Series(dtype=pd.ArrowDtype(AMOUNT)), pd.Series(dtype=object)
    return pd.DataFrame(slices | {"amount": amount}), pd.DataFrame(slices | {"covered": covered})


def selectors_of(profile: Profile, roles: Sequence[str]) -> list[str]:
    """Every selector that may be read for these roles, aliases included, in the system's scope."""
    parts: dict[str, Part] = {"cost": "_sum", "tokens": "_sum"}
    named = [(profile.roles[name], parts.get(name.partition(".")[0], "_count")) for name in roles]
    return [text for role, part in named for text in _texts(role, profile.scope, part)]


def selector_of(reader: CounterReader, role: Role, scope: Mapping[str, str], part: Part = "_count") -> str:
    """Return the selector of a role in scope, or the first of its aliases that has series."""
    texts = _texts(role, scope, part)
    return next((text for text in texts if reader.has(text)), texts[0])


def _texts(role: Role, scope: Mapping[str, str], part: Part) -> list[str]:
    """Selectors of what a role counts, in scope; a histogram counts its observations, or by their sum."""
    own = role.part(part) if role.kind == "histogram" else role.select
    return [scoped(text, scope) for text in (own, *(role.aliases if role.kind == "counter" else ()))]


def _covered(share: Floats, fine: NDArray[np.int64], edges: Sequence[int]) -> Floats:
    """Observed share of each slice from that of the short slices that it holds."""
    firsts = np.searchsorted(fine, np.asarray(edges[:-1]))
    lengths = np.diff(np.append(firsts, len(share)))
    return np.asarray(np.add.reduceat(share, firsts) / lengths, np.float64)
