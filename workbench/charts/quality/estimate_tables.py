"""Performance without labels in words."""

from __future__ import annotations

import math

from workbench.analysis.quality.estimate import EstimatedPerformance
from workbench.core.units import NO_VALUE, count_text

#: Columns of the rows below that hold text.
ESTIMATE_TEXT = ("metric", "chunk", "verdict")

_VERDICTS = {
    "alarm": "out of the band",
    "small": "out of the band, but a small change",
    "none": "within the band",
    "not_enough": "not judged: too few rows",
}


def estimate_rows(result: EstimatedPerformance) -> list[dict[str, str]]:
    """One row of text a metric and chunk of now."""
    return [
        {
            "metric": str(row.metric),
            "chunk": str(row.chunk),
            "n": count_text(row.n),
            "estimate": _ratio(row.estimate),
            "three sampling errors": f"{_ratio(row.low)} to {_ratio(row.high)}",
            "band": f"{_ratio(row.lower)} to {_ratio(row.upper)}",
            "realised": _ratio(row.realised),
            "verdict": _VERDICTS[str(row.verdict)],
        }
        for row in result.frame[result.frame["part"] == "now"].itertuples()
    ]


def _ratio(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else NO_VALUE


def estimate_sentence(result: EstimatedPerformance) -> str:
    """Say whether an estimate leaves the band of the reference, and what labels say where there are some."""
    now = result.frame[result.frame["part"] == "now"]
    alarms = now[now["verdict"] == "alarm"]
    parts = []
    for metric, rows in alarms.groupby("metric", sort=False):
        total = int((now["metric"] == metric).sum())
        name = "Accuracy" if metric == "accuracy" else metric
        parts.append(
            f"{name} is estimated out of the band of the reference in {len(rows)} of {total} chunks, "
            f"{rows['estimate'].min():.4f} at least."
        )
    judged = now[now["verdict"] != "not_enough"]
    if not len(alarms) and len(judged):
        parts.append(f"No estimate leaves the band of the reference ({len(judged)} of {len(now)} judged).")
    if not len(judged):
        parts.append("No chunk has enough rows to be judged.")
    right = now[(now["metric"] == "accuracy") & now["realised"].notna()]
    if len(right):
        was = result.frame[(result.frame["part"] == "reference") & (result.frame["metric"] == "accuracy")]
        mean = [float((rows["realised"] * rows["n"]).sum() / rows["n"].sum()) for rows in (was, right)]
        parts.append(f"With labels, accuracy went from {mean[0]:.4f} to {mean[1]:.4f}.")
    return " ".join(parts)
