"""Recorded traffic: what the archive counts is what the dataset holds, to the last request, token and unit of money."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.demo.demo_histories import ALWAYS, ANCHOR, assert_same_history
from tests.demo.demo_recorded import DAYS, SCENARIO, SLICE, short_scenario, simulate_conduit_alone
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.catalog import load_catalog
from workbench.core.errors import CatalogError, ParameterError
from workbench.core.series import is_stale
from workbench.core.timerange import TimeRange, to_ms
from workbench.demo import build_demo
from workbench.demo.engine.day import Day, SystemDay
from workbench.demo.engine.volumes import FILE, UNIT, along, read_volumes, spread
from workbench.demo.scenario import Event, load_scenario, load_traffic
from workbench.demo.traffic import Price, Traffic
from workbench.demo.world import world_of
from workbench.promql import Matcher
from workbench.store import Store
from workbench.studies import Context, spend_and_tokens

SHARED = Path(__file__).parents[3] / "shared" / "datasets"

#: Rounded once an hour and key: half a unit of money each.
HALF = Decimal(1) / UNIT / 2


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    found = load_traffic(SCENARIO)
    assert found is not None
    return found


def expected(folder: Path, traffic: Traffic, days: int) -> pd.DataFrame:
    """Requests, tokens and exact money of the last days before the anchor, by client, straight from the file."""
    rows = pd.read_parquet(folder / FILE)
    rows["requests"] = rows["requests"].astype("int64")
    rows["mean_input_tokens"] = rows["mean_input_tokens"].fillna(rows["mean_text_tokens"] + rows["mean_image_tokens"])
    for kind, column in (("prompt", "mean_input_tokens"), ("completion", "mean_output_tokens")):
        asked = rows["requests"].where(rows[column].notna(), 0)
        usual = (asked * rows[column].fillna(0)).groupby(rows["pool"]).sum() / asked.groupby(rows["pool"]).sum()
        known = rows[column].fillna(rows["pool"].map(usual))
        rows[kind] = np.rint(rows["requests"] * known).astype("int64")
    length = rows["pool"].map({name: 24 * int(pool.before.removesuffix("d")) for name, pool in traffic.pools.items()})
    rows = rows[rows["hour"] >= length - 24 * days].copy()
    rows["money"] = [
        (price.prompt * row.prompt + price.completion * row.completion) / 1_000_000
        for row in rows.itertuples()
        for price in [traffic.pools[row.pool].price]
    ]
    rows["model"] = rows["pool"].map({name: pool.model for name, pool in traffic.pools.items()})
    return rows


def groups(directory: Path, days: int) -> dict[tuple[str, str, str], Decimal]:
    context = Context(
        sources={"demo": ArchiveSource("demo", Archive.open(directory))},
        catalog=load_catalog(),
        store=Store(f"sqlite:///{directory.parent / 'store.db'}"),
        clock=lambda: ANCHOR,
    )
    study = spend_and_tokens(
        context, system="conduit", range=TimeRange(ANCHOR - timedelta(days=days), ANCHOR), as_of=ANCHOR
    )
    assert study.status in ("ok", "spent")
    assert study.coverage == 1.0
    frame = study.results["groups"].frame
    return {(row.measure, row.dimension, row.group): row.amount for row in frame.itertuples()}


def counted(directory: Path, name: str, label: str) -> dict[str, float]:
    """Add up by hand what the counters of a metric grew by, over resets and births, by one label."""
    archive, found = Archive.open(directory), dict[str, float]()
    oldest = archive.oldest_ms()
    for labels, times, values in archive.select([Matcher("__name__", "=", name)], 0, ALWAYS.end_ms):
        kept = ~is_stale(values)
        times, values = times[kept], values[kept]
        steps = np.diff(values)
        grown = np.where(steps < 0, values[1:], steps).sum() + (values[0] if times[0] != oldest else 0.0)
        found[labels[label]] = found.get(labels[label], 0.0) + float(grown)
    return found


def assert_the_same(directory: Path, rows: pd.DataFrame, days: int) -> None:
    """Compare what the counters and the cost study say with the rows of the file."""
    found = groups(directory, days)
    requests = counted(directory, "conduit_model_requests_total", "model")
    tokens = counted(directory, "conduit_model_tokens_total", "model")
    money = counted(directory, "conduit_cost_total_dollars", "model")
    truth = amounts(directory)["months"]
    for model, own in rows.groupby("model"):
        both = int((own["prompt"] + own["completion"]).sum())
        assert requests[model] == int(own["requests"].sum())
        assert tokens[model] == both == found["tokens", "model", model]
        most = HALF * 24 * days * own["client"].nunique()
        assert abs(found["cost", "model", model] - sum(own["money"])) <= most
        assert money[model] == sum(month[f"cost.model.{model}"] for month in truth.values())
    for kind in ("prompt", "completion"):
        assert found["tokens", "token_class", kind] == int(rows[kind].sum())
    by_key = counted(directory, "conduit_virtualkey_spend_total", "virtual_key_id")
    assert sum(by_key.values()) == sum(money.values())
    asked = counted(directory, "conduit_virtualkey_requests_total", "virtual_key_id")
    assert sum(asked.values()) == int(rows["requests"].sum())
    assert len(asked) == 26


def amounts(directory: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((directory / "truth.json").read_text())["systems"]["conduit"]["amounts"]
    return told


@pytest.fixture
def conduit_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """An extension builds all systems, in a test of its own."""
    simulate_conduit_alone(monkeypatch)


@pytest.mark.slow
@pytest.mark.usefixtures("conduit_alone")
def test_the_archive_counts_exactly_what_the_slice_holds(tmp_path, traffic):
    build_demo(tmp_path / "demo", scenario=short_scenario(tmp_path), seed=3, end=ANCHOR)
    rows = expected(SLICE, traffic, DAYS)
    assert_the_same(tmp_path / "demo", rows, DAYS)
    own = rows[(rows["pool"] == "language/m-mid") & (rows["client"] == "60")]
    days = amounts(tmp_path / "demo")["days"]
    by_day = own.groupby(own["hour"] // 24)[["requests", "prompt", "completion"]].sum()
    for day, sums in zip(("2026-10-30", "2026-10-31"), by_day.itertuples(), strict=True):
        key = "key-model.m-mid-60.qwen-plus"
        assert days[day][f"requests.{key}"] == sums.requests
        assert days[day][f"tokens.prompt.{key}"] == sums.prompt
        assert days[day][f"tokens.completion.{key}"] == sums.completion
    told = json.loads((tmp_path / "demo" / "truth.json").read_text())
    assert [one["reason"] for one in told["systems"]["conduit"]["restarts"]].count("deploy") == 4
    assert told["input"]["clients"] == rows[["pool", "client"]].drop_duplicates().shape[0]
    assert told["input"]["pools"]["language/m-mid"]["filled_tokens"] > 0


@pytest.mark.slow
@pytest.mark.usefixtures("conduit_alone")
def test_all_422_clients_are_counted_exactly(tmp_path, traffic, omit: Callable[[str], NoReturn]):
    folder = SHARED / "servegen"
    if not (folder / FILE).is_file():
        omit(f"the whole dataset does not stand beside the checkout (shared/datasets/servegen/{FILE})")
    build_demo(tmp_path / "demo", scenario=SCENARIO, source=folder, seed=3, end=ANCHOR)
    assert_the_same(tmp_path / "demo", expected(folder, traffic, 14), 14)
    told = json.loads((tmp_path / "demo" / "truth.json").read_text())
    assert told["input"]["clients"] == 422


def test_the_slice_is_part_of_the_dataset(omit: Callable[[str], NoReturn]):
    file = SHARED / "servegen" / FILE
    if not file.is_file():
        omit(f"the whole dataset does not stand beside the checkout (shared/datasets/servegen/{FILE})")
    own = pd.read_parquet(SLICE / FILE).set_index(["pool", "client", "hour"])
    whole = pd.read_parquet(file).set_index(["pool", "client", "hour"]).loc[own.index]
    pd.testing.assert_frame_equal(own, whole, check_exact=True, check_index_type=False)


def test_prices_are_those_of_the_catalogues(traffic, omit: Callable[[str], NoReturn]):
    folder = SHARED / "llm_prices"
    if not folder.is_dir():
        omit("the price catalogues do not stand beside the checkout (shared/datasets/llm_prices)")
    providers = json.loads((folder / "genai_prices_v2_data.json").read_text(), parse_float=Decimal)
    listed = {
        f"{provider['id']} {model['id']}": model["prices"] for provider in providers for model in provider["models"]
    }
    tokencost = json.loads((folder / "tokencost_model_prices.json").read_text(), parse_float=Decimal)
    for pool in traffic.pools.values():
        catalogue, _, entry = pool.price.source.split(" ", 2)
        if catalogue == "genai-prices":
            assert (pool.price.prompt, pool.price.completion) == (
                listed[entry]["input_mtok"],
                listed[entry]["output_mtok"],
            )
        else:
            per_token = [tokencost[entry][f"{side}_cost_per_token"] for side in ("input", "output")]
            assert [pool.price.prompt, pool.price.completion] == [price * 1_000_000 for price in per_token]


def test_lengths_of_answers_are_the_quantiles_of_the_recorded_conversations(traffic, omit: Callable[[str], NoReturn]):
    file = SHARED / "azure_llm_2023" / "AzureLLMInferenceTrace_conv.csv"
    if not file.is_file():
        omit("the recorded conversations do not stand beside the checkout (shared/datasets/azure_llm_2023)")
    generated = pd.read_csv(file)["GeneratedTokens"].to_numpy()
    count = len(traffic.latency.tokens)
    found = np.rint(np.quantile(generated, np.arange(1, count + 1) / count))
    assert found.tolist() == list(traffic.latency.tokens)


@pytest.mark.slow
@given(
    requests=st.lists(st.integers(0, 10**7), min_size=1, max_size=4),
    amount=st.integers(0, 2**43),
    cv=st.floats(0, 50),
    closed=st.integers(0, 59),
)
def test_every_hour_keeps_its_sums_whatever_the_noise(requests, amount, cv, closed):
    hours = len(requests)
    serving = np.arange(hours * 60) % 60 != closed
    noise = np.random.default_rng(hours).standard_normal(hours * 60)
    minutes = spread(np.array(requests), np.full(hours, cv), noise, serving)
    assert (minutes >= 0).all()
    assert not minutes[~serving].any()
    assert minutes.reshape(-1, 60).sum(axis=1).tolist() == requests
    amounts = along(np.full(hours, amount), minutes)
    assert (amounts >= 0).all()
    assert amounts.reshape(-1, 60).sum(axis=1).tolist() == [amount if count else 0 for count in requests]


@pytest.mark.slow
def test_money_of_an_hour_is_rounded_once_to_a_unit(traffic):
    volumes = read_volumes(traffic, SLICE)
    prices: dict[str, Price] = {pool.model: pool.price for pool in traffic.pools.values()}
    for volume in volumes.all:
        price = prices[volume.model]
        for hour in np.flatnonzero(volume.requests)[:24].tolist():
            exact = price.prompt * int(volume.prompt[hour]) + price.completion * int(volume.completion[hour])
            assert abs(Decimal(int(volume.units[hour])) / UNIT - exact / 1_000_000) <= HALF


def test_longer_answers_take_longer(traffic):
    edges = (1.0, 10.0, 30.0)
    short, long = (traffic.latency.shares(edges, mean) for mean in (15.0, 1500.0))
    assert short.sum() == pytest.approx(1) == long.sum()
    assert short[0] > 0.8
    assert long[:2].sum() < 0.3


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: None, "does not exist"),
        (lambda folder: folder.mkdir(), f"has no {FILE}"),
        (lambda folder: (folder.mkdir(), (folder / FILE).write_text("pool,client")), "cannot be read"),
        (
            lambda folder: (folder.mkdir(), pd.DataFrame({"pool": ["x"]}).to_parquet(folder / FILE)),
            "lacks the columns client",
        ),
        (
            lambda folder: (
                folder.mkdir(),
                pd.read_parquet(SLICE / FILE).assign(requests=-1.0).to_parquet(folder / FILE),
            ),
            "negative",
        ),
        (
            lambda folder: (
                folder.mkdir(),
                pd.read_parquet(SLICE / FILE)
                .query("hour < 24 and pool != 'reason/deepseek-r1'")
                .to_parquet(folder / FILE),
            ),
            "has the pools",
        ),
    ],
)
def test_a_folder_that_is_not_the_dataset_is_refused_with_what_to_do(tmp_path, make: Callable[[Path], Any], says: str):
    make(tmp_path / "data")
    with pytest.raises(ParameterError, match=says) as refused:
        build_demo(tmp_path / "demo", scenario=SCENARIO, source=tmp_path / "data", end=ANCHOR)
    assert refused.value.hint
    assert not (tmp_path / "demo").exists()


def test_a_simulated_scenario_takes_no_folder(tmp_path):
    with pytest.raises(ParameterError, match="simulates everything"):
        build_demo(tmp_path / "demo", source=SLICE, end=ANCHOR)


@pytest.mark.slow
def test_events_name_keys_and_models_of_the_recorded_traffic(tmp_path):
    event = {"id": "x", "kind": "provider_limit", "system": "conduit", "start": "-1d", "duration": "1h"}
    file = short_scenario(tmp_path, events=[{**event, "magnitude": 0.2, "where": {"model": "qwen-pluss"}}])
    with pytest.raises(CatalogError, match="qwen-plus"):
        build_demo(tmp_path / "demo", scenario=file, end=ANCHOR)


def replayed(events: list[dict[str, Any]], tmp_path: Path, parts: int = 1) -> tuple[SystemDay, tuple[Event, ...]]:
    """Simulate the day before the anchor under some events."""
    file = short_scenario(tmp_path, events=events)
    world = world_of(file).anchored(to_ms(ANCHOR))
    conduit = next(model for model in world.models if model.name == "conduit")
    dimensions = {model.name: model.dimensions for model in world.models}
    kinds = {model.name: model.kinds for model in world.models}
    placed = load_scenario(file, dimensions, kinds).place(to_ms(ANCHOR))
    return conduit.simulate(Day(3, to_ms(ANCHOR) // 86_400_000 - 1, parts, placed, {}, recorded=False)), placed


@pytest.mark.slow
def test_full_minutes_are_the_same_in_both_resolutions(tmp_path):
    (coarse, _), (fine, _) = (replayed([], tmp_path, parts) for parts in (1, 4))
    for target, exposure in coarse.exposures.items():
        for labels, one, other in zip(
            exposure.counters, exposure.increments, fine.exposures[target].increments, strict=True
        ):
            np.testing.assert_array_equal(one, other.reshape(-1, 4).sum(axis=1), err_msg=str(labels))


@pytest.mark.slow
def test_an_event_moves_recorded_requests_and_adds_none(tmp_path):
    limit = {"id": "limit", "kind": "provider_limit", "system": "conduit", "start": "-12h", "duration": "2h"}
    outage = {"id": "outage", "kind": "outage", "system": "conduit", "start": "-6h", "duration": "30m"}
    where = {"model": "qwen-plus"}
    events = [{**limit, "magnitude": 0.5, "where": where}, {**outage, "magnitude": 0.25, "where": where}]
    (quiet, _), (loud, _) = replayed([], tmp_path), replayed(events, tmp_path)
    name = "requests.model.qwen-plus"
    np.testing.assert_array_equal(quiet.tally.totals["http.total"], loud.tally.totals["http.total"])
    moved = {
        event: loud.tally.injected[event, kind] for event, kind in (("limit", "model.bad"), ("outage", "http.bad"))
    }
    np.testing.assert_array_equal(moved["limit"], loud.tally.totals["model.bad"])
    np.testing.assert_array_equal(moved["outage"], loud.tally.totals["http.bad"])
    np.testing.assert_array_equal(quiet.tally.totals[name] - moved["outage"], loud.tally.totals[name])
    inside = slice(12 * 60, 14 * 60)
    asked = quiet.tally.totals[name][inside].sum()
    assert moved["limit"].sum() == pytest.approx(asked / 2, rel=0.001)
    cost = [one.tally.totals["cost.model.qwen-plus"][inside].sum() for one in (quiet, loud)]
    assert cost[1] / cost[0] == pytest.approx(1 - moved["limit"].sum() / asked, abs=0.001)


@pytest.mark.slow
def test_an_extension_is_what_one_build_gives(tmp_path):
    file = short_scenario(tmp_path)
    for end in (ANCHOR - timedelta(hours=9, minutes=7), ANCHOR):
        build_demo(tmp_path / "extended", scenario=file, seed=3, end=end, anchor=ANCHOR)
    build_demo(tmp_path / "whole", scenario=file, seed=3, end=ANCHOR, anchor=ANCHOR)
    assert_same_history(tmp_path / "extended", tmp_path / "whole")
