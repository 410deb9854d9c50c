"""Sections stand where the template says, in the order of their names, without their stand-alone cells."""

import nbformat
import pytest

from workbench.core.errors import ReportError
from workbench.core.shipped import shipped
from workbench.report.run.compose import composed


def template(folder, *tags):
    cells = [nbformat.v4.new_markdown_cell(tag, metadata={"tags": [tag]}) for tag in tags]
    path = folder / "template.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_the_sections_follow_each_other_inside_the_template(tmp_path):
    cells = composed(template(tmp_path, "before", "sections", "after")).cells
    names = [path.stem for path in sorted(shipped("reports", "sections").glob("*.ipynb"))]
    order = list(dict.fromkeys(cell["id"].rsplit("-", 1)[0] for cell in cells[1:-1]))
    assert order == names
    assert (cells[0].source, cells[-1].source) == ("before", "after")
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert not any("standalone" in cell.metadata.get("tags", []) for cell in cells)


def test_a_template_without_the_mark_stays_as_it_is(tmp_path):
    assert [cell.source for cell in composed(template(tmp_path, "one", "two")).cells] == ["one", "two"]


def test_two_marks_are_refused(tmp_path):
    with pytest.raises(ReportError, match="2 cells tagged 'sections'"):
        composed(template(tmp_path, "sections", "sections"))
