from __future__ import annotations

from tests.pages.test_pages import seen, tiles
from workbench.archive import Archive
from workbench.charts.unusual import Line
from workbench.ui.parts.view import SHOWN, fitting

SYSTEM = "counterfactual-lab"


def test_the_page_counts_every_request_and_names_what_is_missing(visit):
    app = visit("performance.py", system=SYSTEM, period="1d")
    assert not app.exception
    assert tiles(app)["HTTP requests"] == "144,000"
    assert app.selectbox(key="flow").value == "requests"
    assert "Caches: not measured" in seen(app)
    shown = next(table.value for table in app.dataframe if "flow" in table.value)
    assert shown.loc[shown["by"] == "method GET", "error share"].tolist() == ["0.000 %"]


def test_the_chosen_flow_lives_in_the_address(visit):
    app = visit("performance.py", system=SYSTEM, period="1d", flow="requests.generation")
    assert not app.exception
    assert app.selectbox(key="flow").value == "requests.generation"
    wrong = visit("performance.py", system=SYSTEM, period="1d", flow="<b>x</b>")
    assert not wrong.exception
    assert "There is no flow" in seen(wrong)


def test_an_empty_archive_and_a_source_that_is_down_are_messages(visit, settings_file, tmp_path):
    Archive.open(tmp_path / "empty", create=True)
    settings_file.write_text(f'home = "home"\n[sources.lab]\nkind = "archive"\npath = "{tmp_path / "empty"}"\n')
    app = visit("performance.py")
    assert not app.exception
    assert "No data" in seen(app)
    settings_file.write_text('home = "home"\n[sources.prod]\nkind = "prometheus"\nurl = "http://127.0.0.1:9"\n')
    app = visit("performance.py")
    assert not app.exception
    assert "workbench sources check" in seen(app)


def test_long_lines_out_of_line_leave_room_for_the_rest_of_the_page():
    short, long = (Line(kind, "at_risk", "Disk usage", "x" * length) for kind, length in (("a", 60), ("b", 180)))
    assert len(fitting([short] * 9)) == SHOWN
    assert len(fitting([long] * 9)) == 3
    assert list(fitting([Line("c", "at_risk", "Key", "x" * 100_000), short])) == [
        Line("c", "at_risk", "Key", "x" * 100_000)
    ]
    assert fitting([]) == []
