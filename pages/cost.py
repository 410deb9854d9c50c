"""What one system spends and uses: ``?system=...&period=30d|this-month|2026-10&zone=...&cost_by=...&table=...``."""

from workbench.ui.cost import VIEW
from workbench.ui.parts import question

question.page("Cost and tokens", "cost", "spend_and_tokens", VIEW, exported="days")
