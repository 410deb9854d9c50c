"""Who tries to get in and who is refused: ``?system=...&period=30d|this-month|2026-10&zone=...&table=...``."""

from workbench.ui.operations.security import VIEW
from workbench.ui.parts import question

question.page("Security and access", "security", "security_and_access", VIEW, exported="totals")
