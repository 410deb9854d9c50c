from __future__ import annotations

import json

from tests.pages.test_investigate_page import BURST, over_the_demo
from tests.pages.test_pages import seen, tiles
from workbench.archive import Archive
from workbench.core.filters import LogFilter
from workbench.core.timerange import TimeRange, parse_instant

__all__ = ["over_the_demo"]


def test_levels_templates_and_errors_are_shown(visit, over_the_demo, demo_home):
    app = visit("logs.py", system="llm-ab-testing", **BURST)
    assert not app.exception
    assert "of them are errors" in seen(app)
    span = TimeRange(*(parse_instant(BURST[edge], zone="UTC") for edge in ("from", "to")))
    kept = Archive.open(demo_home / "demo").logs(LogFilter(services=("llm-ab-testing",)), span)
    weights = kept["attributes"].map(lambda held: int(held["sampled"].removeprefix("1/")))
    errors = weights[kept["severity"] == "ERROR"].sum() / weights.sum()
    assert tiles(app)["Lines"] == f"{weights.sum():,}"
    assert tiles(app)["Error share"] == f"{errors:.2%}".replace("%", " %")
    truth = json.loads((demo_home / "demo" / "truth.json").read_text())["events"]
    counted = next(one["observed"]["error-rate"] for one in truth if one["id"] == "burst-database-2")
    assert abs(errors - counted["bad"] / counted["total"]) < 0.03


def test_text_in_the_address_narrows_the_lines(visit, over_the_demo):
    app = visit("logs.py", system="llm-ab-testing", contains="database connection failed", level="ERROR", **BURST)
    assert not app.exception
    assert tiles(app)["Error share"] == "100.00 %"


def test_an_empty_archive_and_a_source_that_is_down_are_messages(visit, settings_file, tmp_path):
    Archive.open(tmp_path / "empty", create=True)
    settings_file.write_text(f'home = "home"\n[sources.lab]\nkind = "archive"\npath = "{tmp_path / "empty"}"\n')
    for page in ("logs.py", "investigate.py"):
        app = visit(page, system="counterfactual-lab")
        assert not app.exception
        assert "No data" in seen(app)
    settings_file.write_text('home = "home"\n[sources.prod]\nkind = "prometheus"\nurl = "http://127.0.0.1:9"\n')
    for page in ("logs.py", "investigate.py"):
        app = visit(page, system="counterfactual-lab")
        assert not app.exception
        assert "No source of the settings keeps" in seen(app)
