"""The bars of cost in one run: prices, gates, month ends, anomalies, against a straight line and plain rules.

Run it: ``python tests/benchmarks/bench_cost_bars.py``. It needs ``../shared/datasets`` beside the clone. Error over
straight line: mean relative error of ours over that of spend so far / elapsed x length; the geometric mean over series
(daily), the ratio of medians over clients (ServeGen). Anomalies: 15 injections a series in its last 180 days; a step
counts when it is found within three days; false days are episodes begun per 100 days without an injection.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from workbench.analysis.cost import usual  # noqa: E402
from workbench.analysis.cost.drivers import effects  # noqa: E402
from workbench.analysis.cost.forecast import period_end  # noqa: E402
from workbench.analysis.cost.items import Item  # noqa: E402
from workbench.analysis.cost.prices.book import charge  # noqa: E402
from workbench.analysis.cost.prices.gate import PriceChange, gated  # noqa: E402
from workbench.analysis.cost.prices.imports import genai_prices  # noqa: E402
from workbench.analysis.counting.amounts import summed  # noqa: E402

DATA = ROOT.parent / "shared" / "datasets"
POOLS = ("language/m-large", "language/m-mid", "language/m-small")
RECORDED = datetime(2026, 7, 29, 12, tzinfo=UTC)


def prices() -> None:
    """Priced usages of genai-prices, exact."""
    began = time.perf_counter()
    folder = DATA / "llm_prices"
    book = genai_prices(json.loads((folder / "genai_prices_v2_data.json").read_text(), parse_float=Decimal))
    exact = priced = 0
    for record in json.loads((folder / "genai_prices_usages.json").read_text()):
        for extracted in record["extracted"]:
            for expected in extracted["extractors"]:
                if "input_price" in expected:
                    priced += 1
                    price = book.price(expected["provider_id"], record["model"], RECORDED)
                    cost = charge(extracted["usage"], price) if price else None
                    wanted = Decimal(expected["input_price"]), Decimal(expected.get("output_price", "0"))
                    exact += cost is not None and (cost.input, cost.output) == wanted
    show(
        "priced usages exact", f"{exact} of {priced} in {time.perf_counter() - began:.1f} s", "3474, 5 s", exact == 3474
    )


def gates() -> None:
    """Changes of the catalogue by five or more that no provider announced."""
    rows = pd.read_csv(DATA / "llm_prices" / "tokencost_price_changes.csv", dtype=str)
    rows = rows[(rows["kind"] == "changed") & rows["field"].isin(["input_cost_per_token", "output_cost_per_token"])]
    changes = [PriceChange(row.model, row.field, Decimal(row.old), Decimal(row.new)) for row in rows.itertuples()]
    changes = [one for one in changes if one.old > 0 and one.new > 0]
    genuine = [
        one for one in changes if any(name in one.model for name in ("gpt-4o", "mistral-large", "o3", "codestral"))
    ]
    slips = [one for one in changes if max(one.old / one.new, one.new / one.old) >= 5 and one not in genuine]
    held, passed = sum(gate.held for gate in gated(slips)), sum(not gate.held for gate in gated(genuine))
    said = f"{held} of {len(slips)} held, {passed} of {len(genuine)} genuine pass"
    show("dirty price changes", said, "90 %, all", held >= 0.9 * len(slips) and passed == len(genuine))


def daily() -> dict[str, pd.Series]:
    """Daily series with 200 days or more."""
    rows = pd.read_csv(DATA / "forecast" / "daily.csv.gz", parse_dates=["ds"])
    found = {str(name): part.set_index("ds")["y"].asfreq("D") for name, part in rows.groupby("series")}
    return {name: one.interpolate(limit_direction="both") for name, one in found.items() if len(one) >= 200}


def months(series: pd.Series) -> Iterator[np.ndarray]:
    """Places of the days of each whole month of the last 30 that has two months before it."""
    period = series.index.to_period("M")
    for month in period.unique()[-30:]:
        places = np.flatnonzero(period == month)
        if places[0] >= 62 and len(places) == month.days_in_month:
            yield places


def month_ends() -> None:
    """Month totals at day 10 and day 20."""
    for day, bar in ((10, 0.90), (20, 0.80)):
        ratios, held = [], []
        for series in daily().values():
            values, ours, line = series.to_numpy(float), [], []
            for places in months(series):
                now = places[0] + day
                so_far, true, ahead = values[places[0] : now].sum(), values[places].sum(), len(places) - day
                end = period_end(values[max(0, now - 120) : now], float(ahead))
                ours.append(abs(so_far + end.rest - true) / true)
                line.append(abs(so_far / day * len(places) - true) / true)
                held.append(end.low <= true - so_far <= end.high)
            ratios.append(np.mean(ours) / np.mean(line))
        forecast_row(f"month end at day {day}", float(np.exp(np.mean(np.log(ratios)))), bar, held)


def weeks() -> None:
    """ServeGen's second week after the first, client by client."""
    hours = pd.read_parquet(DATA / "servegen" / "hourly_by_client.parquet")
    for share, bar in ((1 / 3, 0.90), (2 / 3, 0.60)):
        ours, line, held = [], [], []
        for _, part in hours[hours["pool"].isin(POOLS)].groupby(["pool", "client"]):
            values = part.set_index("hour")["requests"].reindex(range(336)).fillna(0).to_numpy(float)
            if not values[:168].sum() or not values[168:].sum():
                continue
            passed = int(168 * share)
            known, so_far, true = values[: 168 + passed], values[168 : 168 + passed].sum(), values[168:].sum()
            days = known[len(known) % 24 :].reshape(-1, 24).sum(axis=1)
            end = period_end(days, (168 - passed) / 24)
            ours.append(abs(so_far + end.rest - true) / true)
            line.append(abs(so_far / passed * 168 - true) / true)
            held.append(end.low <= true - so_far <= end.high)
        forecast_row(f"ServeGen week at {share:.2f}", float(np.median(ours) / np.median(line)), bar, held)


