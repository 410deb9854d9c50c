"""A page never says OK above what broke: its status is the worst of what it shows."""

from __future__ import annotations

import numpy as np
import pytest

from tests.pages.lab import NEWEST
from tests.pages.test_pages import seen, tiles
from workbench.archive import Archive
from workbench.core.series import SeriesSet
from workbench.core.settings import load_settings
from workbench.core.timerange import to_ms

SYSTEM = "counterfactual-lab"


@pytest.fixture
def broken_before(settings_file, tmp_path):
    """A memory threshold that was broken for an hour and is kept since."""
    minutes = np.arange(1440)
    times = to_ms(NEWEST) - (1440 - minutes) * 60_000
    target = {"system": SYSTEM, "job": SYSTEM, "instance": "lab-1:8000"}
    memory = np.where((minutes > 300) & (minutes < 360), 4.0, 1.0) * 2**30
    archive = Archive.open(tmp_path / "broken", create=True)
    archive.append_samples(
        SeriesSet.of(
            [
                ({"__name__": "cf_lab:memory_usage_bytes", **target}, times, memory),
                ({"__name__": "http_requests_total", "method": "GET", "status": "200", **target}, times, minutes * 9.0),
                ({"__name__": "up", **target}, times, np.ones(1440)),
            ]
        )
    )
    settings_file.write_text(
        f'home = "home"\n[sources.lab]\nkind = "archive"\npath = "{tmp_path / "broken"}"\nsystems = ["{SYSTEM}"]\n'
    )


def test_a_threshold_that_was_broken_and_is_kept_now_is_no_green_page(broken_before, visit):
    app = visit("performance.py", system=SYSTEM, period="1d")
    assert not app.exception
    text = seen(app)
    assert tiles(app)["Thresholds broken"] == "1 of 2"
    assert ":green-badge" not in text
    assert "**Memory of a container**: broken once" in text
    assert "limit > 3.0 GiB" in text


@pytest.fixture
def stopped(settings_file, tmp_path):
    """A day of samples that ends nine days before now, with no value against a limit."""
    minutes = np.arange(1440)
    times = to_ms(NEWEST) - (9 * 1440 + 1440 - minutes) * 60_000
    target = {"system": SYSTEM, "job": SYSTEM, "instance": "lab-1:8000"}
    archive = Archive.open(tmp_path / "stopped", create=True)
    requests = {"__name__": "http_requests_total", "method": "GET", "status": "200", **target}
    archive.append_samples(SeriesSet.of([(requests, times, minutes * 9.0)]))
    settings_file.write_text(
        f'home = "home"\n[sources.lab]\nkind = "archive"\npath = "{tmp_path / "stopped"}"\nsystems = ["{SYSTEM}"]\n'
    )


@pytest.mark.parametrize("page", ["activity.py", "security.py", "performance.py", "sources.py", ""])
def test_a_source_that_stopped_makes_no_page_green(stopped, visit, page):
    app = visit(page, system=SYSTEM)
    assert not app.exception
    text = seen(app)
    assert ":green-badge" not in text
    if page in ("activity.py", "security.py", "performance.py"):
        assert "of the period was observed. Totals cover that part, and nothing is called good." in text


def test_a_group_that_names_a_misspelt_system_is_named(settings_file):
    with settings_file.open("a") as file:
        file.write(
            '[access]\nsign_in = "proxy"\n[access.proxy]\naddresses = ["127.0.0.1"]\n'
            '[access.groups.ops]\nsystems = ["counterfactual-lob"]\n'
        )
    sentences = load_settings().access.unknown_systems([SYSTEM])
    assert sentences == [
        f"Group 'ops' names the system 'counterfactual-lob', which does not exist. Did you mean '{SYSTEM}'?"
    ]
