"""One class over every server that speaks PromQL: installed ones with samples of ours, and those a person names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.servers.given import given, named, variable
from tests.servers.programs import Server
from tests.servers.samples import END_MS
from workbench.core.settings import load_settings
from workbench.core.timerange import TimeRange, from_ms
from workbench.query import PrometheusSource
from workbench.studies import open_context, source_checks

pytestmark = pytest.mark.live

GIVEN = {"thanos": "Thanos", "mimir": "Grafana Mimir", "victoriametrics": "VictoriaMetrics"}
KINDS = {
    "prometheus_v2": "Prometheus 2",
    "prometheus_v3": "Prometheus 3",
    **{k: v for k, v in GIVEN.items() if named(k)},
}


@pytest.fixture(scope="module", params=KINDS)
def held(request: pytest.FixtureRequest) -> Iterator[tuple[PrometheusSource, str, datetime]]:
    """A source, what it should say it is, and an instant whose last hour has samples."""
    if request.param in GIVEN:
        yield PrometheusSource("s", given(variable(request.param))), KINDS[request.param], datetime.now(UTC)
        return
    server: Server = request.getfixturevalue(request.param)
    yield PrometheusSource("s", server.url), KINDS[request.param], from_ms(END_MS)


class TestMetricServers:
    def test_it_says_what_it_is(self, held: tuple[PrometheusSource, str, datetime]) -> None:
        source, engine, _ = held
        assert source.server().engine.startswith(engine)

    def test_a_range_over_the_limit_of_points_is_what_its_quarters_are(
        self, held: tuple[PrometheusSource, str, datetime]
    ) -> None:
        """A server refuses more than 11,000 points, so that the whole hour comes in several requests."""
        source, _, now = held
        span = TimeRange(now - timedelta(hours=1), now).aligned(60_000)
        query, quarter = f"sum(count_over_time({metric(source, span)}[5m]))", (span.end_ms - span.start_ms) // 4
        whole = source.range(query, span, step_ms=250)
        starts = range(span.start_ms, span.end_ms, quarter)
        parts = [source.range(query, TimeRange.from_ms(at, at + quarter - 250), step_ms=250) for at in starts]
        assert len(whole.times) == 4 * quarter // 250 + 1
        assert np.array_equal(whole.times[:-1], np.concatenate([part.times for part in parts]))
        assert np.array_equal(whole.values[0, :-1], np.concatenate([part.values[0] for part in parts]), equal_nan=True)

    def test_raw_samples_are_as_many_as_the_server_counts(self, held: tuple[PrometheusSource, str, datetime]) -> None:
        source, _, now = held
        span = TimeRange(now - timedelta(hours=1), now - timedelta(minutes=1)).aligned(60_000)
        name = metric(source, span)
        pulled = source.raw(name, span.left_open())
        # The left border belongs to a range of Prometheus 2 and not to one of Prometheus 3; ours leaves it out.
        counted = source.instant(f"count_over_time({name}[{span.end_ms - span.start_ms - 1}ms])", span.end)
        there = {
            tuple(sorted(labels.items())): value for labels, value in zip(counted.labels, counted.values, strict=True)
        }
        for labels, times, _ in pulled:
            key = tuple(sorted((name, value) for name, value in labels.items() if name != "__name__"))
            assert len(times) == int(there.pop(key)[0])
        assert not there

    def test_its_check_meets_no_surprise(self, held: tuple[PrometheusSource, str, datetime], tmp_path: Path) -> None:
        source, _, now = held
        file = tmp_path / "workbench.toml"
        file.write_text(f'home = "home"\n[sources.s]\nkind = "prometheus"\nurl = "{source.location}"\n')
        study = source_checks(open_context(load_settings(file)), as_of=now)
        checks = study.results["checks"].frame
        assert {"clock", "limits", "oldest"} <= set(checks["check"])
        assert "check" not in set(checks["check"]), checks["text"].tolist()


def metric(source: PrometheusSource, span: TimeRange) -> str:
    """``up`` where there is one, else some metric."""
    known = source.label_values("__name__", span)
    return "up" if "up" in known else known[0]
