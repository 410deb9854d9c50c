from __future__ import annotations

from tests.pages.test_pages import seen, tiles
from workbench.archive import Archive

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
