"""Bytes of a Prometheus answer to arrays, by the fastest reader that understands them.

===========  ==============================================================  ==========================
reader       how                                                             when
===========  ==============================================================  ==========================
scan         compiled byte scanner (numba), exact decimal to double          numba is there and paid for
table        pyarrow's CSV reader over the slices ``1795209060,"1"``         otherwise
generic      ``json`` of the standard library                                whatever the others leave
===========  ==============================================================  ==========================

The first two read ``"result":[{"metric":{...},"values":[[t,"v"],...]},...]`` as Prometheus, Thanos, Mimir and
VictoriaMetrics write it, without spaces. At the first series of another shape they stop, and ``generic`` reads the
rest: native histograms, pretty-printed JSON, another order of keys. All three give the same bits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from workbench.core.errors import AnswerUnreadable, QueryTooExpensive
from workbench.core.series import Labels, SeriesSet
from workbench.query.http import failures
from workbench.query.http.reading import MAX_BYTES, in_time, read_json
from workbench.query.metrics.compiled import Compiled
from workbench.query.metrics.decode_parts import Sink, is_labels

Reader = Callable[["bytes | bytearray", int, Sink], int]
ReaderName = Literal["auto", "scan", "table", "generic"]

_HEAD = re.compile(
    rb'\{"status":"success",(?:"isPartial":(?:true|false),)?"data":\{"resultType":"matrix","result":\[(?=[{\]])'
)
_SMALL = 24 << 10
_WORTH_COMPILED = 16 << 20


@dataclass(frozen=True)
class Answer:
    """What an answer says besides its series, and its value when it is a scalar or a text."""

    kind: str
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
    text: str = ""


def _load() -> Reader:
    from workbench.query.metrics.decode_scan import read_scan

    return read_scan


_compiled: Compiled[Reader] = Compiled(_load, worth=_WORTH_COMPILED)


def warm_up() -> bool:
    """Load the compiled reader now, before the first large answer; False when numba is not installed."""
    return _compiled.now() is not None


def decode(
    body: bytes | bytearray,
    sink: Sink,
    *,
    reader: ReaderName = "auto",
    limit: int = MAX_BYTES,
    until: float = math.inf,
    max_series: int | None = None,
) -> Answer:
    """Read an answer of ``query`` or ``query_range`` and hand its series to ``sink`` in order.

    Parameters
    ----------
    body : bytes
        The whole answer.
    sink : callable
        Called with some series at a time; none has two parts.
    reader : {"auto", "scan", "table", "generic"}
        A reader by name is for tests and benchmarks.
    limit : int
        Memory that the answer may take. [bytes]
    until : float
        Instant of the monotonic clock by which JSON must have been read. [s]
    max_series : int, optional
        More series are refused before they are read. [count]

    Returns
    -------
    Answer

    Raises
    ------
    AnswerTruncated
        The text stops in the middle.
    AnswerUnreadable
        The text is not an answer of this API.
    QueryTooExpensive
        It has more series than asked for, or would take more memory.
    """
    head = _HEAD.match(body, 0, 200)
    position = 0
    if head:
        chosen = _reader(reader, len(body))
        position = chosen(body, head.end(), sink) if chosen else head.end()
    text = body if not head or position == head.end() else bytes(head[0]) + bytes(memoryview(body)[position:])
    if max_series is not None and (count := text.count(b'"metric"')) > max_series:
        raise QueryTooExpensive(
            f"The answer has {count:,} series; the limit is {max_series:,}.",
            hint="Aggregate in the query, match fewer series, or raise limits.series in the settings.",
        )
    try:
        return _generic(text, sink, limit, until)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        fault = error if isinstance(error, ValueError) else ValueError(str(error))
        unreadable = failures.of_text(body, "", fault)
        raise unreadable from None


def _reader(name: ReaderName, size: int) -> Reader | None:
    if name == "generic":
        return None
    compiled = _compiled.now() if name == "scan" else _compiled.after(size) if name == "auto" else None
    if compiled is not None:
        return compiled
    if name == "scan":
        raise AnswerUnreadable("numba is not installed.", hint="From the checkout: pip install '.[fast]'.")
    if name == "auto" and size < _SMALL:
        return None
    from workbench.query.metrics.decode_table import read_table

    return read_table


def envelope(
    body: bytes | bytearray, *, limit: int = MAX_BYTES, until: float = math.inf
) -> tuple[Any, tuple[str, ...]]:
    """Return ``data`` and the warnings of an answer that holds no samples: labels, metadata, targets.

    Raises
    ------
    AnswerTruncated, AnswerUnreadable
    """
    try:
        document = read_json(body, limit=limit, until=until)
        if not isinstance(document, dict) or document.get("status") != "success" or "data" not in document:
            raise ValueError("no data")
    except (ValueError, RecursionError) as error:
        fault = error if isinstance(error, ValueError) else ValueError(str(error))
        raise failures.of_text(body, "", fault) from None
    return document["data"], _texts(document, "warnings")


def _generic(text: bytes | bytearray, sink: Sink, limit: int, until: float) -> Answer:
    document = read_json(text, limit=limit, until=until)
    if not isinstance(document, dict) or document.get("status") != "success":
        raise ValueError("no answer of this API")
    data = document["data"]
    kind, result = data["resultType"], data["result"]
    warnings, text_value = list(_texts(document, "warnings")), ""
    if document.get("isPartial"):
        warnings.append("The server answered with a part of the data only (isPartial).")
    if kind in ("matrix", "vector"):
        if result:
            sink(SeriesSet.of(_series_of(series) for series in in_time(result, until)))
        if hidden := sum(bool(series.get("histograms") or series.get("histogram")) for series in result):
            warnings.append(f"Native histograms of {hidden} series are not shown; use histogram_quantile() or others.")
    elif kind == "scalar":
        time, value = result
        sink(SeriesSet.of([({}, [_milliseconds(time)], [float(value)])]))
    elif kind == "string":
        text_value = str(result[1])
    else:
        raise ValueError(f"result type {kind!r}")
    return Answer(str(kind), tuple(warnings), _texts(document, "infos"), text_value)


def _series_of(series: dict[str, Any]) -> tuple[Labels, list[int], list[float]]:
    samples = series.get("values") or ([series["value"]] if "value" in series else [])
    if not is_labels(series["metric"]):
        raise ValueError("labels are texts")
    return series["metric"], [_milliseconds(time) for time, _ in samples], [float(value) for _, value in samples]


def _milliseconds(seconds: Any) -> int:
    return round(float(seconds) * 1000)


def _texts(document: dict[str, Any], name: str) -> tuple[str, ...]:
    return tuple(failures.clean(str(text)) for text in document.get(name) or ())
