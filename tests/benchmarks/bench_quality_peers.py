"""Drift beside evidently's default, river and NannyML in one run, on the same streams, rows and predictions.

Run it: ``python tests/benchmarks/bench_quality_peers.py [series] [seed]``; the peers are the extra ``bench``, one that
is not installed is named and left out. Parts: quiet streams and steps (ours, evidently's default on each day, ADWIN's
default on hours); random halves and known changes of llmdrift; 500 pairs judged from rows and from buckets; the
predictions of nannyml_data; 10 million rows of 20 columns.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import stats

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.bench_quality import REFERENCE, judged, streams  # noqa: E402
from workbench.analysis.quality.columns import drift_of_columns  # noqa: E402
from workbench.analysis.quality.tally import buckets_tally, numbers_tally  # noqa: E402
from workbench.studies.quality.estimate import PredictionColumns, performance_estimate  # noqa: E402
from workbench.studies.quality.rows import Split, rows_drift  # noqa: E402

DATA = ROOT.parent / "shared" / "datasets"
NOW = np.array([False, True])
Floats = np.ndarray[Any, np.dtype[np.float64]]


def installed(name: str) -> bool:
    there = importlib.util.find_spec(name) is not None
    if not there:
        print(f"{name} is not installed (extra bench): left out")
    return there


def evidently_verdict(reference: Floats, current: Floats) -> bool:
    """Return what evidently's default says of a column of numbers; its rule, as the package needs pandas below 3."""
    if len(reference) <= 1000:
        return bool(stats.ks_2samp(reference, current).pvalue < 0.05)
    return bool(stats.wasserstein_distance(reference, current) / max(float(np.std(reference)), 0.001) >= 0.1)


def adwin_alarm(values: Floats) -> bool:
    """Whether ADWIN's default alarms on hours after the reference."""
    from river.drift import ADWIN

    detector, alarmed = ADWIN(), False
    for place, value in enumerate(values.ravel()):
        if np.isfinite(value):
            detector.update(float(value))
            alarmed |= place >= REFERENCE * 24 and detector.drift_detected
    return alarmed


def stream_part(rng: np.random.Generator, series: int) -> None:
    peers: dict[str, Callable[[Floats], bool]] = {}
    if installed("river"):
        peers["ADWIN"] = adwin_alarm
    # One comparison: the last judged day against the reference, as its default is used.
    peers["evidently, 1 day"] = lambda one: evidently_verdict(
        one[:REFERENCE].ravel()[np.isfinite(one[:REFERENCE].ravel())], one[-1][np.isfinite(one[-1])]
    )
    print(f"runs with a drift, quiet / after a step of 2 sd ({series} series; ours: 30 days, peers as named)")
    few = min(series, 60)
    for kind, quiet in streams(rng, series):
        fell = quiet.copy()
        fell[:, REFERENCE:] -= 2
        ours = [float(judged(part).drifting[:, REFERENCE:].any(axis=1).mean()) for part in (quiet, fell)]
        texts = [f"ours {ours[0]:.3f} / {ours[1]:.3f}"]
        for name, alarm in peers.items():
            shares = [np.mean([alarm(part[place]) for place in range(few)]) for part in (quiet, fell)]
            texts.append(f"{name} {shares[0]:.2f} / {shares[1]:.2f}")
        print(f"  {kind:14s} " + "   ".join(texts))


def halves_part(rng: np.random.Generator) -> None:
    path = DATA / "llmdrift" / "PRIME_FULL_EVAL.csv"
    if not path.exists():
        print("llmdrift is not beside the checkout: left out")
        return
    rows = pd.read_csv(path, usecols=["model", "latency", "cost", "answer_token"])
    one = rows[rows["model"] == "openaichat/gpt-4-0314"]
    false: Counter[str] = Counter()
    for _ in range(200):
        picked, sides = one.iloc[rng.permutation(len(one))[:400]], np.repeat([0, 1], 200)
        tallies = [numbers_tally(name, picked[name].to_numpy(float), sides) for name in ("latency", "cost")]
        false["ours"] += bool((drift_of_columns(tallies, NOW).changes.frame["verdict"] == "drift").any())
        parts = [picked[name].to_numpy(float) for name in ("latency", "cost")]
        false["evidently"] += any(evidently_verdict(part[:200], part[200:]) for part in parts)
    print("random halves of one version (200 each) called a drift: "
          + ", ".join(f"{name} {count / 200:.3f}" for name, count in false.items()) + " (bar 0.05)")  # fmt: skip


