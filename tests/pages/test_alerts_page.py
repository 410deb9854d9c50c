from __future__ import annotations

import pytest

from tests.pages.test_pages import seen, tiles
from workbench.archive import Archive

SYSTEM = "counterfactual-lab"


def test_a_quiet_week_is_zero_alerts_and_not_no_data(visit):
    app = visit("alerts.py", system=SYSTEM, period="7d")
    assert not app.exception
    assert tiles(app)["Episodes"] == "0"
    assert "No alert began in the 84.5 % of this period that was observed." in seen(app)
    rules = next(table.value for table in app.dataframe if "rule" in table.value)
    assert "ServiceDown" in set(rules["rule"])


def test_a_window_that_nobody_watched_is_no_data(visit):
    app = visit("alerts.py", system=SYSTEM, period="2026-08")
    assert not app.exception
    assert "Nothing was measured in this range" in seen(app)
    assert not app.get("plotly_chart")


def test_an_empty_archive_and_a_source_that_is_down_are_messages(visit, settings_file, tmp_path):
    Archive.open(tmp_path / "empty", create=True)
    settings_file.write_text(f'home = "home"\n[sources.lab]\nkind = "archive"\npath = "{tmp_path / "empty"}"\n')
    app = visit("alerts.py", system=SYSTEM)
    assert not app.exception
    assert "No data" in seen(app)
    settings_file.write_text('home = "home"\n[sources.prod]\nkind = "prometheus"\nurl = "http://127.0.0.1:9"\n')
    app = visit("alerts.py", system=SYSTEM)
    assert not app.exception
    assert "workbench sources check" in seen(app)


@pytest.mark.slow
def test_a_month_shows_its_rules_limits_and_episodes(visit, settings_file, demo_home):
    settings_file.write_text(f'home = "home"\n[sources.demo]\nkind = "archive"\npath = "{demo_home / "demo"}"\n')
    app = visit("alerts.py", system=SYSTEM, period="2026-10")
    assert not app.exception
    assert len(app.get("plotly_chart")) == 3
    assert f"alerts status {SYSTEM} --period 2026-10" in seen(app)
    assert {"rule", "measure", "alert"} <= {name for table in app.dataframe for name in table.value}
