"""What changed between two issues of a report, and why: figures beside figures, inputs beside inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import pandas as pd

from workbench.core.result import Result

#: Result of an issue -> columns that name a row, and the figures that a reader compares.
_COMPARED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "compliance": (
        ("objective",),
        ("status", "target", "sli", "bad", "total", "budget_left_ratio", "spent_minutes", "coverage", "exhausted_at"),
    ),
    "members": (("objective", "member"), ("status", "sli", "bad", "total", "spent_share")),
    "totals": (("measure", "unit"), ("amount", "before", "coverage")),
    "groups": (("measure", "unit", "dimension", "group"), ("amount",)),
}


@dataclass(frozen=True, eq=False, repr=False)
class RevisionDiff(Result):
    """Figures that differ between two issues; one row per figure.

    Columns of ``frame``: ``result`` (``compliance``, ``members``, ``totals``, ``groups``), ``subject`` (objective, or
    with its member, or measure and group), ``figure``, ``before``, ``after`` (as they stand in the issues; None where
    there is none) and ``change`` (after - before, Decimal for money; None where either is no number).
    """

    before: int
    after: int


def revision_diff(
    before: Mapping[str, Any], after: Mapping[str, Any], *, numbers: tuple[int, int] = (1, 2)
) -> RevisionDiff:
    """Compare the figures of two issues.

    Parameters
    ----------
    before, after : mapping
        Results by name, each as ``Result.to_dict`` gives it.
    numbers : pair of int
        Numbers of the two issues.

    Returns
    -------
    RevisionDiff

    Examples
    --------
    >>> old = {"compliance": {"rows": [{"objective": "api", "bad": 2.0, "sli": 0.998}]}}
    >>> new = {"compliance": {"rows": [{"objective": "api", "bad": 3.0, "sli": 0.997}]}}
    >>> revision_diff(old, new).frame[["subject", "figure", "before", "after", "change"]].iloc[1].tolist()
    ['api', 'bad', 2.0, 3.0, 1.0]
    """
    rows = [
        {"result": result, "subject": subject, "figure": figure, "before": old, "after": new, "change": _less(new, old)}
        for result, (keys, figures) in _COMPARED.items()
        for subject, one, other in _pairs(_rows(before, result), _rows(after, result), keys)
        for figure in figures
        for old, new in ((one.get(figure), other.get(figure)),)
        if old != new
    ]
    frame = pd.DataFrame(rows, columns=["result", "subject", "figure", "before", "after", "change"], dtype="object")
    return RevisionDiff(frame, before=numbers[0], after=numbers[1])


def revision_causes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Say why two issues differ, from what they were made.

    Parameters
    ----------
    before, after : mapping
        ``exclusions`` (by objective, each with ``id``, ``reason``, ``author``), ``definitions`` (fingerprint by
        objective), ``parameters`` (zone, period, source, ...), ``events`` and ``costs`` (fingerprints of the counts),
        ``version``.

    Returns
    -------
    tuple of str
        One sentence a cause, the decisions of people first; empty when nothing differs.

    Examples
    --------
    >>> made = {"exclusions": {}, "definitions": {"api": "a"}, "events": "x", "costs": "y", "version": "1"}
    >>> revision_causes(made, made | {"events": "z"})
    ('Late data: the source now counts other events than when the earlier issue was made.',)
    """
    causes = [*_exclusion_causes(before["exclusions"], after["exclusions"])]
    old, new = before["definitions"], after["definitions"]
    changed = [name for name in new if name in old and old[name] != new[name]]
    causes += [f"The definition of {name} was changed." for name in changed]
    causes += [f"The objective {name} is new." for name in new if name not in old]
    causes += [f"The objective {name} is no longer there." for name in old if name not in new]
    parameters, now = before.get("parameters", {}), after.get("parameters", {})
    other = [name for name in now if name in parameters and parameters[name] != now[name]]
    causes += [f"The {name} was {parameters[name]} then and is {now[name]} now." for name in other]
    if before["events"] != after["events"] and not changed and not other:
        causes.append("Late data: the source now counts other events than when the earlier issue was made.")
    if before["costs"] != after["costs"] and not other:
        causes.append("Late data: the source now counts other amounts than when the earlier issue was made.")
    if before["version"] != after["version"]:
        causes.append(f"The program was {before['version']} then and is {after['version']} now.")
    return tuple(causes)


def _exclusion_causes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old, new = (
        {exclusion["id"]: exclusion for group in made.values() for exclusion in group} for made in (before, after)
    )
    for id in sorted(new.keys() - old.keys()):
        yield f"An exclusion was added by {new[id]['author']}: {new[id]['reason']} ({id})."
    for id in sorted(old.keys() - new.keys()):
        yield f"An exclusion was revoked: {old[id]['reason']} ({id})."


def _rows(figures: Mapping[str, Any], result: str) -> Sequence[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = figures.get(result, {}).get("rows", ())
    return rows


def _pairs(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], keys: tuple[str, ...]
) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    old, new = ({tuple(str(row[key]) for key in keys): row for row in rows} for rows in (before, after))
    for key in dict.fromkeys((*new, *old)):
        yield " / ".join(key), old.get(key, {}), new.get(key, {})


def _less(new: Any, old: Any) -> float | Decimal | None:
    """Difference of two numbers, exact for those written as text (money); None for anything else."""
    if isinstance(new, str) and isinstance(old, str):
        try:
            return Decimal(new) - Decimal(old)
        except InvalidOperation:
            return None
    if isinstance(new, (int, float)) and isinstance(old, (int, float)):
        return float(new) - float(old)
    return None
