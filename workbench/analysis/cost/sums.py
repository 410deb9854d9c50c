"""Exact sums of a ledger over counters, labels and periods: its rows are numbered once, and added up as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.analysis.cost.ledger import NOT_GIVEN, Account, evident, instants, measures, unlike
from workbench.analysis.counting.amounts import AMOUNT, added, first_rows, float_sums, floats_of, group_sums, numbered
from workbench.core.timerange import TimeRange

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Split:
    """Amounts of a measure by one dimension: one a group, counter and slice.

    Attributes
    ----------
    measure, unit, dimension : str
    roles, groups : tuple of str
        Counters and groups, in order of first appearance.
    group, slice : int array, (n_amounts,)
        Places in ``groups`` and in the slices of the sums.
    amounts : ChunkedArray of decimal128, (n_amounts,)
        [``unit``]
    """

    measure: str
    unit: str
    dimension: str
    roles: tuple[str, ...]
    groups: tuple[str, ...]
    group: Ints
    slice: Ints
    amounts: pa.ChunkedArray

    @cached_property
    def floats(self) -> Floats:
        """The amounts, each as the nearest float. [``unit``]"""
        return floats_of(self.amounts)

    def by_group(self, slices: Bools) -> dict[str, Decimal]:
        """Sum the amounts of some slices by group, exact; a group without any is left out."""
        kept = slices[self.slice]
        groups, sums = group_sums(self.group[kept], self.amounts.filter(kept))
        return {self.groups[group]: amount for group, amount in zip(groups.tolist(), sums.to_pylist(), strict=True)}


class Sums:
    """Sums of a ledger, and how much of each of its slices was observed.

    Parameters
    ----------
    ledger, seen : DataFrame
        See :mod:`workbench.analysis.cost.ledger`. [unit of the account]
    accounts : sequence of Account
        Measures of money and tokens of the profile.

    Attributes
    ----------
    start, end : int array, (n_slices,)
        The slices of the two frames, in order. [ms since the epoch]
    lengths : float64 array, (n_slices,)
        [s]
    slice : int array, (n_rows,)
        Slice of each row of the ledger.
    amounts : Array of decimal128, (n_rows,)
        [unit of the account]
    covered : dict of str to float64 array, (n_slices,)
        Observed share of each slice by counter; NaN where it is not known. [ratio]
    """

    def __init__(self, ledger: pd.DataFrame, seen: pd.DataFrame, accounts: Sequence[Account] = ()) -> None:
        self._accounts = accounts
        starts, ends = (np.concatenate([instants(frame[at]) for frame in (ledger, seen)]) for at in ("start", "end"))
        slices = numbered([starts, ends])
        first = first_rows(slices)
        order = np.lexsort((ends[first], starts[first]))
        self.start, self.end = starts[first][order], ends[first][order]
        self.lengths = (self.end - self.start) / 1000
        slices = np.argsort(order)[slices]
        self.slice = slices[: len(ledger)]
        self.amounts = pa.array(ledger["amount"], AMOUNT)
        self.labels = cache(lambda name: _labels(ledger[name]))
        own, roles = _labels(seen["role"])
        shares = np.full((len(roles), len(order)), np.nan)
        shares[own, slices[len(ledger) :]] = seen["covered"].to_numpy(np.float64)
        self.covered = dict(zip(roles, shares, strict=True))

    def inside(self, span: TimeRange) -> Bools:
        """Which slices lie in a period."""
        return np.asarray((self.start >= span.start_ms) & (self.end <= span.end_ms), np.bool_)

    def rows(self, roles: Iterable[str], span: TimeRange | None = None) -> Bools:
        """Which rows of the ledger are of these counters, and in a period if given."""
        codes, known = self.labels("role")
        wanted = set(roles)
        kept = np.array([role in wanted for role in known], np.bool_)[codes]
        return kept if span is None else kept & self.inside(span)[self.slice]

    def counted(self, roles: Iterable[str]) -> list[str]:
        """Those of some counters that the ledger has rows of."""
        return [role for role in roles if role in self.labels("role")[1]]

    def within(self, roles: Iterable[str], span: TimeRange) -> Decimal:
        """Sum of counters over a period, exact."""
        return added(self.amounts.filter(self.rows(roles, span)))

    def known(self, roles: Iterable[str], span: TimeRange) -> Decimal | None:
        """Sum of counters over a period, exact; None where none of them was observed in it."""
        counted = self.counted(roles)
        shares = [self.observed(role, span) for role in counted]
        return evident(self.within(counted, span), shares) if any(shares) else None

    def by(self, labels: Sequence[str], rows: Bools) -> dict[tuple[str, ...], Decimal]:
        """Sum rows of the ledger by the values of labels, exact; in order of first appearance."""
        columns = [(codes[rows], texts) for codes, texts in map(self.labels, labels)]
        groups = numbered(codes for codes, _ in columns)
        names = zip(*([texts[code] for code in codes[first_rows(groups)]] for codes, texts in columns), strict=True)
        return dict(zip(names, group_sums(groups, self.amounts.filter(rows))[1].to_pylist(), strict=True))

    def observed(self, role: str, span: TimeRange) -> float:
        """Share of a period in which a counter was observed. [ratio]"""
        if role not in self.covered or not span.seconds:
            return 0.0
        mine = np.isfinite(self.covered[role]) & self.inside(span)
        return float((self.covered[role][mine] * self.lengths[mine]).sum() / span.seconds)

    def least(self, roles: Iterable[str]) -> Floats:
        """Observed share of each slice, of the counter that was seen least; NaN where none of them is known. [ratio]"""
        shares = [self.covered[role] for role in roles if role in self.covered]
        return np.asarray(np.fmin.reduce(shares), np.float64) if shares else np.full(len(self.start), np.nan)

    def watched(self, roles: Iterable[str], slices: Bools, places: Ints) -> tuple[Ints, Floats, Floats]:
        """Return the places that some slices lie in, how long they last there, and how much of that was observed. [s]

        What was observed is that of the counter that was seen least.
        """
        distinct, at = np.unique(places[slices], return_inverse=True)
        length = self.lengths[slices]
        values = np.concatenate([length, length * self.least(roles)[slices]])
        rows = np.repeat(np.arange(2), len(length))
        lasted, seen = float_sums(values, rows, np.tile(at, 2), (2, len(distinct)))
        return distinct, lasted, seen

    @cached_property
    def splits(self) -> list[Split]:
        """Every total by every dimension that it was counted with, money first."""
        return [
            self._split(measure, unit, dimension, column, roles)
            for measure, unit in measures(self._accounts)
            for dimension, (column, roles) in _ways(self._accounts, measure, unit).items()
        ]

    def _split(self, measure: str, unit: str, dimension: str, column: str, counted: Sequence[str]) -> Split:
        rows = self.rows(counted)
        (role, roles), (label, texts) = self.labels("role"), self.labels(column)
        columns = [label[rows], role[rows], self.slice[rows]]
        parts = numbered(columns)
        label, role, place = (codes[first_rows(parts)] for codes in columns)
        titles = {account.role: account.title for account in self._accounts} if column == "role" else {}
        own, shown = pd.factorize(label)
        names = [titles.get(texts[code], texts[code]) for code in shown]
        absent = unlike(NOT_GIVEN, names)
        groups, distinct = pd.factorize(np.array([name or absent for name in names], object))
        counters = tuple(roles[code] for code in pd.unique(role))
        _, sums = group_sums(parts, self.amounts.filter(rows))
        return Split(measure, unit, dimension, counters, tuple(distinct), groups[own], place, sums)


def _ways(accounts: Sequence[Account], measure: str, unit: str) -> dict[str, tuple[str, list[str]]]:
    """Return the dimensions of a total: the column of the ledger that has each, and the counters that are added up."""
    mine = [account for account in accounts if (account.measure, account.unit) == (measure, unit)]
    base = [account for account in mine if account.added]
    roles = [account.role for account in base]
    ways = {"kind": ("role", roles)} if len(base) > 1 else {}
    ways |= {name: (name, roles) for account in base for name in account.dimensions}
    apart = [account for account in mine if not account.added]
    views = {name: (name, [account.role]) for account in apart for name in account.dimensions if name not in ways}
    return ways | views


def _labels(column: pd.Series[Any]) -> tuple[Ints, list[str]]:
    """Return the number of each value of a column, and the text of each number; empty where one is not given."""
    codes, values = pd.factorize(column, use_na_sentinel=False)
    again, texts = pd.factorize(np.array(["" if pd.isna(value) else str(value) for value in values], object))
    return np.asarray(again[codes], np.int64), list(texts)
