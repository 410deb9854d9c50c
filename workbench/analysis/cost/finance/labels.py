"""Owners, teams and other labels that a table gives to what a ledger counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import pandas as pd

from workbench.analysis.cost.ledger import Account

#: Columns of a table that become labels by themselves; any other does where the settings name it.
LABELS = ("owner", "team", "cost_center", "project", "environment")


def labelled(
    ledger: pd.DataFrame, accounts: Sequence[Account], table: pd.DataFrame, named: Collection[str] = ()
) -> tuple[pd.DataFrame, list[Account], list[str]]:
    """Join a table of labels to a ledger by the dimensions that both have.

    Parameters
    ----------
    ledger : DataFrame
        See :mod:`workbench.analysis.cost.ledger`.
    accounts : sequence of Account
        Measures of money and tokens of the profile.
    table : DataFrame
        Columns named as dimensions (``key``, ``model``, ``provider``...), and labels.
    named : collection of str
        Columns that are labels beside :data:`LABELS`.

    Returns
    -------
    ledger : DataFrame
        With a column a label, empty where the table has no row.
    accounts : list of Account
        Those that are counted by all the dimensions of the table have its labels as dimensions too.
    notes : list of str
        Why a table does not count, and what it does not know.

    Notes
    -----
    Every row keeps its amount and there are no more rows than before, so the totals stay as they are. A table that
    gives one thing two owners is left out.

    Examples
    --------
    >>> ledger = pd.DataFrame({"role": ["cost", "cost"], "key": ["a", "b"], "amount": [1, 2]})
    >>> table = pd.DataFrame({"key": ["a"], "team": ["search"]})
    >>> found, accounts, notes = labelled(ledger, [Account("cost", "Spend", "USD", ("key",))], table)
    >>> found["team"].tolist(), accounts[0].dimensions, notes
    (['search', ''], ('key', 'team'), ['1 of 2 values of key have no team.'])
    """
    known = {name for account in accounts for name in account.dimensions}
    by = [name for name in table.columns if name in known]
    labels = [name for name in table.columns if name in {*LABELS, *named} and name not in ledger.columns]
    if not by or not labels:
        return ledger, list(accounts), ["It shares no dimension with the counters, or has no label of its own."]
    rows = table[[*by, *labels]].fillna("").astype("str").drop_duplicates()
    twice = rows[rows.duplicated(by)]
    if len(twice):
        first = " / ".join(twice.iloc[0][by])
        return ledger, list(accounts), [f"It says two things of {first}, and is left out."]
    has = [set(by) <= set(account.dimensions) for account in accounts]
    mine = {account.role for account, joined in zip(accounts, has, strict=True) if joined}
    joined = ledger.merge(rows, on=by, how="left", validate="many_to_one")
    joined.loc[~joined["role"].isin(mine), labels] = ""
    joined[labels] = joined[labels].fillna("")
    values = joined.loc[joined["role"].isin(mine), [*by, *labels]].drop_duplicates()
    notes = []
    for label in labels:
        absent = int((values[label] == "").sum())
        if absent:
            notes.append(f"{absent:,} of {len(values):,} values of {', '.join(by)} have no {label}.")
    wider = [
        replace(account, dimensions=(*account.dimensions, *labels)) if joined_ else account
        for account, joined_ in zip(accounts, has, strict=True)
    ]
    return joined, wider, notes
