"""Capacity forecasts on real series, beside seasonal naive, a plain pool, predict_linear, day blocks and statsforecast.

``python tests/benchmarks/bench_capacity.py [--series N] [--no-peer]``. The peer pins pandas < 3, so it lives in an
environment of its own below ``.bench``, made here when it is not there. ``--series`` takes every so many-th series, to
look quickly. Series: ``shared/datasets/forecast``; without them nothing is measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.capacity_cases import CASES
from workbench.analysis.capacity.level import CapacityLimit, Level
from workbench.analysis.capacity.levels import capacity
from workbench.analysis.forecast.cycles import budget_cycle
from workbench.analysis.forecast.forecast import forecast
from workbench.analysis.forecast.growth import growth_paths
from workbench.analysis.forecast.peaks import daily_peaks, peak_paths
from workbench.analysis.forecast.pool import DAILY, HOURLY, members

Floats = NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "datasets" / "forecast"
PEER_HOME = ROOT / ".bench" / "statsforecast-env"

PEER = """
import sys, time
import numpy as np
from statsforecast.models import AutoTheta, MSTL
given = np.load(sys.argv[1]); found = {}
season = int(sys.argv[3])
for key in given.files:
    steps, values = int(given[key][0]), given[key][1:]
    for name, model in (("AutoTheta", AutoTheta(season_length=season)), ("MSTL", MSTL(season_length=season))):
        began = time.process_time()
        try:
            answer = model.forecast(y=values, h=steps, level=[80, 95])
            rows = [np.asarray(answer[part], float) for part in ("mean", "lo-80", "hi-80", "lo-95", "hi-95")]
        except Exception:
            rows = [np.full(steps, np.nan)] * 5
        found[name + "|" + key] = np.array(rows + [np.full(steps, time.process_time() - began)])
np.savez(sys.argv[2], **found)
"""


#: Members of the pool that the plain median of nine cheap forecasts, a peer, is taken of.
PLAIN = ("last value", "last season", "last long season", "season median", "long season median", "season shape",
         "long season shape", "theta", "smoothed season")  # fmt: skip


@dataclass(frozen=True)
class Split:
    """One origin of one series: what is known, what came, and its bounds."""

    series: str
    past: Floats
    truth: Floats
    upper: float


@dataclass(frozen=True)
class Suite:
    """Splits of one horizon."""

    name: str
    steps: int
    seasons: tuple[int, ...]
    splits: list[Split]


def series_of(name: str, frequency: str, every: int) -> dict[str, Floats]:
    """Read the series of a file on a regular grid, gaps as NaN."""
    frame = pd.read_csv(DATA / name, parse_dates=["ds"])
    found = {
        str(key): part.set_index("ds")["y"].resample(frequency).mean().to_numpy(np.float64)
        for key, part in frame.groupby("series")
    }
    return {key: found[key] for key in list(found)[::every]}


def suite(
    name: str, series: dict[str, Floats], steps: int, origins: int, most: int, least: int, seasons: tuple[int, ...]
) -> Suite:
    """Cut each series at rolling origins, a horizon apart from the end."""
    meta = pd.read_csv(DATA / "ops_hourly_meta.csv").set_index("series")["bounded"]
    splits = []
    for key, values in series.items():
        upper = 100.0 if meta.get(key) == "0..100" else np.inf
        for back in range(1, origins + 1):
            place = len(values) - steps * back
            past, truth = values[max(0, place - most) : max(0, place)], values[max(0, place) : place + steps]
            known = np.flatnonzero(np.isfinite(past))
            if len(known) and len(past) - known[0] >= least and np.isfinite(truth).any():
                splits.append(Split(key, past[known[0] :], truth, upper))
    return Suite(name, steps, seasons, splits)


def naive(past: Floats, steps: int, seasons: tuple[int, ...]) -> Floats:
    """Seasonal naive: the week where two weeks are known, else the day."""
    length = seasons[-1] if len(past) >= 2 * seasons[-1] else seasons[0]
    whole = pd.Series(past)
    for back in range(length, len(past), length):
        whole = whole.fillna(pd.Series(past).shift(back))
    return np.resize(whole.bfill().ffill().to_numpy()[-length:], steps)


def predict_linear(past: Floats, steps: int, window: int) -> Floats:
    """Prometheus' predict_linear over the last samples."""
    recent = past[-window:]
    place = np.flatnonzero(np.isfinite(recent))
    if len(place) < 2:
        return np.full(steps, np.nanmean(past))
    slope, start = np.polyfit(place, recent[place], 1)
    return np.asarray(start + slope * (len(recent) - 1 + np.arange(1, steps + 1)))


