"""How one system performs: ``?system=...&period=1d|30d|2026-10&flow=requests&resource=...&table=...``."""

from workbench.ui.parts import question
from workbench.ui.performance import VIEW

question.page("Performance", "performance", "service_performance", VIEW, exported="flows")