def forecast_row(name: str, ratio: float, bar: float, held: list[bool]) -> None:
    """Print an error and the cover of its interval."""
    show(f"{name}: error over straight line", f"{ratio:.2f}", f"{bar:.2f}", ratio <= bar)
    cover = float(np.mean(held))
    show(f"{name}: cover of the 80 % interval", f"{cover:.2f}", ".75-.85", 0.745 <= cover <= 0.855)


def anomalies() -> None:
    """Spikes of +50 % and steps of +30 % in ten series, and days flagged without any."""
    spikes, steps, false, plain = [], [], [], []
    for series in daily().values():
        values, weekdays = series.to_numpy(float)[-260:], series.index.day_of_week.to_numpy()[-260:].astype(np.int64)
        first = len(values) - 180
        places = np.linspace(first + 5, len(values) - 20, 15).astype(int)
        rows = [values] + [np.where(np.arange(len(values)) == place, values * 1.5, values) for place in places]
        rows += [np.where(np.arange(len(values)) >= place, values * 1.3, values) for place in places]
        out = np.vstack([judged.out for judged in usual.judged_days([row[None] for row in rows], weekdays)])
        spikes.append(np.mean([out[1 + n, place] > 0 for n, place in enumerate(places)]))
        steps.append(np.mean([(out[16 + n, place : place + 3] > 0).any() for n, place in enumerate(places)]))
        false.append(100 * np.mean(out[0, first:] != 0))
        plain.append([np.mean([z_score(row, place) for row, place in zip(rows[1:16], places, strict=True)]),
                      100 * np.mean([z_score(values, day) for day in range(first, len(values))])])  # fmt: skip
    peer = np.mean(plain, axis=0)
    said = f"{np.mean(spikes):.2f} / {np.mean(steps):.2f}; {np.mean(false):.1f} (z > 3: {peer[0]:.2f}; {peer[1]:.1f})"
    good = np.mean(spikes) >= 0.56 and np.mean(steps) >= 0.45 and np.mean(false) <= 2.0
    show("anomalies +50 % day / +30 % step; false in 100", said, ".56 / .45; 2.0", good)


def z_score(values: np.ndarray, day: int) -> bool:
    """Whether a day is more than three deviations from the 30 days before."""
    past = values[day - 30 : day]
    return bool(abs(values[day] - past.mean()) > 3 * past.std(ddof=1))


def sums(rows: int = 10_000_000) -> None:
    """Rows of cost summed by key, model and day, and the second month less the first explained item by item."""
    rng = np.random.default_rng(7)
    book = pd.DataFrame({
        "key": pd.Categorical.from_codes(rng.integers(0, 500, rows), [f"k{n}" for n in range(500)]),
        "model": pd.Categorical.from_codes(rng.integers(0, 12, rows), [f"m{n}" for n in range(12)]),
        "day": pd.Categorical.from_codes(rng.integers(0, 62, rows), list(range(62))),
    })  # fmt: skip
    import pyarrow as pa

    cents = pa.array(rng.integers(1, 10**6, rows)).cast(pa.decimal128(38, 12))
    book["amount"] = pd.arrays.ArrowExtensionArray(pa.chunked_array([cents]))
    began, used = time.perf_counter(), time.process_time()
    parts = summed(book, ["key", "model", "day"])
    for name in ("key", "model", "day"):
        summed(parts, [name])
    parts["later"] = parts["day"].astype(int) >= 31
    halves = summed(parts, ["later", "key", "model"])
    sides = [
        [Item((row.key, row.model), row.amount, row.amount) for row in halves[halves["later"] == later].itertuples()]
        for later in (False, True)
    ]
    shares = effects(*sides)
    seconds, busy = time.perf_counter() - began, time.process_time() - used
    change = sum(item.cost for item in sides[1]) - sum(item.cost for item in sides[0])
    assert sum(sum(part.values()) for part in shares.values()) == change
    said = f"{seconds:.1f} s wall, {busy:.1f} s of processor time"
    show("10 M rows summed by key, model, day, explained", said, "10 s wall", seconds <= 10)


def show(name: str, figure: str, bar: str, good: bool) -> None:
    """Print one bar."""
    print(f"{name:48} {figure:52} bar {bar:16} {'ok' if good else 'MISSED'}", flush=True)


def main() -> None:
    """Print every bar."""
    for part in (prices, gates, month_ends, weeks, anomalies, sums):
        part()


if __name__ == "__main__":
    main()
