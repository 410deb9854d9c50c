"""Samples as OpenMetrics text that ``promtool tsdb create-blocks-from openmetrics`` takes back.

The text has no stale marks: they are left out, and the writer says how many. Times keep their milliseconds; half a
millisecond is added where there is a fraction, because promtool reads seconds as a float and cuts the rest off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.core.errors import ParameterError
from workbench.core.series import Labels, SeriesSet, is_stale

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_OLD_METRIC, _OLD_LABEL = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*"), re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Written:
    """Samples that were written, and stale marks that were left out. [count]"""

    samples: int
    stale: int


def write_openmetrics(parts: Iterable[SeriesSet], file: BinaryIO) -> Written:
    """Write series in their order and end the text.

    Raises
    ------
    ParameterError
        A series without a name, which the format cannot say.
    """
    samples = stale = 0
    for series in parts:
        for labels, times, values in series:
            kept = ~is_stale(values)
            samples += int(kept.sum())
            stale += int(len(kept) - kept.sum())
            if kept.any():
                file.write(_lines(head_of(labels), times[kept], np.compress(kept, values)))
    file.write(b"# EOF\n")
    return Written(samples, stale)


def head_of(labels: Labels) -> str:
    r"""Name and labels of a series; names outside the old alphabet stand in quotes, as Prometheus 3 reads them.

    Examples
    --------
    >>> head_of({"__name__": "up", "job": 'a"b'})
    'up{job="a\\"b"}'
    >>> head_of({"__name__": "http.requests", "a.b": "c"})
    '{"http.requests","a.b"="c"}'
    """
    name = labels.get("__name__", "")
    if not name:
        raise ParameterError(f"The series {dict(labels)} has no name.", hint="Export named series only.")
    pairs = [f"{_label(key)}={_quoted(value)}" for key, value in sorted(labels.items()) if key != "__name__"]
    if _OLD_METRIC.fullmatch(name):
        return f"{name}{{{','.join(pairs)}}}"
    return f"{{{','.join([_quoted(name), *pairs])}}}"


def _label(name: str) -> str:
    return name if _OLD_LABEL.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'


def _lines(head: str, times: NDArray[np.int64], values: NDArray[np.float64]) -> bytes:
    seconds, rest = np.divmod(times, 1000)
    stamps = pa.array(seconds).cast(pa.string())
    if rest.any():
        fraction = pc.utf8_lpad(pa.array(rest).cast(pa.string()), 3, "0")
        stamps = pc.binary_join_element_wise(stamps, ".", fraction, "5", "")
    lines = pc.binary_join_element_wise(head, pa.array(values).cast(pa.string()), stamps, " ")
    return ("\n".join(lines.to_pylist()) + "\n").encode()
