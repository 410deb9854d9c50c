"""The operations page: is the monitoring itself well?"""

from __future__ import annotations

import pandas as pd

from workbench.charts.reviews import tables as rows
from workbench.charts.tables import Sentence
from workbench.charts.unusual import Line
from workbench.core.result import Study
from workbench.core.units import count_text
from workbench.ui.parts.cards import Tile
from workbench.ui.parts.view import Sheet, View


def _answer(study: Study) -> Sentence:
    checks = study.results["checks"].frame
    wrong = checks[checks["status"].isin(["spent", "at_risk"])]["title"].tolist()
    silent = int((checks["status"] == "no_data").sum())
    if silent == len(checks):
        return Sentence("Nothing could be checked: no check has a current metric.")
    text = f"Look at: {', '.join(wrong)}." if wrong else "No check found anything wrong."
    return Sentence(f"{text} {silent} of {len(checks)} checks have no metric." if silent else text)


def _figures(study: Study) -> list[Tile]:
    checks, targets, metrics = (study.results[name].frame for name in ("checks", "targets", "metrics"))
    return [
        Tile("Targets", *_targets(targets)),
        Tile("Checks", count_text(int((checks["status"] != "no_data").sum())), "with a metric"),
        Tile("Wrong", count_text(int(checks["status"].isin(["spent", "at_risk"]).sum())), "checks"),
        Tile("Series", *_series(metrics)),
    ]


def _targets(targets: pd.DataFrame) -> tuple[str, str]:
    if targets.empty:
        return "–", "no current sample of up"
    return count_text(len(targets)), f"{int((targets['status'] == 'spent').sum())} do not answer"


def _series(metrics: pd.DataFrame) -> tuple[str, str]:
    if metrics.empty:
        return "–", "no current sample"
    return count_text(float(metrics["series"].sum())), f"of {len(metrics)} metrics"


def _unusual(study: Study) -> list[Line]:
    return []


def _charts(study: Study) -> None:
    """Draw nothing: every number is in the tables."""


def _sheets(study: Study) -> list[Sheet]:
    results = study.results
    return [
        Sheet("Checks", rows.check_rows(results["checks"])),
        Sheet("Targets", rows.target_rows(results["targets"]), "A timeout of 10 s is assumed."),
        Sheet("Metrics", rows.metric_rows(results["metrics"])),
        Sheet("Labels", rows.label_rows(results["labels"]), "Of the last hour."),
    ]


VIEW = View(_answer, _figures, _unusual, _charts, _sheets)
