"""What the tests of equal numbers share: tables out of HTML and out of a terminal, and a notebook run to its end."""

from __future__ import annotations

import re
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import papermill
import pytest

from workbench.charts.columns import header
from workbench.cli.main import main
from workbench.report.run.kernel import KERNEL_NAME, kernel_in

Rows = list[dict[str, str]]


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self._cell = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th") and self.tables:
            self.tables[-1][-1].append("")
            self._cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._cell = False
        elif tag == "details" and len(self.tables) > 1 and self.tables[-1][:1] == self.tables[-2][:1]:
            usual = self.tables.pop()  # the rest of the table before, which opens
            self.tables[-1] += usual[1:]

    def handle_data(self, data: str) -> None:
        if self._cell:
            self.tables[-1][-1][-1] += data


def html_tables(page: str) -> list[Rows]:
    """Every table of a page as rows of cell texts by column."""
    parser = _Tables()
    parser.feed(page)
    return [[dict(zip(table[0], row, strict=False)) for row in table[1:]] for table in parser.tables if table]


def headed(rows: Rows) -> Rows:
    """The rows as a report or notebook shows them, by the headers of their columns."""
    return [{header(name): text for name, text in row.items()} for row in rows]


def printed_tables(text: str) -> list[Rows]:
    """Every table that a command printed."""
    found = []
    for block in text.strip("\n").split("\n\n"):
        lines = block.splitlines()
        edges = [(m.start(), m.end()) for m in re.finditer(r"-+", lines[1])]
        cut = [[line[a:b].strip() for a, b in edges] for line in (lines[0], *lines[2:])]
        found.append([dict(zip(cut[0], row, strict=True)) for row in cut[1:]])
    return found


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the command line and return what it printed."""
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    captured = capsys.readouterr()
    assert left.value.code == 0, captured.err
    return captured.out


def run_notebook(path: Path, folder: Path, *, period: str, system: str = "") -> str:
    """Run a shipped notebook over a period, for another system when named, and return the HTML of its outputs."""
    chosen = {"period": period, **({"system": system} if system else {})}
    done = papermill.execute_notebook(
        str(path),
        str(folder / f"done-{path.name}"),
        parameters=chosen,
        kernel_name=KERNEL_NAME,
        language="python",
        progress_bar=False,
        kernel_manager_class=kernel_in(Path(tempfile.mkdtemp(prefix="wb-"))),
    )
    outputs = (output for cell in done.cells for output in cell.get("outputs", []))
    return "".join(output.data.get("text/html", "") for output in outputs if "data" in output)
