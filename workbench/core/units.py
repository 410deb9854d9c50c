"""Units as text: every figure a reader sees carries one. Rounding happens here and nowhere earlier."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

NO_VALUE = "–"


def ratio_text(ratio: float, *, digits: int = 3) -> str:
    """Write a share as percent, never rounded up to 100 % or down to 0 %.

    Examples
    --------
    >>> ratio_text(0.999), ratio_text(0.9999999), ratio_text(float("nan"))
    ('99.900 %', '>99.999 %', '–')
    """
    if not math.isfinite(ratio):
        return NO_VALUE
    text, edge = f"{ratio * 100:.{digits}f}", 10.0**-digits
    if ratio < 1 and float(text) >= 100:
        return f">{100 - edge:.{digits}f} %"
    if ratio > 0 and float(text) == 0:
        return f"<{edge:.{digits}f} %"
    return f"{text} %"


def count_text(count: float) -> str:
    """Write a count with thousands separators, a fraction only where there is one.

    Examples
    --------
    >>> count_text(1234567.0), count_text(12.7)
    ('1,234,567', '12.7')
    """
    if not math.isfinite(count):
        return NO_VALUE
    return f"{count:,.0f}" if float(count).is_integer() else f"{count:,.1f}"


def span_text(seconds: float) -> str:
    """Write a length of time in the two largest units that matter.

    Examples
    --------
    >>> span_text(2592.0), span_text(0.2505), span_text(-90), span_text(200_000)
    ('43 min 12 s', '250 ms', '-1 min 30 s', '2 d 7 h')
    """
    if not math.isfinite(seconds):
        return NO_VALUE
    sign, rest = ("-" if seconds < 0 else ""), abs(seconds)
    if rest < 1:
        return f"{sign}{rest * 1000:.0f} ms"
    whole = round(rest)
    for size, unit, smaller, smaller_unit in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            tail = whole % size // smaller
            return f"{sign}{whole // size} {unit}" + (f" {tail} {smaller_unit}" if tail else "")
    return f"{sign}{rest:.1f} s" if rest < 10 and rest != whole else f"{sign}{whole} s"


def bytes_text(size: float) -> str:
    """Write a size in binary units.

    Examples
    --------
    >>> bytes_text(3 * 1024**3)
    '3.0 GiB'
    """
    if not math.isfinite(size):
        return NO_VALUE
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(size) < 1024 or unit == "TiB":
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError("unreachable")


_FORMATS: dict[str, Callable[[float], str]] = {
    "ratio": ratio_text,
    "count": count_text,
    "s": span_text,
    "bytes": bytes_text,
}


def value_text(value: float, unit: str) -> str:
    """Write a value in a unit of the catalog (``ratio``, ``count``, ``s``, ``bytes``, or any other as suffix)."""
    known = _FORMATS.get(unit)
    if known is not None:
        return known(value)
    return NO_VALUE if not math.isfinite(value) else f"{value:,.3g} {unit}".rstrip()


def money_text(amount: Decimal, currency: str) -> str:
    """Write money to the cent, rounded half to even as accountants do.

    Examples
    --------
    >>> money_text(Decimal("1234.565"), "USD")
    '1,234.56 USD'
    """
    return f"{amount.quantize(Decimal('0.01')):,} {currency}"
