"""Shared and idle cost split over those who use it, so that the shares add up to the cost exactly."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction

from workbench.core.errors import ParameterError


def split_cost(amount: Decimal, weights: Mapping[str, Decimal], *, places: int = 2) -> dict[str, Decimal]:
    """Split an amount by weights; the shares add up to it to the last place.

    Parameters
    ----------
    amount : Decimal
        With no more places than ``places``; a credit is negative. [currency]
    weights : mapping of str to Decimal
        Usage of each; all zero splits evenly. [any]
    places : int
        Decimal places of a share. [count]

    Returns
    -------
    dict of str to Decimal

    Raises
    ------
    ParameterError
        Nobody to split it over, a negative weight, or an amount with more places.

    Notes
    -----
    Largest remainder: each share is rounded down, and what is left goes place by place to the largest remainders, ties
    in the order given.

    Examples
    --------
    >>> split_cost(Decimal("100.00"), {"a": Decimal(1), "b": Decimal(1), "c": Decimal(1)})
    {'a': Decimal('33.34'), 'b': Decimal('33.33'), 'c': Decimal('33.33')}
    """
    if not weights:
        raise ParameterError("There are no owners to split the cost over.", hint="Name at least one owner.")
    if any(weight < 0 for weight in weights.values()):
        raise ParameterError("A weight is negative.", hint="Weights are usage: 0 or more.")
    step = Decimal(1).scaleb(-places)
    if amount != amount.quantize(step):
        raise ParameterError(f"{amount} has more than {places} places.", hint="Round the amount first.")
    whole = sum((Fraction(weight) for weight in weights.values()), Fraction(0))
    even = Fraction(1, len(weights))
    exact = {
        name: Fraction(abs(amount)) * (Fraction(weight) / whole if whole else even) for name, weight in weights.items()
    }
    shares = {name: _floor(value, step) for name, value in exact.items()}
    left = int((abs(amount) - sum(shares.values(), Decimal(0))) / step)
    for name in sorted(exact, key=lambda key: Fraction(shares[key]) - exact[key])[:left]:
        shares[name] += step
    return {name: share.copy_negate() if amount < 0 else share for name, share in shares.items()}


def _floor(value: Fraction, step: Decimal) -> Decimal:
    return Decimal(int(value / Fraction(step))).quantize(Decimal(1), ROUND_FLOOR) * step
