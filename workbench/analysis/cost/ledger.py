"""The ledger: what was counted of money, tokens and work, by every label and slice, and its exact sums.

A frame with the columns ``role``, one column per dimension (empty where the role has no such label), ``start``, ``end``
[UTC] and ``amount``: decimals of Arrow as :mod:`workbench.analysis.counting.amounts` makes them, or Decimal objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.counting.amounts import added
from workbench.core.timerange import TimeRange

#: Observed share of a period from which nothing counted is zero. [ratio]
ZERO_COVERAGE = 0.01

#: Name of a group whose counter has no such label.
NOT_GIVEN = "(not given)"


@dataclass(frozen=True)
class Account:
    """A counter of money, tokens or requests: what its rows in the ledger mean.

    Attributes
    ----------
    role : str
        Role of the profile, e.g. ``cost.storage``.
    title, unit : str
    dimensions : tuple of str
        Labels it is counted by, in the words of the catalog.
    view_of : str
        Role that counts these things already, under other labels; such an account is never added to totals.
    view_with : tuple of str
        Further roles that count them together with ``view_of``: total tokens are those of input and of output.
    inside : str
        Role that contains what this one counts, such as cached tokens inside input; never added either.
    token_class : str
        Class of tokens, see :mod:`workbench.analysis.token_classes`; empty where a label or nothing says it.
    parts : tuple of (str, str)
        Values of the label ``token_class`` and the values that contain them, or ``apart``.
    stated : bool
        Whether the profile itself says what this account is a part or a class of.
    family : str
        Name of the metric.
    """

    role: str
    title: str
    unit: str
    dimensions: tuple[str, ...] = ()
    view_of: str = ""
    view_with: tuple[str, ...] = ()
    inside: str = ""
    token_class: str = ""
    parts: tuple[tuple[str, str], ...] = ()
    stated: bool = False
    family: str = ""

    @property
    def added(self) -> bool:
        """Whether it counts something that no other account counts, so that totals hold it."""
        return not self.view_of and not self.inside

    @property
    def measure(self) -> str:
        """What is counted: ``cost``, ``tokens``, ``requests``, ``errors``."""
        return self.role.partition(".")[0]


@dataclass(frozen=True)
class Periods:
    """The period asked for, the one it is compared with, and the calendar month that is running, if any."""

    now: TimeRange
    before: TimeRange
    month: TimeRange | None = None


def inside(part: pd.DataFrame, span: TimeRange) -> pd.DataFrame:
    """Rows of a ledger whose slices lie in a period."""
    return part[_inside(part, span)]


def within(part: pd.DataFrame, span: TimeRange) -> Decimal:
    """Sum of a ledger over a period, exact."""
    return added(part["amount"][_inside(part, span)])


def _inside(part: pd.DataFrame, span: TimeRange) -> NDArray[np.bool_]:
    return (instants(part["start"]) >= span.start_ms) & (instants(part["end"]) <= span.end_ms)


def instants(column: pd.Series[Any]) -> NDArray[np.int64]:
    """Return a column of instants as numbers. [ms since the epoch]"""
    return np.asarray(pd.DatetimeIndex(column).as_unit("ms").asi8)


def known_amount(part: pd.DataFrame, seen: pd.DataFrame, span: TimeRange) -> Decimal | None:
    """Sum of a ledger over a period, exact; None where none of its counters was observed in it."""
    shares = [observed(seen, role, span) for role in part["role"].unique()]
    return evident(within(part, span), shares) if any(shares) else None


def evident(amount: Decimal, shares: Iterable[float]) -> Decimal | None:
    """Return an amount whose counters were observed to these shares; None where it is no evidence.

    Nothing counted is zero only where a hundredth of the period was observed (:data:`ZERO_COVERAGE`): a counter that
    was seen for the last minutes says nothing of the rest.

    Examples
    --------
    >>> evident(Decimal(0), [0.0005]), evident(Decimal(3), [0.0005]), evident(Decimal(0), [0.5])
    (None, Decimal('3'), Decimal('0'))
    """
    share = max(shares, default=0.0)
    return amount if share >= ZERO_COVERAGE or (share and amount) else None


def measures(accounts: Sequence[Account]) -> list[tuple[str, str]]:
    """Return the pairs of measure and unit that have totals, money first."""
    kinds = [
        (account.measure, account.unit)
        for account in accounts
        if account.measure in ("cost", "tokens") and account.added
    ]
    return sorted(dict.fromkeys(kinds), key=lambda kind: kind[0] != "cost")


def observed(seen: pd.DataFrame, role: str, span: TimeRange) -> float:
    """Share of a period in which a role was observed. [ratio]"""
    if not span.seconds:
        return 0.0
    mine = inside(seen[seen["role"] == role], span)
    lengths = (instants(mine["end"]) - instants(mine["start"])) / 1000
    return float((mine["covered"].to_numpy(np.float64) * lengths).sum() / span.seconds)


def unlike(name: str, others: Iterable[str]) -> str:
    """Return a name for what has none, marked where a label happens to hold the same text.

    Examples
    --------
    >>> unlike("(not given)", ["a"]), unlike("3 others", ["3 others", "b"])
    ('(not given)', '3 others (no label)')
    """
    taken = set(others)
    while name in taken:
        name = f"{name} (no label)"
    return name
