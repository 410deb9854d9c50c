"""What differs in a window of one system: ``?system=...&from=...&to=...&against=...&table=...``; the last hour."""

from workbench.ui import investigate
from workbench.ui.parts import windowed

windowed.page("Investigate", "investigate", investigate.question)
