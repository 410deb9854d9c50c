from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import NoReturn

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from tests.conftest import omit
from tests.servers.openmetrics import without_stale_marks, write_openmetrics
from tests.servers.programs import Server
from tests.servers.samples import END_MS, HOURS, sample_set
from workbench.core.series import STALE, SeriesSet, label_key


def test_an_omission_is_a_skip_on_a_bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBENCH_STRICT", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Prometheus"):
        omit("no Prometheus")


def test_an_omission_is_a_failure_under_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_STRICT", "1")
    with pytest.raises(pytest.fail.Exception, match="WORKBENCH_STRICT=1 allows no omission: no Prometheus"):
        omit("no Prometheus")


def test_stale_marks_are_dropped_and_ordinary_nan_stays() -> None:
    series = SeriesSet.of(
        [({"__name__": "a"}, [0, 1, 2], [1.0, STALE, np.nan]), ({"__name__": "b"}, [0, 1], [STALE, 2.0])]
    )
    kept = without_stale_marks(series)
    assert kept.offsets.tolist() == [0, 2, 3]
    assert kept.times.tolist() == [0, 2, 1]
    assert np.isnan(kept.values[1])


def test_stale_marks_cannot_be_written_unseen(tmp_path) -> None:
    with pytest.raises(ValueError, match="stale marks"):
        write_openmetrics(SeriesSet.of([({"__name__": "a"}, [0], [STALE])]), tmp_path / "samples.om")


@pytest.mark.live
@pytest.mark.parametrize("fixture", ["prometheus_v2", "prometheus_v3"])
def test_a_loaded_server_holds_every_sample_bit_for_bit(fixture: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(fixture)
    query = urllib.parse.urlencode({"query": f'{{__name__=~".+"}}[{HOURS + 1}h]', "time": END_MS / 1000 + 60})
    with urllib.request.urlopen(f"{server.url}/api/v1/query?{query}", timeout=60) as answer:
        found = {label_key(row["metric"]): row["values"] for row in json.load(answer)["data"]["result"]}
    series = sample_set()
    assert len(found) == len(series)
    for labels, times, values in series:
        rows = found[label_key(labels)]
        assert [round(float(time) * 1000) for time, _ in rows] == times.tolist()
        held = np.array([float(value) for _, value in rows])
        assert np.array_equal(held, values, equal_nan=True)
        assert np.array_equal(np.signbit(held[held == 0]), np.signbit(values[values == 0]))


@pytest.mark.live
def test_the_node_exporter_and_the_alertmanager_answer(node_exporter: Server, alertmanager: Server) -> None:
    with urllib.request.urlopen(f"{node_exporter.url}/metrics", timeout=10) as answer:
        assert b"node_cpu_seconds_total" in answer.read()
    with urllib.request.urlopen(f"{alertmanager.url}/api/v2/status", timeout=10) as answer:
        assert "versionInfo" in json.load(answer)


@pytest.mark.live
def test_postgres_runs_as_an_ordinary_user(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.connect() as connection:
        assert int(connection.execute(text("show server_version_num")).scalar_one()) >= 130_000
    engine.dispose()


@pytest.mark.live
def test_the_browser_draws_a_page(chromium) -> None:
    page = chromium.new_page()
    page.set_content("<title>workbench</title><p>drawn")
    assert page.title() == "workbench"
    page.close()


def test_fixtures_get_the_same_rule_of_omission(omit: Callable[[str], NoReturn]) -> None:
    with pytest.raises((pytest.skip.Exception, pytest.fail.Exception), match="nothing"):
        omit("nothing")
