"""Classes of tokens that lie inside each other: cached inside input, reasoning inside output. Counted once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

import pandas as pd

from workbench.analysis.cost.ledger import Account
from workbench.analysis.counting.amounts import added

#: What a profile says of a class that lies inside no other.
APART = "apart"

#: Classes that providers count within another, and apart from it, under the same names.
_PARTS = (
    (re.compile(r"cach", re.IGNORECASE), re.compile(r"^(input|prompt)(_tokens)?$", re.IGNORECASE)),
    (re.compile(r"reason|think", re.IGNORECASE), re.compile(r"^(output|completion)(_tokens)?$", re.IGNORECASE)),
)


def counted_once(ledger: pd.DataFrame, role: str, classes: Mapping[str, str]) -> pd.DataFrame:
    """Take classes that lie inside another out of it, so that the classes of a counter add up to what was used.

    Parameters
    ----------
    ledger : DataFrame
        ``role``, ``token_class`` and ``amount``, see :mod:`workbench.analysis.cost.ledger`.
    role : str
        Of the counter.
    classes : mapping of str to str
        Class -> the class it lies inside, or ``apart``.

    Returns
    -------
    DataFrame
        The ledger, and for every row of such a class the same amount less for the class around it.

    Examples
    --------
    >>> rows = [("tokens", "input", Decimal(100)), ("tokens", "cached", Decimal(80)), ("tokens", "output", Decimal(5))]
    >>> ledger = pd.DataFrame(rows, columns=["role", "token_class", "amount"])
    >>> once = counted_once(ledger, "tokens", {"cached": "input"})
    >>> once.groupby("token_class")["amount"].sum().astype(int).to_dict(), int(once["amount"].sum())
    ({'cached': 80, 'input': 20, 'output': 5}, 105)
    """
    around = {part: whole for part, whole in classes.items() if whole != APART}
    inside = ledger[(ledger["role"] == role) & ledger["token_class"].isin(list(around))]
    if inside.empty:
        return ledger
    less = inside.assign(
        token_class=inside["token_class"].astype("str").map(around),
        amount=[-amount for amount in inside["amount"]],
    )
    less["amount"] = less["amount"].astype(ledger["amount"].dtype)
    return pd.concat(
        [ledger.astype({"token_class": "str"}), less.astype({"token_class": "str"})], ignore_index=True
    ).astype({"token_class": "category"})


def doubtful_classes(
    ledger: pd.DataFrame, accounts: Sequence[Account], classes: Mapping[str, Mapping[str, str]]
) -> tuple[str, ...]:
    """Ask of classes that may lie inside another, of which the profile does not say it.

    Parameters
    ----------
    ledger : DataFrame
        Of one period.
    accounts : sequence of Account
    classes : mapping of str to mapping
        What the profile says, by role.
    """
    asked = []
    for one in accounts:
        if one.measure != "tokens" or one.view_of or "token_class" not in one.dimensions:
            continue
        mine = ledger[ledger["role"] == one.role]
        sums = {str(name): added(rows["amount"]) for name, rows in mine.groupby("token_class", observed=True)}
        known = classes.get(one.role, {})
        doubted = {
            part: whole
            for parts, wholes in _PARTS
            for part in sums
            for whole in sums
            if part not in known and parts.search(part) and wholes.search(whole) and 0 < sums[part] <= sums[whole]
        }
        if doubted:
            whole_sum = sum(sums.values(), Decimal(0))
            less = whole_sum - sum((sums[part] for part in doubted), Decimal(0))
            pairs = " and ".join(f"{part} in {whole}" for part, whole in doubted.items())
            said = ", ".join(f"{part}: {whole}" for part, whole in doubted.items())
            asked.append(
                f"{one.title}: classes are added, {whole_sum:,.0f} in all. If {pairs} is counted already, it is "
                f"{less:,.0f}: write classes: {{{said}}} under the role {one.role}, or {APART} for each that is not."
            )
    return tuple(asked)
