"""Whether the output of one system drifts: ``?system=...&period=30d|this-month|2026-10&zone=...&table=...``."""

from workbench.ui.parts import question
from workbench.ui.quality import VIEW

question.page("Quality", "quality", "quality_drift", VIEW, exported="hours")
