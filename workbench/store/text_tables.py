"""CSV as people export it: other delimiters and encodings, decimal commas, last days that are meant to be within."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.core.errors import ParameterError

_DELIMITERS = (",", ";", "\t", "|")
_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb": "utf-8-sig"}

#: Amounts with a decimal point and with a decimal comma, thousands apart or not.
_FORMS = {
    ".": re.compile(r"[+-]?(?:\d{1,3}(?:[,'\u00a0\u202f ]\d{3})+|\d+)(?:\.\d+)?"),
    ",": re.compile(r"[+-]?(?:\d{1,3}(?:[.'\u00a0\u202f ]\d{3})+|\d+)(?:,\d+)?"),
}
#: Signs as accountants and spreadsheets write them.
_SIGNS = str.maketrans({"\u2019": "'", "\u2212": "-"})
_BOOKED = re.compile(r"\((?P<inside>[^()+-]+)\)|(?P<before>[^()+-]+)-")
_DAY = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?=$|[ T])")
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}([.,])\d{3}")


def read_text_table(file: Path, *, delimiter: str = "", rows: int) -> pd.DataFrame:
    """Read CSV as text, in UTF-8 or UTF-16.

    Parameters
    ----------
    file : Path
        File to read.
    delimiter : str
        Empty takes the one of ``,``, ``;``, tab and ``|`` that the header has most of, or that a first line ``sep=;``
        names.
    rows : int
        Rows to read at most. [count]

    Raises
    ------
    ValueError, OSError
        It cannot be read.
    """
    with file.open("rb") as raw:
        encoding = _BOMS.get(raw.read(2), "utf-8")
    packed = file.suffix in (".gz", ".bz2", ".zip", ".xz", ".zst")
    header = "" if packed else _header(file, encoding)
    named = header.removeprefix("sep=").strip() if header.startswith("sep=") else ""
    delimiter = delimiter or named or max(_DELIMITERS, key=header.count)
    frame = pd.read_csv(
        file,
        dtype="str",
        keep_default_na=False,
        nrows=rows,
        sep=delimiter,
        encoding=encoding,
        skiprows=int(bool(named)),
    )
    frame.attrs["delimiter"] = delimiter
    return frame


def _header(file: Path, encoding: str) -> str:
    with file.open(encoding=encoding) as text:
        return text.readline()


def iso_days(columns: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Write days such as ``31.10.2026`` and ``10/31/2026`` as ``2026-10-31``; other values stay.

    Parameters
    ----------
    columns : mapping of str to sequence
        Every column of times of one table: one order of day and month holds for all.

    Raises
    ------
    ParameterError
        No day tells which figure is the month. Between points the day comes first.

    Examples
    --------
    >>> iso_days({"start": ["10/01/2026"], "end": ["10/31/2026"]})
    {'start': ['2026-10-01'], 'end': ['2026-10-31']}
    """
    days = [match for values in columns.values() for value in values if (match := _DAY.match(str(value).strip()))]
    orders = {day[2] == "." or int(day[1]) > 12 for day in days if day[2] == "." or max(int(day[1]), int(day[3])) > 12}
    if days and len(orders) != 1:
        raise ParameterError(
            f"{days[0][0]!r} can be two days: which figure is the month is not known.", hint="Write 2026-10-31."
        )
    day_first = True in orders

    def written(value: Any) -> Any:
        text = str(value).strip()
        if (match := _DAY.match(text)) is None:
            return value
        day, month = (match[1], match[3]) if day_first else (match[3], match[1])
        return f"{match[4]}-{int(month):02}-{int(day):02}{text[match.end() :]}"

    return {name: [written(value) for value in values] for name, values in columns.items()}


