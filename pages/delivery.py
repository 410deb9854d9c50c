"""The five DORA metrics of one system: ``?system=...&period=30d|this-month|2026-10&zone=...&table=...``."""

from workbench.ui.operations.delivery import VIEW
from workbench.ui.parts import question

question.page("Software delivery", "delivery", "delivery_performance", VIEW, exported="metrics")
