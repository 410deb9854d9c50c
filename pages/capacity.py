"""When the resources of one system run out: ``?system=...&period=30d|this-month|2026-10&zone=...``."""

from workbench.core.result import Study
from workbench.ui import capacity
from workbench.ui.parts import question


def show(study: Study) -> None:
    capacity.key_figures(study)
    capacity.forecasts(study)
    capacity.details(study)


question.page("Capacity", "capacity", "capacity_forecast", show, exported="limits")