def exact_decimals(values: Sequence[Any], *, decimal: str = "", delimiter: str = ",") -> list[Decimal]:
    """Read amounts of one column, exact; all have one decimal sign.

    Parameters
    ----------
    values : sequence
        Texts or numbers.
    decimal : {"", ".", ","}
        Empty takes the sign that the column proves. A column in which nothing tells whether ``1,000`` is one or a
        thousand is refused; so is ``1.000`` where cells are not separated by commas.
    delimiter : str
        Between the cells of the file.

    Raises
    ------
    ParameterError
        A value is no amount, or could be two; with its row.

    Examples
    --------
    >>> [str(amount) for amount in exact_decimals(["1.355,90", "1.000"])]
    ['1355.90', '1000']
    >>> [str(amount) for amount in exact_decimals(["1,355.90", "1,000", "-12"])]
    ['1355.90', '1000', '-12']
    """
    texts = [value if isinstance(value, Decimal) else _signed(str(value).strip()) for value in values]
    sign = decimal or _decimal_sign([text for text in texts if isinstance(text, str)], delimiter)
    return [text if isinstance(text, Decimal) else _amount(text, sign, row) for row, text in enumerate(texts, start=1)]


def _signed(text: str) -> str:
    """Write ``(100.00)`` and ``100.00-`` as ``-100.00``."""
    text = text.translate(_SIGNS)
    booked = _BOOKED.fullmatch(text)
    return f"-{(booked['inside'] or booked['before']).strip()}" if booked else text


def _decimal_sign(texts: Sequence[str], delimiter: str) -> str:
    proven, doubtful = set[str](), list[tuple[int, str]]()
    for row, text in enumerate(texts, start=1):
        fits = [sign for sign, form in _FORMS.items() if form.fullmatch(text)]
        grouped = _GROUPED.fullmatch(text)
        if grouped and (grouped[1] == "," or delimiter != ","):
            doubtful.append((row, text))
        elif len(fits) == 1:
            proven.add(fits[0])
    if len(proven) == 1:
        return proven.pop()
    if doubtful and not proven:
        row, text = doubtful[0]
        raise ParameterError(
            f"{text[:40]!r} in row {row} could be two amounts.",
            hint='Say which: decimal = "." or decimal = "," in the settings of this source.',
        )
    return "."


def _amount(text: str, sign: str, row: int) -> Decimal:
    try:
        if _FORMS[sign].fullmatch(text):
            plain = re.sub(r"[^\d+\-" + re.escape(sign) + "]", "", text).replace(",", ".")
            return Decimal(plain)
        amount = Decimal(text)
        if amount.is_finite() and "e" in text.lower():
            return amount
    except InvalidOperation:
        pass
    raise ParameterError(
        f"{text[:40]!r} in row {row} is no amount.",
        hint='Write 1234.56, without currency; set decimal = "," in the settings of this source for 1234,56.',
    )


def with_whole_last_day(frame: pd.DataFrame, ends: str, warnings: list[str]) -> pd.DataFrame:
    """Move ends that are meant to be within the invoice to the midnight after.

    Parameters
    ----------
    frame : DataFrame
        ``start`` and ``end`` [UTC].
    ends : {"", "exclusive", "inclusive"}
        Empty moves those of whole months, from a first day to the last day of a month, and of lines that begin and end
        on one day. The last second of a day (23:59:59) is within it, whatever is set.
    warnings : list of str
        What was moved is said here.
    """
    last_second = frame["end"].dt.strftime("%H:%M:%S").eq("23:59:59") & frame["end"].notna()
    start, end = frame["start"], frame["end"].where(~last_second, frame["end"].dt.ceil("D"))
    midnight = (end == end.dt.normalize()) & end.notna() & ~last_second
    if ends == "inclusive":
        moved = midnight
    elif ends == "exclusive":
        moved = midnight & False
    else:
        at_midnight = start == start.dt.normalize()
        moved = midnight & at_midnight & ((end.dt.is_month_end & start.dt.is_month_start) | (start == end))
        if count := int(moved.sum()):
            lines = f"{count:,} invoice lines end" if count > 1 else "1 invoice line ends"
            what = "the last day of a month" if (start[moved] < end[moved]).all() else "a last day"
            warnings.append(f'{lines} on {what}, which is taken as within; ends = "exclusive" undoes it.')
    return frame.assign(end=end.where(~moved, end + pd.Timedelta(days=1)))
