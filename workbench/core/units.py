"""Units as text: every figure a reader sees carries one. Rounding happens here and nowhere earlier."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, Decimal

NO_VALUE = "–"


def ratio_text(ratio: float, *, digits: int = 3) -> str:
    """Write a share as percent, never rounded up to 100 % or down to 0 %.

    Examples
    --------
    >>> ratio_text(0.999), ratio_text(0.9999999), ratio_text(-1e-9), ratio_text(float("nan"))
    ('99.900 %', '>99.999 %', '>-0.001 %', '–')
    """
    if not math.isfinite(ratio):
        return NO_VALUE
    text, edge = f"{ratio * 100:z.{digits}f}", 10.0**-digits
    if ratio < 1 and float(text) >= 100:
        return f">{100 - edge:.{digits}f} %"
    if ratio and float(text) == 0:
        return f"{'<' if ratio > 0 else '>-'}{edge:.{digits}f} %"
    return f"{text} %"


def factor_text(factor: float) -> str:
    """Write how many times as fast or as much: a burn rate, a ratio of two levels.

    Examples
    --------
    >>> factor_text(0.4267), factor_text(54.31), factor_text(1234.0), factor_text(0.001), factor_text(float("nan"))
    ('0.43×', '54.3×', '1,234.0×', '<0.01×', '–')
    """
    if not math.isfinite(factor):
        return NO_VALUE
    if 0 < factor < 0.005:
        return "<0.01×"
    return f"{factor:.2f}×" if factor < 10 else f"{factor:,.1f}×"


def target_text(target: Decimal | float) -> str:
    """Write a target in percent with all its digits, never rounded up: it is an objective.

    One that was worked out, with more than eight decimals, is cut after the fourth.

    Examples
    --------
    >>> target_text(Decimal("0.99999")), target_text(0.999), target_text(Decimal("0.9"))
    ('99.999 %', '99.90 %', '90.00 %')
    >>> target_text(0.98783333333333)
    '98.7833 %'
    """
    exact = target if isinstance(target, Decimal) else Decimal(repr(float(target)))
    if not exact.is_finite():
        return NO_VALUE
    percent = (100 * exact).normalize()
    digits = max(2, -int(percent.as_tuple().exponent))
    if digits > 8:
        percent, digits = percent.quantize(Decimal("0.0001"), ROUND_DOWN), 4
    return f"{percent:.{digits}f} %"


def unbounded(value: object) -> bool:
    """Whether a value is NaN or an infinity."""
    return isinstance(value, float) and not math.isfinite(value)


def number_text(value: float) -> str:
    """Write a number as Prometheus does, so that NaN and the two infinities are told apart.

    Examples
    --------
    >>> [number_text(value) for value in (1.5, float("nan"), float("inf"), float("-inf"))]
    ['1.5', 'NaN', '+Inf', '-Inf']
    """
    if math.isnan(value):
        return "NaN"
    return repr(value) if math.isfinite(value) else "+Inf" if value > 0 else "-Inf"


def significant_text(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits at least, in full: never as a power of ten.

    Examples
    --------
    >>> [significant_text(value) for value in (0.0000202, 0.25, 12.7, 1234567.8, 0.0)]
    ['0.0000202', '0.25', '12.7', '1,234,568', '0']
    """
    if not math.isfinite(value):
        return NO_VALUE
    if not value:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


def count_text(count: float) -> str:
    """Write a count with thousands separators, a fraction only where there is one.

    Examples
    --------
    >>> count_text(1234567.0), count_text(12.7)
    ('1,234,567', '12.7')
    """
    if not math.isfinite(count):
        return NO_VALUE
    return f"{count:z,.0f}" if float(count).is_integer() else f"{count:z,.1f}"


def nouns_text(count: float, noun: str) -> str:
    """Write a count with its noun, which takes an s unless there is one.

    Examples
    --------
    >>> [nouns_text(count, "alert") for count in (0, 1, 2_400)]
    ['0 alerts', '1 alert', '2,400 alerts']
    """
    return f"{count_text(count)} {noun}{'' if count == 1 else 's'}"


def part_text(label: str, value: str) -> str:
    """Name a part of a total, told apart by a label, in the words of the field; nothing for the total itself.

    Examples
    --------
    >>> [part_text(*part) for part in (("model", "gpt-4o"), ("token_class", "cache_read"), ("virtual_key_id", "vk-1"))]
    ['model gpt-4o', 'cache read tokens', 'virtual key id vk-1']
    >>> part_text("kind", "API costs"), part_text("token_class", "(not given)"), part_text("", "")
    ('API costs', 'token class (not given)', '')
    """
    if label == "kind":
        return value
    if label == "token_class" and not value.startswith("("):
        return f"{label_text(value)} tokens"
    return f"{label_text(label)} {value}".strip()


