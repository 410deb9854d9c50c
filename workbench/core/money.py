"""Money is Decimal at the border and in every total; inside Arrow it is ``decimal128(38, 12)``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal

from workbench.core.errors import ParameterError

#: Precision and scale of money and quantities in Arrow tables.
PRECISION, SCALE = 38, 12
_STEP = Decimal(1).scaleb(-SCALE)
_CONTEXT = Context(prec=PRECISION, rounding=ROUND_HALF_EVEN)


def quantised(value: float | int | str | Decimal) -> Decimal:
    """Return the value as Decimal with twelve places; a float counter passes here exactly once.

    A float is read by its shortest text, so ``0.1`` is one tenth and not the binary number beside it.

    Raises
    ------
    ParameterError
        NaN, infinite, or too large for 38 digits.

    Examples
    --------
    >>> quantised(0.1) + quantised(0.2) == quantised("0.3")
    True
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(f"{value} is not an amount of money.", hint="Leave missing amounts out of the total.")
    exact = value if isinstance(value, Decimal) else Decimal(repr(value) if isinstance(value, float) else value)
    if not exact.is_finite() or exact.adjusted() >= PRECISION - SCALE:
        raise ParameterError(f"{value} does not fit an amount of money ({PRECISION} digits, {SCALE} places).")
    return exact.quantize(_STEP, context=_CONTEXT)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Sum exactly, whatever the caller's decimal context.

    Examples
    --------
    >>> total([Decimal("0.10")] * 3)
    Decimal('0.300000000000')
    """
    result = Decimal(0)
    for amount in amounts:
        result = _CONTEXT.add(result, amount)
    return result.quantize(_STEP, context=_CONTEXT)