def pair(rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Draw two samples of a score of one kind, changed or not, and the bounds of its histogram."""
    kind = rng.choice(["stars", "share", "latency"])
    change = rng.choice(["none", "none", "shift", "spread", "fall"])
    size, much = int(rng.choice([100, 300, 1000, 5000, 20_000])), float(rng.choice([0.1, 0.2, 0.3, 0.5, 1.0]))
    bounds = {
        "stars": np.arange(1.0, 6.0), "share": np.arange(0.05, 1.01, 0.05),
        "latency": np.array([0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10, 15, 20, 30, 60]),
    }[kind]  # fmt: skip

    def drawn(changed: bool) -> Floats:
        if kind == "stars":
            values = rng.choice(np.arange(1.0, 6.0), size, p=[0.02, 0.05, 0.13, 0.45, 0.35])
        elif kind == "share":
            values = np.clip(rng.normal(0.7, 0.12, size), 0, 1)
        else:
            values = rng.lognormal(0, 0.8, size)
        if not changed or change == "none":
            return values
        middle = values.mean()
        if change == "shift":
            fewer = np.maximum(bounds[0], values - (rng.random(size) < much / 2))
            return fewer if kind == "stars" else values * (1 - 0.2 * much)
        if change == "spread":
            wide = middle + (values - middle) * (1 + much)
            return np.clip(np.round(wide), 1, 5) if kind == "stars" else np.maximum(wide, 0)
        return np.where(rng.random(size) < 0.25 * much, bounds[0], values)

    return drawn(False), drawn(True), bounds


def agreement_part(rng: np.random.Generator) -> None:
    verdicts: Counter[tuple[bool, bool]] = Counter()
    for _ in range(500):
        before, after, bounds = pair(rng)
        edges = np.append(bounds, np.inf)
        sides = np.repeat([0, 1], [len(before), len(after)])
        rows = numbers_tally("score", np.concatenate([before, after]), sides)
        counts = [np.bincount(np.searchsorted(edges, part), minlength=len(edges)) for part in (before, after)]
        buckets = buckets_tally("score", edges, np.array(counts, float)[:, None, :])
        first, second = (
            drift_of_columns([tally], NOW).changes.frame["verdict"].iloc[0] == "drift" for tally in (rows, buckets)
        )
        verdicts[bool(first), bool(second)] += 1
    same = verdicts[True, True] + verdicts[False, False]
    alone = f"rows only {verdicts[True, False]}, buckets only {verdicts[False, True]}"
    print(f"rows and buckets give one verdict in {same / 5:.1f} % of 500 pairs (bar 99); both drift "
          f"{verdicts[True, True]}, {alone}")  # fmt: skip


def label_part() -> None:
    folder, ctx = DATA / "nannyml_data", SimpleNamespace(tables={}, zone="UTC")
    if not folder.exists():
        print("nannyml_data is not beside the checkout: left out")
        return
    peer = installed("nannyml")
    for name, ending, columns in (
        ("california_housing", "csv", PredictionColumns("y_pred_proba", "y_pred", "clf_target")),
        ("employment_MA", "pq", PredictionColumns("predicted_probability", "prediction", "employed", "year")),
    ):
        files = [folder / f"{name}_{part}.{ending}" for part in ("reference", "analysis")]
        result = performance_estimate(ctx, reference=files[0], now=files[1], columns=columns)  # type: ignore[arg-type]
        now = result.frame[result.frame["part"] == "now"]
        print(f"{name}: ours {'alarm' if result.alarmed else 'no alarm'} "
              f"({int((now['verdict'] == 'alarm').sum())} of {len(now)} values)")  # fmt: skip
        if peer:
            os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # it calls home otherwise
            import nannyml

            read = pd.read_csv if ending == "csv" else pd.read_parquet
            before, after = (read(file) for file in files)
            model = nannyml.CBPE(
                y_pred_proba=columns.probability, y_pred=columns.predicted, y_true=columns.truth,
                metrics=["roc_auc", "accuracy"], problem_type="classification_binary",
                chunk_number=10,
            ).fit(before)  # fmt: skip
            frame = model.estimate(after).filter(period="analysis").to_df()
            alerts = {metric: int(frame[(metric, "alert")].sum()) for metric in ("roc_auc", "accuracy")}
            print(f"  NannyML: {alerts} of {len(frame)} chunks each")


def size_part(rng: np.random.Generator) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, size = Path(folder) / "rows.parquet", 1_000_000
        writer = None
        for part in range(10):
            place = np.arange(part * size, (part + 1) * size)
            columns = {f"score{number}": rng.normal(size=size) for number in range(10)}
            columns |= {f"latency{number}": rng.lognormal(0, 1, size) for number in range(5)}
            columns |= {f"tokens{number}": rng.poisson(300, size).astype(float) for number in range(2)}
            times = pa.array(1_757_000_000_000 + place * 302, pa.timestamp("ms", "UTC"))
            models = pa.array(rng.choice(["a", "b", "c"], size))
            more = {"time": times, "stars": rng.integers(1, 6, size), "model": models}
            table = pa.table({**columns, **more})
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
        assert writer is not None
        writer.close()
        begun, used = time.perf_counter(), time.process_time()
        rows_drift(SimpleNamespace(tables={}, zone="UTC"), rows=path, split=Split(time="time"))  # type: ignore[arg-type]
        seconds, busy = time.perf_counter() - begun, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"10,000,000 rows x 20 columns: {seconds:.1f} s, {busy:.1f} s of CPU (bar 20), {peak:.2f} GiB at most (bar 4)"
    )


def main() -> None:
    series = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    rng = np.random.default_rng(int(sys.argv[2]) if len(sys.argv) > 2 else 20)
    warnings.simplefilter("ignore")
    size_part(rng)
    agreement_part(rng)
    label_part()
    halves_part(rng)
    stream_part(rng, series)


if __name__ == "__main__":
    main()
