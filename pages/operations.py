"""Whether the monitoring of one system is well: ``?system=...&period=...&zone=...&table=...``."""

from workbench.ui.operations.monitoring import VIEW
from workbench.ui.parts import question

question.page("Operations", "operations", "monitoring_health", VIEW, exported="checks")
