"""What people do with one product: ``?system=...&period=30d|this-month|2026-10&zone=...&table=...``."""

from workbench.ui.activity import VIEW
from workbench.ui.parts import question

question.page("Product activity", "activity", "product_activity", VIEW, exported="days")
