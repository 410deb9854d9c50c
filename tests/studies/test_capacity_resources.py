"""Limits of providers, memory of GPUs and the monitoring's own limits are levels like any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.catalog import load_catalog
from workbench.catalog.draft.dialects import dialects
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange, to_ms
from workbench.promql import parse
from workbench.studies import Context, capacity_forecast
from workbench.studies.capacity.resources import resources_of

END = datetime(2026, 11, 1, tzinfo=UTC)
START = END - timedelta(days=4)

PROFILE = """
schema: 1
system: gate
title: Gateway
owner: SRE
roles:
  limit_left.tokens: {kind: gauge, select: tokens_left, unit: tokens, labels: {provider: provider, instance: instance}}
  limit.tokens: {kind: gauge, select: tokens_limit, unit: tokens, labels: {provider: provider, instance: instance}}
  limit_left.requests:
    {kind: gauge, select: requests_left, unit: requests, labels: {provider: provider}, capacity: {limit: 500}}
  requests:
    kind: counter
    select: requests_total
    unit: requests
    labels: {provider: provider, status: code, instance: instance}
    capacity: {limit: 600}
  memory: {kind: gauge, select: process_bytes, unit: bytes, labels: {instance: instance}}
  memory_left: {kind: gauge, select: host_free_bytes, unit: bytes, labels: {instance: instance}}
  memory.gpu: {kind: expr, select: "gpu_used * 1048576", unit: bytes, title: GPU memory, labels: {device: gpu}}
  memory_left.gpu: {kind: expr, select: "gpu_free * 1048576", unit: bytes, labels: {device: gpu}}
  monitoring.queries: {kind: expr, select: queries / most, unit: ratio, title: Queries, labels: {instance: instance}}
"""


@pytest.fixture(scope="module")
def times() -> np.ndarray:
    return np.arange(to_ms(START), to_ms(END) + 1, 60_000)


@pytest.fixture
def gate(tmp_path: Path, context_over: Callable[..., Context], times: np.ndarray) -> pd.DataFrame:
    minutes = (times - times[0]) / 60_000
    flat = np.ones(len(times))
    busy = np.where(minutes % 60 < 10, 9.0, 1.0)  # ten busy minutes an hour: 540 requests a minute, 60 else
    rows = [
        ("tokens_left", {"provider": "a", "instance": "1"}, 400 - 300 * (minutes % 60 == 30)),
        ("tokens_left", {"provider": "a", "instance": "2"}, 400 * flat),
        ("tokens_limit", {"provider": "a", "instance": "1"}, 1000 * flat),
        ("requests_left", {"provider": "a"}, 125 * flat),
        ("requests_total", {"provider": "a", "code": "200", "instance": "1"}, np.cumsum(40 * busy)),
        ("requests_total", {"provider": "a", "code": "200", "instance": "2"}, np.cumsum(20 * busy)),
        ("process_bytes", {"instance": "1"}, 1e9 * flat),
        ("host_free_bytes", {"instance": "1"}, 1e9 * flat),
        ("gpu_used", {"gpu": "0"}, 60_000 * flat),
        ("gpu_free", {"gpu": "0"}, 20_000 * flat),
        ("queries", {"instance": "1"}, 5 * flat),
        ("most", {"instance": "1"}, 20 * flat),
    ]
    archive = Archive.open(tmp_path / "gate", create=True)
    archive.append_samples(SeriesSet.of([({"__name__": name, **labels}, times, list(v)) for name, labels, v in rows]))
    (tmp_path / "profile.yaml").write_text(PROFILE)
    ctx = context_over(ArchiveSource("gate", archive), serves={"gate": ("gate",)})
    ctx = replace(ctx, catalog=load_catalog([tmp_path / "profile.yaml"]))
    study = capacity_forecast(ctx, system="gate", range=TimeRange(START, END), as_of=END)
    assert not any("no level" in warning for warning in study.warnings)
    return study.results["limits"].frame.drop_duplicates(["resource", "series"], keep="last").set_index("resource")


@pytest.mark.slow
def test_every_limit_is_there_with_its_use(gate: pd.DataFrame) -> None:
    assert gate["now"].to_dict() == {
        "limit_left.tokens": pytest.approx(0.9),  # the lowest that any process was told, out of 1,000
        "limit_left.requests": pytest.approx(0.75),
        "requests": pytest.approx(540, rel=1e-6),
        "memory.gpu": pytest.approx(0.75),  # memory of a process and free memory of its host make no whole
        "monitoring.queries": pytest.approx(0.25),
    }
    assert gate.loc["requests", "unit"] == "requests/min"
    assert gate.loc["requests", "series"] == "provider a"
    assert gate.loc["memory.gpu", "series"] == "device 0"


@pytest.mark.slow
def test_what_is_at_nine_tenths_of_a_provider_limit_is_at_risk(gate: pd.DataFrame) -> None:
    risky = gate.index[gate["status"] == "at_risk"]
    assert set(risky) <= {"limit_left.tokens", "requests"}
    assert "limit_left.tokens" in risky


def test_queries_of_all_resources_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text(PROFILE)
    catalog = load_catalog([tmp_path / "profile.yaml"])
    for system in catalog.profiles:
        for resource in resources_of(catalog.profile(system)):
            parse(resource.query)
            if resource.whole:
                parse(resource.whole)


def test_dialects_name_the_limits_of_gpus_gateways_and_the_monitoring() -> None:
    roles = {each.dialect: set(each.roles) for each in dialects()}
    assert {"memory.gpu", "memory_left.gpu", "cpu.gpu"} <= roles["dcgm"]
    assert {"limit_left.requests", "limit_left.tokens"} <= roles["litellm"]
    assert {"monitoring.queries", "monitoring.rules", "monitoring.notifications"} <= roles["prometheus"]
