"""The five DORA metrics of one system: ``?system=...&period=30d|this-month|2026-10&zone=...&table=...``."""

from workbench.ui.operations.dora import VIEW
from workbench.ui.parts import question

question.page("Software delivery", "dora", "delivery_performance", VIEW, exported="metrics")
