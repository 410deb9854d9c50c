"""When the resources of one system run out: ``?system=...&period=30d|this-month|2026-10&zone=...&table=...``."""

from workbench.ui.capacity import VIEW
from workbench.ui.parts import question

question.page("Capacity", "capacity", "capacity_forecast", VIEW, exported="limits")