def label_text(label: str) -> str:
    """Write the name of a label in words: ``token class`` of ``token_class``."""
    return label.replace("_", " ")


def span_text(seconds: float) -> str:
    """Write a length of time in the two largest units that matter.

    Examples
    --------
    >>> span_text(2592.0), span_text(0.2505), span_text(-90), span_text(200_000)
    ('43 min 12 s', '250 ms', '-1 min 30 s', '2 d 7 h')
    >>> span_text(0.0)
    '0 s'
    """
    if not math.isfinite(seconds):
        return NO_VALUE
    sign, rest = ("-" if seconds < 0 else ""), abs(seconds)
    if 0 < rest < 1:
        return f"{sign}{rest * 1000:.0f} ms"
    whole = round(rest)
    for size, unit, smaller, smaller_unit in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            tail = whole % size // smaller
            return f"{sign}{whole // size} {unit}" + (f" {tail} {smaller_unit}" if tail else "")
    return f"{sign}{rest:.1f} s" if rest < 10 and rest != whole else f"{sign}{whole} s"


def series_text(labels: Mapping[str, str]) -> str:
    """Write a series as PromQL names it.

    Examples
    --------
    >>> series_text({"__name__": "requests_total", "job": "api", "code": "200"})
    'requests_total{code="200",job="api"}'
    """
    matchers = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != "__name__")
    return labels.get("__name__", "") + (f"{{{matchers}}}" if matchers else "")


def instant_text(value: datetime | None) -> str:
    """Write an instant in UTC, to the minute; what is absent (None, NaT) has no value.

    Examples
    --------
    >>> from datetime import UTC
    >>> instant_text(datetime(2026, 11, 8, 14, 35, tzinfo=UTC)), instant_text(None)
    ('8 Nov 2026 14:35 UTC', '–')
    """
    return NO_VALUE if value is None or value != value else f"{value.day} {value:%b %Y %H:%M} UTC"


def day_text(value: date | str | None) -> str:
    """Write a day; an ISO 8601 text is read first, and any other text stays as it is.

    Examples
    --------
    >>> day_text(date(2026, 11, 8)), day_text("2026-11-28"), day_text("later"), day_text(None)
    ('8 Nov 2026', '28 Nov 2026', 'later', '–')
    """
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            return str(value) or NO_VALUE
    return NO_VALUE if value is None or value != value else f"{value.day} {value:%b %Y}"


def interval_text(start: datetime, end: datetime) -> str:
    """Write an interval of time in UTC; the hours are left out where both ends are midnight.

    Examples
    --------
    >>> from datetime import UTC
    >>> interval_text(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
    '1 Oct 2026 to 1 Nov 2026 (UTC)'
    """
    if all((edge.hour, edge.minute) == (0, 0) for edge in (start, end)):
        return f"{day_text(start)} to {day_text(end)} (UTC)"
    return f"{instant_text(start).removesuffix(' UTC')} to {instant_text(end)}"


def age_text(seconds: float) -> str:
    """Write how old something is: less than a minute is one, as data comes in steps of that order.

    Examples
    --------
    >>> age_text(0.0), age_text(21_540.0), age_text(float("nan"))
    ('under 1 min old', '5 h 59 min old', '–')
    """
    if not math.isfinite(seconds):
        return NO_VALUE
    return "under 1 min old" if seconds < 60 else f"{span_text(seconds)} old"


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


def bool_text(value: float) -> str:
    """Write a value that is 1 for yes and 0 for no; a mean of such values as the share of yes.

    Examples
    --------
    >>> bool_text(1.0), bool_text(0.0), bool_text(0.9731)
    ('yes', 'no', '97.310 % of the time')
    """
    known = {0.0: "no", 1.0: "yes"}.get(value)
    return known or (f"{ratio_text(value)} of the time" if math.isfinite(value) else NO_VALUE)


_FORMATS: dict[str, Callable[[float], str]] = {
    "bool": bool_text,
    "ratio": ratio_text,
    "percent": lambda value: ratio_text(value / 100, digits=1),
    "bytes/s": lambda value: f"{bytes_text(value)}/s" if math.isfinite(value) else NO_VALUE,
    "count": count_text,
    "s": span_text,
    "bytes": bytes_text,
    "timestamp": lambda value: instant_text(datetime.fromtimestamp(value, UTC)) if math.isfinite(value) else NO_VALUE,
}


