"""Whether the alerts of one system help or tire: ``?system=...&period=30d|this-month|2026-10&zone=...``."""

from workbench.core.result import Study
from workbench.ui import alerts
from workbench.ui.parts import question


def show(study: Study) -> None:
    alerts.key_figures(study)
    alerts.overview(study)
    alerts.worth(study)
    alerts.details(study)


question.page("Alerts", "alerts", "alert_load", show, exported="episodes")
