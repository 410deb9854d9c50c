"""Traces of one system: ``?system=...&from=...&to=...&operation=...&trace=...&table=...``; the last day by default."""

from workbench.ui import traces
from workbench.ui.parts import windowed

windowed.page("Traces", "traces", traces.question)