def peers(given: Suite) -> dict[str, list[Floats]]:
    """Forecasts of the peers, five rows (middle, 80 % and 95 % band) and one of the CPU time per split."""
    python = PEER_HOME / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEER_HOME)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "statsforecast"], check=True)
    source, target = PEER_HOME / "given.npz", PEER_HOME / "found.npz"
    filled = [pd.Series(split.past).interpolate().bfill().to_numpy() for split in given.splits]
    np.savez(source, **{str(n): np.concatenate([[given.steps], values]) for n, values in enumerate(filled)})
    subprocess.run([str(python), "-c", PEER, str(source), str(target), str(given.seasons[0])], check=True)
    answer = np.load(target)
    return {name: [answer[f"{name}|{n}"] for n in range(len(given.splits))] for name in ("AutoTheta", "MSTL")}


def measure(given: Suite, *, peer: bool) -> None:
    """Print error over seasonal naive, MASE, wins and cover of each method on one suite."""
    rows: dict[str, list[tuple[str, float, float, float, float, float]]] = {}

    def score(name: str, split: Split, paths: list[Floats], seconds: float) -> None:
        known = np.isfinite(split.truth)
        clipped = [np.clip(path, 0, split.upper)[known] for path in paths]
        truth = split.truth[known]
        step = given.seasons[0]
        scale = float(np.nanmean(np.abs(split.past[step:] - split.past[:-step])))
        error = float(np.abs(truth - clipped[0]).mean())
        covers = [
            float(((truth >= clipped[a]) & (truth <= clipped[a + 1])).mean()) if len(clipped) > a else np.nan
            for a in (1, 3)
        ]
        rows.setdefault(name, []).append((split.series, error, error / scale if scale else np.nan, *covers, seconds))

    others = peers(given) if peer else {}
    for number, split in enumerate(given.splits):
        began = time.process_time()
        ours = forecast(split.past, given.steps, seasons=given.seasons, lower=0.0, upper=split.upper)
        score(
            "workbench", split, [ours.middle, ours.low, ours.high, ours.low95, ours.high95], time.process_time() - began
        )
        score("seasonal naive", split, [naive(split.past, given.steps, given.seasons)], 0.0)
        pool = members(split.past, given.steps, given.seasons)
        plain = np.median([pool[member] for member in PLAIN if member in pool], axis=0)
        score("plain pool median", split, [plain], 0.0)
        day = given.seasons[0] if given.seasons == HOURLY else 24
        score("predict_linear", split, [predict_linear(split.past, given.steps, day)], 0.0)
        for name, answers in others.items():
            score(name, split, list(answers[number][:5]), float(answers[number][5][0]))
    columns = ["series", "error", "mase", "c80", "c95", "seconds"]
    each = {name: pd.DataFrame(found, columns=columns) for name, found in rows.items()}
    tables = {name: found.groupby("series").mean() for name, found in each.items()}
    base = tables["seasonal naive"]["error"]
    usable = base.index[base > 0]
    print(f"\n{given.name}: {len(usable)} series, {len(given.splits)} forecasts")
    print(f"{'':17s} error/naive  median MASE of forecasts, of series  wins  cover 80 %  cover 95 %  ms")
    for name, table in tables.items():
        ratio = (table["error"] / base)[usable].clip(lower=1e-9)
        print(
            f"{name:17s} {np.exp(np.log(ratio).mean()):11.3f}  {each[name]['mase'].median():24.3f}"
            f"  {table['mase'].median():9.3f}"
            f"  {(ratio < 1).mean():4.2f}"
            f"  {table['c80'].mean():10.2f}  {table['c95'].mean():10.2f}  {table['seconds'].mean() * 1000:4.0f}"
        )


