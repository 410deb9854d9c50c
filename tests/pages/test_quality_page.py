from __future__ import annotations

from tests.pages.test_pages import seen, tiles
from workbench.archive import Archive

SYSTEM = "counterfactual-lab"


def test_a_score_without_a_week_before_has_not_enough_data(visit):
    app = visit("quality.py", system=SYSTEM, period="1d")
    assert not app.exception
    assert "No data" in seen(app)
    assert tiles(app)["Not judged"] == "1"


def test_an_empty_archive_and_a_source_that_is_down_are_messages(visit, settings_file, tmp_path):
    Archive.open(tmp_path / "empty", create=True)
    settings_file.write_text(f'home = "home"\n[sources.lab]\nkind = "archive"\npath = "{tmp_path / "empty"}"\n')
    app = visit("quality.py", system=SYSTEM)
    assert not app.exception
    assert "No data" in seen(app)
    settings_file.write_text('home = "home"\n[sources.prod]\nkind = "prometheus"\nurl = "http://127.0.0.1:9"\n')
    app = visit("quality.py", system=SYSTEM)
    assert not app.exception
    assert "workbench sources check" in seen(app)
