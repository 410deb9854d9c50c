"""How one system performs: ``?system=...&period=1d|30d|2026-10&flow=requests&resource=...``."""

from workbench.core.result import Study
from workbench.ui import performance
from workbench.ui.parts import question


def show(study: Study) -> None:
    performance.key_figures(study)
    performance.flows(study)
    performance.thresholds(study)
    performance.providers(study)
    performance.resources(study)


question.page("Performance", "performance", "service_performance", show, exported="flows")