def rates() -> Iterator[Floats]:
    """Twelve real rates: requests, mentions and purchases an hour."""
    series = series_of("ops_hourly.csv.gz", "h", 1)
    for name, values in series.items():
        if name == "ms_api-01" or "Twitter" in name or "purchase" in name:
            yield pd.Series(values).interpolate().bfill().to_numpy()


def stored(rate: Floats, *, cleaned: bool) -> Floats:
    """Grow a store from a rate; cleaned, it loses 70 % of each day's growth at the end of the day."""
    growth = rate.copy()
    if cleaned:
        for end in range(23, len(rate), 24):
            growth[end] -= 0.7 * rate[end - 23 : end + 1].sum()
    return np.cumsum(growth)


def day_blocks(past: Floats, hours: int) -> Floats:
    """Day-block bootstrap of the increments of four weeks."""
    steps = np.diff(past)[-28 * 24 :]
    blocks = steps[len(steps) % 24 :].reshape(-1, 24)
    drawn = np.random.default_rng(0).integers(0, len(blocks), (400, hours // 24))
    return past[-1] + np.cumsum(blocks[drawn].reshape(400, -1), axis=1)


def straight(past: Floats, hours: int) -> Floats:
    """predict_linear over a week, as one path."""
    return predict_linear(past, hours, 168)[None, :]


def storage(*, cleaned: bool, every: int) -> None:
    """Print error, cover and Brier score of the dates at which stores are full."""
    hours = 14 * 24
    methods: dict[str, Callable[[Floats, int], Floats]] = {
        "workbench": lambda past, ahead: growth_paths(past, ahead),
        "day-block bootstrap": day_blocks,
        "predict_linear 7 d": straight,
    }
    for protocol in ("limits at the true level of 8 hours evenly ahead", "limits at 0.5 to 12 days of past growth"):
        scores: dict[str, list[tuple[float, bool, float, bool, bool]]] = {}
        for rate in list(rates())[::every]:
            level = stored(rate, cleaned=cleaned)
            last = len(level) - hours
            for origin in np.linspace(max(14 * 24, last - 70 * 24), last, 6).astype(int):
                past, future = level[max(0, origin - 28 * 24) : origin], level[origin : origin + hours]
                top = np.maximum.accumulate(future)
                daily = (past[-1] - past[-14 * 24]) / 14
                even = [top[hour - 1] for hour in range(42, hours + 1, 42)]
                limits = (
                    even
                    if protocol.endswith("ahead")
                    else [past[-1] + daily * days for days in (0.5, 1, 2, 3, 4, 6, 8, 12)]
                )
                for name, method in methods.items():
                    paths = np.maximum.accumulate(method(past, hours), axis=1)
                    for limit in limits:
                        if limit <= past[-1]:
                            continue
                        truth = int(np.argmax(future >= limit)) + 1 if (future >= limit).any() else None
                        first = np.where(paths[:, -1] >= limit, (paths >= limit).argmax(axis=1) + 1.0, np.inf)
                        low, middle, high = np.quantile(first, [0.1, 0.5, 0.9], method="lower")
                        chance, soon = float((first <= 72).mean()), truth is not None and truth <= 72
                        apart = np.nan if truth is None else abs(min(middle, hours) - truth) / truth
                        inside = truth is not None and low <= truth <= high
                        scores.setdefault(name, []).append(
                            (apart, inside, (chance - soon) ** 2, soon, soon and chance < 0.5)
                        )
        print(f"\nstorage{', cleaned nightly' if cleaned else ''}; {protocol}")
        print(f"{'':20s} date error  cover  Brier 72 h  missed")
        for name, found in scores.items():
            table = pd.DataFrame(found, columns=["apart", "inside", "brier", "soon", "missed"])
            dated = table["apart"].notna()
            print(
                f"{name:20s} {table['apart'].median():10.3f}  {table['inside'][dated].mean():5.2f}"
                f"  {table['brier'].mean():10.4f}  {table['missed'].sum() / max(table['soon'].sum(), 1):6.2f}"
            )


def levels(every: int) -> None:
    """Print Brier scores of reaching a limit within a fortnight."""
    series = {key: y for key, y in series_of("ops_hourly.csv.gz", "h", 1).items() if len(y) >= 42 * 24}
    found: dict[tuple[str, str], list[float]] = {}
    reached: dict[str, list[bool]] = {}
    for values in list(series.values())[::every]:
        for back in (14, 21, 28, 35, 42):
            place = len(values) - back * 24
            past, future = values[max(0, place - 63 * 24) : max(0, place)], values[place : place + 14 * 24]
            if len(past) < 28 * 24:
                continue
            peaks = daily_peaks(past)
            tops = peak_paths(past, 14).max(axis=1)
            for name, limit in (("highest so far", np.nanmax(past)), ("97th percentile", np.nanquantile(past, 0.97))):
                truth = bool(np.nanmax(future) >= limit)
                share = np.mean([np.nanmax(peaks[start : start + 14]) >= limit for start in range(len(peaks) - 13)])
                reached.setdefault(name, []).append(truth)
                found.setdefault((name, "workbench"), []).append((float((tops >= limit).mean()) - truth) ** 2)
                found.setdefault((name, "share of past fortnights"), []).append((float(share) - truth) ** 2)
    print(f"\nlevels: reached in 14 d, {len(series)} series")
    for name, truths in reached.items():
        rate = np.mean(truths)
        print(
            f"{name:16s} reached {rate:.2f}  base rate {rate * (1 - rate):.3f}  "
            + "  ".join(f"{method} {np.mean(scores):.3f}" for (limit, method), scores in found.items() if limit == name)
        )


def budgets(series: dict[str, Floats]) -> None:
    """Print how many ordinary series are taken for budgets at some hour of a month, and the cases of section 8."""
    start = datetime(2026, 11, 1, tzinfo=UTC)
    taken = [
        key
        for key, values in series.items()
        if any(
            budget_cycle(values, as_of=start + timedelta(hours=hour), budget=False) is not None for hour in range(720)
        )
    ]
    right = {name: case() for name, case in CASES.items()}
    print(
        f"\ntaken for budgets: {len(taken)} of {len(series)}; cases right: {sum(right.values())} of {len(right)}"
        f" {[name for name, good in right.items() if not good]}"
    )


def pace(series: dict[str, Floats]) -> None:
    """Print the CPU time of 500 levels and of the import of the study."""
    known = [values for values in series.values() if len(values) >= 14 * 24]
    chosen = [
        Level("r", "r", str(n), "x", known[n % len(known)][-63 * 24 :], (CapacityLimit("l", 1e9),)) for n in range(500)
    ]
    began = time.process_time()
    capacity(chosen, as_of=datetime(2026, 11, 1, tzinfo=UTC), horizon_days=30)
    seconds = time.process_time() - began
    text = "import time; import workbench.studies.capacity.forecast; print(time.process_time())"
    imported = float(
        subprocess.run([sys.executable, "-c", text], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    )
    print(f"\n500 levels: {seconds:.0f} s CPU; import of the capacity study: {imported:.1f} s CPU")


def main() -> None:
    """Run every suite and print the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=1, metavar="N", help="take every N-th series")
    parser.add_argument("--no-peer", action="store_true", help="leave statsforecast out")
    options = parser.parse_args()
    if not DATA.exists():
        print(json.dumps({"skipped": f"{DATA} is not here"}))
        return
    every, peer = options.series, not options.no_peer
    hourly, daily = series_of("ops_hourly.csv.gz", "h", every), series_of("daily.csv.gz", "D", every)
    measure(suite("24 h ahead", hourly, 24, 4, 28 * 24, 48, HOURLY), peer=peer)
    measure(suite("168 h ahead", hourly, 168, 2, 56 * 24, 336, HOURLY), peer=peer)
    measure(suite("daily, 28 d ahead", daily, 28, 4, 365, 56, DAILY), peer=peer)
    for cleaned in (False, True):
        storage(cleaned=cleaned, every=every)
    levels(every)
    budgets(hourly)
    pace(hourly)


if __name__ == "__main__":
    main()
