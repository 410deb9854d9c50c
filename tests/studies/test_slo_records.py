"""Objectives over log lines, spans and probes, and composites of objectives: counts known without the program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.query import traced
from tests.query.fake_loki import FakeLoki, Line
from tests.query.served import serving
from tests.query.test_log_conformance import SHAPE
from tests.query.test_span_sources import NOW, RANGE, WORLD
from tests.query.written_lines import SPAN, frame, lines, passing
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.catalog import Catalog, CompositeIndicator, Member, RatioIndicator, RecordsIndicator, ThresholdIndicator
from workbench.charts.slo.decision_tables import members_table
from workbench.core.filters import Condition, LogFilter, SpanFilter
from workbench.core.result import Study
from workbench.core.series import SeriesSet
from workbench.core.settings import SourceSettings
from workbench.core.timerange import TimeRange
from workbench.query.http.client import BackendClient
from workbench.query.logs.files.source import LogFileSource
from workbench.query.logs.loki.source import LokiSource
from workbench.query.traces.jaeger import JaegerSource
from workbench.query.traces.spans import Gathered
from workbench.query.traces.tempo import TempoSource
from workbench.studies import Context, slo_attribution, slo_compliance

pytestmark = pytest.mark.slow

SYSTEM = "counterfactual-lab"
END = datetime(2026, 11, 1, tzinfo=UTC)
WEEK = TimeRange(END - timedelta(days=7), END)
SERVICES = ("shop", "pay", "pay-api")
LOGS = RecordsIndicator(total=LogFilter(SERVICES), bad=LogFilter(SERVICES, "ERROR"))
SLOW = SpanFilter(("api",), min_duration_ns=3_000_000, attributes=(Condition("code", "!=", ("300",)),))
SPANS = RecordsIndicator(total=SpanFilter(("api",)), bad=SLOW)


def study(
    ctx: Context, indicator: Any, span: TimeRange, ask: Callable[..., Study] = slo_compliance, **given: Any
) -> Study:
    shipped = ctx.catalog.objective(SYSTEM, "availability")
    objective = replace(shipped, indicator=indicator, **given)
    catalog = Catalog(ctx.catalog.profiles, {SYSTEM: (objective,)})
    return ask(replace(ctx, catalog=catalog), system=SYSTEM, range=span, as_of=span.end)


@pytest.fixture
def recorded(tmp_path: Path) -> ArchiveSource:
    archive = Archive.open(tmp_path / "records", create=True)
    archive.append_logs(frame())
    archive.append_spans(Gathered().table([replace(one, attributes=dict(one.attributes)) for one in WORLD]))
    return ArchiveSource("records", archive)


@pytest.fixture
def loki() -> Iterator[LokiSource]:
    held = [Line(one.time_ns, one.json(), {"service_name": one.service, "env": "lab"}) for one in lines()]
    with serving(FakeLoki(held).answer) as served:
        web = BackendClient.from_settings("loki", SourceSettings(kind="loki", url=served.url), api="Loki")
        yield LokiSource("loki", web, SHAPE, selector='{env="lab"}', json_lines=True)


def test_log_lines_count_the_same_on_a_server_in_files_and_in_the_archive(
    recorded: ArchiveSource, loki: LokiSource, tmp_path: Path, context_over: Callable[..., Context]
) -> None:
    (tmp_path / "lines.json").write_text("".join(f"{one.json()}\n" for one in lines()))
    files = LogFileSource("files", tmp_path / "lines.json", SHAPE)
    truth = len(passing(LogFilter(SERVICES))), len(passing(LogFilter(SERVICES, "ERROR")))
    for given in ({}, {"log_sources": {"loki": loki}}, {"log_sources": {"files": files}}):
        found = study(context_over(recorded, **given), LOGS, SPAN)
        row = found.results["compliance"].frame.iloc[0]
        assert (row.total, row.bad, row.unit) == (*truth, "events")
        assert row.method == "exact"
        assert "ERROR" in " ".join(found.provenance.queries)


def test_spans_count_the_same_on_servers_and_in_the_archive(
    recorded: ArchiveSource, context_over: Callable[..., Context]
) -> None:
    own = [one for one in WORLD if one.service == "api"]
    slow = [one for one in own if (one.duration_ns or 0) >= 3_000_000 and one.attributes["code"] != "300"]
    jaeger = JaegerSource("spans", traced.web_of(traced.jaeger(WORLD), api="Jaeger"))
    tempo = TempoSource("spans", traced.web_of(traced.tempo(WORLD)), clock=lambda: NOW)
    for given in ({}, {"span_sources": {"spans": jaeger}}, {"span_sources": {"spans": tempo}}):
        row = study(context_over(recorded, **given), SPANS, RANGE).results["compliance"].frame.iloc[0]
        assert (row.total, row.bad) == (len(own), len(slow))


def test_before_the_first_record_nothing_is_known_and_a_source_that_is_not_there_is_said(
    recorded: ArchiveSource, context_over: Callable[..., Context], tmp_path: Path
) -> None:
    day = TimeRange(SPAN.start - timedelta(hours=18), SPAN.end)
    row = study(context_over(recorded), LOGS, day).results["compliance"].frame.iloc[0]
    slots = [one.time_ns // 300_000_000_000 for one in lines()]
    assert row.coverage == (slots[-1] - slots[0] + 1) / 288
    gone = context_over(recorded, log_sources={"files": LogFileSource("files", tmp_path / "no.json")})
    assert study(gone, LOGS, SPAN).status == "unavailable"
    nobody = RecordsIndicator(total=LogFilter(("nobody",)), bad=LogFilter(("nobody",), "ERROR"))
    assert study(context_over(recorded), nobody, SPAN).status == "no_data"


def shipped(tmp_path: Path, requests: bool) -> ArchiveSource:
    """Three days of a line a minute from 08:00 to 20:00, and none by night.

    The shipper of lines was dead from 12:00 to 13:00, while requests went on: 60 a minute by day and none by night.
    """
    times = np.arange(0, 3 * 1440) * 60_000 + END_DAY.start_ms - 2 * 86_400_000
    minute = np.arange(3 * 1440) % 1440
    day = (minute >= 480) & (minute < 1200)
    dead = (np.arange(3 * 1440) >= 2 * 1440 + 720) & (np.arange(3 * 1440) < 2 * 1440 + 780)
    kept = times[day & ~dead]
    archive = Archive.open(tmp_path / f"shipped-{requests}", create=True)
    same = {
        "severity": "INFO",
        "message": "ok",
        "service": SYSTEM,
        "trace_id": "",
        "span_id": "",
        "event_type": "request",
    }
    archive.append_logs(pd.DataFrame({"time_ns": kept * 1_000_000 + 1, **same, "attributes": [{}] * len(kept)}))
    if requests:
        labels = {"__name__": "http_requests_total", "system": SYSTEM, "job": SYSTEM, "status": "200"}
        archive.append_samples(SeriesSet.of([(labels, times, np.cumsum(np.where(day, 60.0, 0.0)))]))
    return ArchiveSource("shipped", archive)


END_DAY = TimeRange(END - timedelta(days=1), END)
WHOLE = RecordsIndicator(total=LogFilter(), bad=LogFilter(severity="ERROR"))


@pytest.mark.parametrize("requests", [True, False])
def test_a_shipper_that_died_is_no_quiet_night(
    requests: bool, tmp_path: Path, context_over: Callable[..., Context]
) -> None:
    """The night is believed: no requests were counted, or every other night is as quiet. The dead hour is not."""
    ctx = context_over(shipped(tmp_path, requests))
    span = TimeRange(END - timedelta(days=3), END)
    found = study(ctx, WHOLE, span)
    row = found.results["compliance"].frame.iloc[0]
    assert row.coverage == pytest.approx((60 * 24 * 3 - 8 * 60 - 4 * 60 - 60) / (60 * 24 * 3))
    assert "12 slices are not observed: no logs at all" in " ".join(found.warnings)
    noon = TimeRange(END - timedelta(hours=12), END - timedelta(hours=11))
    assert study(ctx, WHOLE, noon).status == "no_data"
    assert (row.total, row.bad) == (3 * 720 - 60, 0)


def probes(tmp_path: Path) -> ArchiveSource:
    """A probe a minute for a week: down from 12:01 to 12:03 on the last day, which no end of a slice shows."""
    times = np.arange(WEEK.start_ms + 60_000, WEEK.end_ms + 1, 60_000)
    noon = WEEK.end_ms - 43_200_000
    down = (times > noon) & (times <= noon + 180_000)
    archive = Archive.open(tmp_path / "probes", create=True)
    labels = {"__name__": "probe_success", "system": SYSTEM, "job": "blackbox"}
    archive.append_samples(SeriesSet.of([(labels, times, np.where(down, 0.0, 1.0))]))
    return ArchiveSource("probes", archive)


def test_a_probe_that_failed_within_a_slice_makes_it_bad(tmp_path: Path, context_over: Callable[..., Context]) -> None:
    ctx = context_over(probes(tmp_path))
    each = ThresholdIndicator("probe_success", ">=", Decimal(1), 300_000, samples=True)
    slices = {"method": "timeslices", "slice_ms": 300_000, "slice_target": Decimal(1)}
    row = study(ctx, each, WEEK, **slices).results["compliance"].frame.iloc[0]
    assert (row.total, row.bad, row.unit) == (2016, 1, "slices")
    row = study(ctx, each, WEEK).results["compliance"].frame.iloc[0]
    assert (row.total, row.bad, row.unit) == (10_080, 3, "events")
    at_the_end = replace(each, samples=False)
    assert study(ctx, at_the_end, WEEK, **slices).results["compliance"].frame.iloc[0].bad == 0


LATENCY = RatioIndicator(
    total="http_request_duration_seconds_count", good='http_request_duration_seconds_bucket{le="2"}'
)
AVAILABLE = RatioIndicator(total="http_requests_total", bad='http_requests_total{status=~"5.."}')


def composite(weights: Any = "sum", *more: Member) -> CompositeIndicator:
    one = Member("available", "Available", Decimal("0.99"), Decimal(2), AVAILABLE)
    two = Member("fast", "Fast", Decimal("0.95"), Decimal(1), LATENCY)
    return CompositeIndicator((one, two, *more), weights)


def test_a_composite_is_judged_by_what_its_members_lost(lab: Context) -> None:
    day = TimeRange(END - timedelta(days=2), END - timedelta(days=1, hours=18))
    slices = {"method": "ratio_timeslices", "slice_ms": 300_000, "target": Decimal("0.93")}
    found = study(lab, composite(), day, **slices)
    row = found.results["compliance"].frame.iloc[0]
    lost = 2 * 5 / 2000 + 0.04  # lab-1 fails 5 of 1,000 and lab-2 none; 4 % of both are slow
    assert row.sli == pytest.approx(1 - lost, abs=1e-9)
    assert row.burn_rate == pytest.approx(lost / 0.07, abs=1e-6)
    members = found.results["members"].frame.set_index("member")
    assert members["sli"].to_dict() == pytest.approx({"available": 0.9975, "fast": 0.96})
    assert members["spent_share"].to_dict() == pytest.approx({"available": 0.005 / lost, "fast": 0.04 / lost})
    shown = members_table(found.results["members"])
    assert shown is not None
    assert [(row["member"], row["SLI"], row["spent"]) for row in shown.rows] == [
        ("Available", "99.750 %", "11.1 %"),
        ("Fast", "96.000 %", "88.9 %"),
    ]
    mean = study(lab, composite("share"), day, **slices).results["compliance"].frame.iloc[0]
    assert mean.sli == pytest.approx((2 * 0.9975 + 0.96) / 3, abs=1e-9)


def test_the_spending_of_a_composite_is_shared_out_by_member(lab: Context) -> None:
    found = study(lab, composite(), WEEK, slo_attribution)
    spent = found.results["spending"].frame
    shared = found.results["contributions"].frame
    assert set(shared["dimension"]) == {"member"}
    for row in spent.itertuples():
        assert shared[shared["episode"] == row.episode]["bad"].sum() == pytest.approx(row.bad)


def test_a_composite_with_an_unmeasured_member_is_not_judged(lab: Context) -> None:
    lost = Member("lost", "Lost", Decimal("0.9"), Decimal(1), RatioIndicator(total="nothing_total", bad="no_total"))
    recorded = Member("logged", "Logged", Decimal("0.9"), Decimal(1), LOGS)
    wrong = RatioIndicator(total="http_requests_total", good="http_requests_total * 2")
    broken = Member("broken", "Broken", Decimal("0.9"), Decimal(1), wrong)
    found = study(lab, composite("sum", broken), WEEK)
    assert found.status == "refused"
    assert "availability/broken" in " ".join(found.warnings)
    silent = study(lab, composite("sum", lost), WEEK).results["members"].frame.set_index("member")
    assert silent.loc["lost", "status"] == "no_data"
    assert study(lab, composite("sum", recorded), WEEK).status == "no_data"


def test_lines_whose_levels_nobody_knows_are_no_data_and_some_of_them_are_said(
    recorded: ArchiveSource, tmp_path: Path, context_over: Callable[..., Context]
) -> None:
    def judged(*levels: str) -> Study:
        (tmp_path / "app.log").write_text(
            "".join(f"2026-10-31T{hour:02}:00:00Z level={level} msg='it failed'\n" for hour, level in enumerate(levels))
        )
        files = LogFileSource("files", tmp_path / "app.log", replace(SHAPE, service="api"))
        indicator = RecordsIndicator(total=LogFilter(("api",)), bad=LogFilter(("api",), "ERROR"))
        return study(context_over(recorded, log_sources={"files": files}), indicator, WEEK)

    for levels in (("loud", "loud"), ("loud", "loud", "info")):
        assert judged(*levels).results["compliance"].frame["status"].tolist() == ["no_data"]
    some = judged("loud", "error", "info")
    assert some.results["compliance"].frame["bad"].tolist() == [1.0]
    assert any("1 of 3 log lines have no level that is known; they count as good" in text for text in some.warnings)
