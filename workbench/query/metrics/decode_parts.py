"""What the readers of a Prometheus answer share: where series begin, label sets, and who takes the series."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

from workbench.core.series import Labels, SeriesSet

#: Takes some series, in the order of the answer; the arrays are only lent and must be copied.
Sink = Callable[[SeriesSet], None]

METRIC, VALUES = b'{"metric":{', b'},"values":[['


def labels_of(raw: Sequence[bytes | bytearray]) -> list[Labels]:
    """Label sets from texts ``"a":"b","c":"d"`` without braces, up to the first that is not one.

    Examples
    --------
    >>> labels_of([b'"a":"b"', b'"a":1'])
    [{'a': 'b'}]
    """
    try:
        found = json.loads(b"[{" + b"},{".join(raw) + b"}]")
        if len(found) == len(raw):
            return list(takewhile(is_labels, found))
    except ValueError:
        pass
    half = len(raw) // 2
    first = labels_of(raw[:half]) if half else []
    return first if len(first) < half or not half else [*first, *labels_of(raw[half:])]


def is_labels(value: Any) -> bool:
    """Whether a value of JSON is a label set: an object of texts."""
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
