"""Whether the output of one system drifts: ``?system=...&period=30d|this-month|2026-10&zone=...``."""

from workbench.core.result import Study
from workbench.ui import quality
from workbench.ui.parts import question


def show(study: Study) -> None:
    quality.key_figures(study)
    quality.scores(study)
    quality.details(study)


question.page("Quality", "quality", "quality_drift", show, exported="hours")
