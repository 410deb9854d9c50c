"""What the readers of a Prometheus answer share: where series begin, label sets, and who takes the series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

from workbench.core.errors import QueryTooExpensive
from workbench.core.series import Labels, SeriesSet
from workbench.query.http.reading import read_json

#: Takes some series, in the order of the answer; the arrays are only lent and must be copied.
Sink = Callable[[SeriesSet], None]

#: Labels of one series, and their size, above which no monitoring system works: an answer with more is refused.
MAX_LABELS, MAX_LABEL_CHARACTERS = 4_096, 1 << 20

METRIC, VALUES = b'{"metric":{', b'},"values":[['


def labels_of(raw: Sequence[bytes | bytearray]) -> list[Labels]:
    """Label sets from texts ``"a":"b","c":"d"`` without braces, up to the first that is not one.

    Examples
    --------
    >>> labels_of([b'"a":"b"', b'"a":1'])
    [{'a': 'b'}]
    """
    try:
        label_sets = read_json(b"[{" + b"},{".join(raw) + b"}]")
        if len(label_sets) == len(raw):
            return list(takewhile(is_labels, label_sets))
    except (ValueError, RecursionError):
        pass
    half = len(raw) // 2
    first = labels_of(raw[:half]) if half else []
    return first if len(first) < half or not half else [*first, *labels_of(raw[half:])]


def is_labels(value: Any) -> bool:
    """Whether a value of JSON is a label set: an object of texts.

    Raises
    ------
    QueryTooExpensive
        It is one that no system could keep.
    """
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        return False
    size = sum(map(len, value)) + sum(map(len, value.values()))
    if len(value) > MAX_LABELS or size > MAX_LABEL_CHARACTERS:
        raise QueryTooExpensive(
            f"A series of the answer has {len(value):,} labels of {size:,} characters.",
            hint=f"At most {MAX_LABELS:,} labels of {MAX_LABEL_CHARACTERS:,} characters are read.",
        )
    return True
