"""A free question: ``?system=...&period=7d&lang=PromQL|SQL&q=...``; its cost is said before it runs."""

from workbench.ui import explore
from workbench.ui.parts import header, states

header.title("Explore")

with states.guard():
    language, text = explore.question()
    explore.answered(language, text)
