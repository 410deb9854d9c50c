from __future__ import annotations

import pytest

from tests.pages.test_pages import seen, tiles
from workbench.archive import Archive

SYSTEM = "counterfactual-lab"


def test_what_was_not_counted_is_said_and_no_number_is_made_up(visit):
    app = visit("cost.py", system=SYSTEM)
    assert not app.exception
    text = seen(app)
    assert "No data" in text
    assert "Nothing was measured in this range" in text
    assert "cost: nothing of 2026-10-08 00:00 to 2026-11-07 00:00 UTC was observed" in text, "the reason, not hidden"
    assert not app.get("plotly_chart")


def test_an_empty_archive_and_a_source_that_is_down_are_messages(visit, settings_file, tmp_path):
    Archive.open(tmp_path / "empty", create=True)
    settings_file.write_text(f'home = "home"\n[sources.lab]\nkind = "archive"\npath = "{tmp_path / "empty"}"\n')
    app = visit("cost.py")
    assert not app.exception
    assert "No data" in seen(app)
    settings_file.write_text('home = "home"\n[sources.prod]\nkind = "prometheus"\nurl = "http://127.0.0.1:9"\n')
    app = visit("cost.py")
    assert not app.exception
    assert "workbench sources check" in seen(app)


@pytest.mark.slow
def test_the_choice_of_a_label_lives_in_the_address(visit, settings_file, demo_home):
    from tests.demo_home import END

    settings_file.write_text(f'home = "home"\n[sources.demo]\nkind = "archive"\npath = "{demo_home / "demo"}"\n')
    app = visit("cost.py", system=SYSTEM, period=f"{END:%Y}-10", cost_by="service")
    assert not app.exception
    assert app.selectbox(key="cost_by").value == "service"
    shown = next(table.value for table in app.dataframe if "group" in table.value)
    assert set(shown["group"]) == {"stability", "openai", "huggingface", "(not given)"}
    assert tiles(app)["Spend"].endswith(" USD")
    assert "Tokens are not measured" in seen(app)
    wrong = visit("cost.py", system=SYSTEM, period=f"{END:%Y}-10", cost_by="model")
    assert not wrong.exception
    assert "There is no spend by 'model'" in seen(wrong)
