"""Values of the queries of a system's document, beside the corrected ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.core.result import Result
from workbench.core.series import Metrics


@dataclass(frozen=True, eq=False, repr=False)
class DocumentedValues(Result):
    """What a documented query gives over the period, and what the corrected one does.

    Columns of ``frame``: ``query`` (its name), ``text`` (``documented`` or ``corrected``), ``series`` (labels, str),
    ``latest`` and ``largest`` (by absolute value), ``largest_at`` [UTC].
    """


def documented_values(answers: Sequence[tuple[str, str, Metrics]]) -> DocumentedValues:
    """Take the latest and the largest value of each series of each query.

    Parameters
    ----------
    answers : sequence of (str, str, Metrics)
        Name of the query, which text of it, and its values.
    """
    rows = []
    for name, text, answer in answers:
        for labels, values, present in zip(answer.labels, answer.values, answer.present, strict=True):
            known = np.flatnonzero(present & np.isfinite(values))
            if len(known):
                largest = known[np.argmax(np.abs(values[known]))]
                rows.append(
                    {
                        "query": name,
                        "text": text,
                        "series": ", ".join(f"{key}={labels[key]}" for key in sorted(labels) if key != "__name__"),
                        "latest": float(values[known[-1]]),
                        "largest": float(values[largest]),
                        "largest_at": int(answer.times[largest]),
                    }
                )
    frame = pd.DataFrame(rows, columns=["query", "text", "series", "latest", "largest", "largest_at"])
    frame["largest_at"] = pd.to_datetime(frame["largest_at"].astype("Int64"), unit="ms", utc=True).dt.as_unit("ms")
    return DocumentedValues(frame)
