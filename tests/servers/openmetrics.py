"""Samples as OpenMetrics text for ``promtool tsdb create-blocks-from openmetrics``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.core.series import SeriesSet, is_stale

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def without_stale_marks(series: SeriesSet) -> SeriesSet:
    """Drop stale marks: the text format cannot carry them, so neither side of a comparison may hold them.

    A server and an engine that see the result fall back on the lookback period where a mark ended a series.
    """
    keep = ~is_stale(series.values)
    kept_before = np.concatenate([[0], np.cumsum(keep)])
    return SeriesSet(series.labels, kept_before[series.offsets], series.times[keep], series.values[keep])


def write_openmetrics(series: SeriesSet, path: Path) -> int:
    """Write every sample, floats by their shortest exact text; return the number of lines.

    Series without samples are left out; stale marks must have been dropped before.
    """
    if is_stale(series.values).any():
        raise ValueError("OpenMetrics text cannot carry stale marks: drop them on both sides first.")
    with path.open("wb") as file:
        for labels, times, values in series:
            if len(times):
                file.write(_lines(_head(labels), times, values))
        file.write(b"# EOF\n")
    return series.samples


def _head(labels: Mapping[str, str]) -> str:
    pairs = ",".join(
        f'{name}="{value.translate(_ESCAPES)}"' for name, value in sorted(labels.items()) if name != "__name__"
    )
    return f"{labels['__name__']}{{{pairs}}}"


def _lines(head: str, times: np.ndarray, values: np.ndarray) -> memoryview:
    # Prometheus reads seconds as a float and truncates seconds * 1000, which can lose one millisecond;
    # half a millisecond more always truncates to the right one.
    seconds, rest = np.divmod(times, 1000)
    text = pa.array(seconds).cast(pa.string())
    if rest.any():
        fraction = pc.utf8_lpad(pa.array(rest).cast(pa.string()), 3, "0")
        text = pc.binary_join_element_wise(text, ".", fraction, "5", "")
    stamps = pc.binary_join_element_wise(text, "\n", "")
    lines = pc.binary_join_element_wise(head, pa.array(values).cast(pa.string()), stamps, " ")
    offsets = np.frombuffer(lines.buffers()[1], np.int32)
    return memoryview(lines.buffers()[2])[: int(offsets[len(lines)])]
