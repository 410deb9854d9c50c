"""Log lines of one system: ``?system=&from=&to=&level=&service=&contains=&trace=&table=``; the last six hours."""

from workbench.ui import logs
from workbench.ui.parts import windowed

windowed.page("Logs", "logs", logs.question)
