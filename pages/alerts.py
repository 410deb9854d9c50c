"""Whether the alerts of one system help or tire: ``?system=...&period=30d|this-month|2026-10&zone=...&table=...``."""

from workbench.ui.alerts import VIEW
from workbench.ui.parts import question

question.page("Alerts", "alerts", "alert_load", VIEW, exported="episodes")