def value_text(value: float, unit: str) -> str:
    """Write a value in a unit of the catalog (``ratio``, ``count``, ``s``, ``bytes``, or any other as suffix).

    Examples
    --------
    >>> value_text(0.2514, "requests/s"), value_text(1327440123.0, "tokens"), value_text(1.0, "queries")
    ('0.251 requests/s', '1,327,440,123 tokens', '1 query')
    >>> value_text(1_795_901_846.0, "timestamp"), value_text(96.1, "percent")
    ('28 Nov 2026 21:37 UTC', '96.1 %')
    """
    known = _FORMATS.get(unit)
    if known is not None:
        return known(value)
    if not math.isfinite(value):
        return NO_VALUE
    unit = _singular(unit) if value == 1 else unit
    return f"{value:,.0f} {unit}".rstrip() if abs(value) >= 1000 else f"{significant_text(value)} {unit}".rstrip()


def rule_text(rule: str, value: str) -> str:
    """Write the rule of a threshold with its value and unit in place of the bare number.

    Examples
    --------
    >>> rule_text("> 95 for 5m", value_text(95.0, "percent"))
    '> 95.0 % for 5m'
    """
    comparison, _, rest = rule.partition(" ")
    lasting = rest.partition(" for ")[2]
    return f"{comparison} {value}" + (f" for {lasting}" if lasting else "")


def _singular(unit: str) -> str:
    if not re.fullmatch(r"[a-z]{3,}[^s]s", unit):
        return unit
    return f"{unit[:-3]}y" if unit.endswith("ies") else unit[:-1]


def money_text(amount: Decimal, currency: str) -> str:
    """Write money to the cent, rounded half to even as accountants do.

    Examples
    --------
    >>> money_text(Decimal("1234.565"), "USD")
    '1,234.56 USD'
    >>> money_text(Decimal("-0.001"), "USD")
    '0.00 USD'
    """
    return f"{amount.quantize(Decimal('0.01')):z,} {currency}"


def amount_text(amount: Decimal | None, unit: str, *, signed: bool = False) -> str:
    """Write an exact amount: money to the cent, below one unit with four digits that matter; else as a count.

    Examples
    --------
    >>> amount_text(Decimal("1234.5"), "USD"), amount_text(Decimal("0.0015374726"), "USD"), amount_text(None, "USD")
    ('1,234.50 USD', '0.001537 USD', '–')
    >>> amount_text(Decimal("1200000"), "tokens"), amount_text(Decimal("12.3"), "USD", signed=True)
    ('1,200,000 tokens', '+12.30 USD')
    >>> amount_text(Decimal(1), "sessions")
    '1 session'
    """
    if amount is None or not amount.is_finite():
        return NO_VALUE
    sign = "+" if signed and amount > 0 else ""
    if not (len(unit) == 3 and unit.isupper()):
        unit = _singular(unit) if amount == 1 else unit
        text = count_text(float(amount if abs(amount) < 1000 else round(amount)))
        return f"{'' if text == '0.0' else sign}{text} {unit}".rstrip()
    if amount and abs(amount) < 1 and not signed:
        return f"{sign}{amount:.{3 - amount.adjusted()}f} {unit}"
    text = money_text(amount, unit)
    return text if text.startswith("0.00 ") else sign + text


def short_text(amount: Decimal | None, unit: str) -> str:
    """Write an amount in few characters and without its unit, for a figure whose axis has it.

    Examples
    --------
    >>> short_text(Decimal("8537930516"), "tokens"), short_text(Decimal("22313.337"), "USD")
    ('8.54 G', '22,313.34')
    """
    for size, prefix in ((10**12, "T"), (10**9, "G"), (10**6, "M")):
        if amount is not None and abs(amount) >= size:
            return f"{amount / size:.2f} {prefix}"
    return amount_text(amount, unit).partition(" ")[0]


def change_text(ratio: float) -> str:
    """Write a relative change with its sign.

    Examples
    --------
    >>> change_text(0.0457), change_text(-0.5), change_text(float("nan"))
    ('+4.6 %', '-50.0 %', '–')
    """
    return NO_VALUE if not math.isfinite(ratio) else f"{round(ratio * 100, 1) + 0.0:+,.1f} %"
