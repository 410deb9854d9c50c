"""Episodes against random truth, beside a range query; and a million episodes: ``bench_alerts.py [seeds]``."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.analysis.alert_storms import BASE, PERIOD_MS, scored, stormy
from tests.analysis.alert_truth import recorded, truth_of
from tests.studies.test_alert_lint import NOW, SEEDED
from workbench.analysis.alerts.bursts import alert_bursts, period_counts
from workbench.analysis.alerts.load import alert_measures
from workbench.analysis.alerts.marks import instants_ms
from workbench.analysis.alerts.summary import alert_episodes, alert_hours, alert_rules, noisiest_alerts
from workbench.analysis.counting.episodes import evaluated, evaluation_intervals, firing_episodes
from workbench.catalog import load_catalog
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange
from workbench.studies import Context, alert_lint
from workbench.studies.sources.unavailable import UnavailableSource


def against_truth(seed: int) -> None:
    """Print how many episodes are too many or too few, and how far edges are off. [count], [intervals]"""
    data = recorded(seed=seed)
    seen = evaluated(SeriesSet.of([*data.alerts, *data.up]))
    assert seen is not None
    frame = firing_episodes(
        data.alerts,
        data.since,
        seen,
        interval_ms=evaluation_intervals(data.alerts, data.since),
        without=("replica",),
        up=data.up,
    )
    wrong, naive, edges, episodes = 0, 0, 0, 0
    for rule in data.rules:
        own = frame[(frame["alertname"] == rule.name) & ~frame["left_censored"]]
        truth = truth_of(rule)
        episodes += len(truth)
        wrong += abs(len(own) - len(truth))
        naive += abs(data.naive[rule.name] - len(truth))
        if len(own) == len(truth) and len(own):
            starts = own["starts_at"].astype("int64").to_numpy() - np.array([start for start, _ in truth])
            ends = own["ends_at"].astype("int64").to_numpy() - np.array([end for _, end in truth])
            known = ~own["right_censored"].to_numpy()
            edges += int((abs(starts) > rule.interval).sum() + (abs(ends[known]) > rule.interval).sum())
    print(
        f"seed {seed}: {episodes} episodes of {len(data.rules)} rules; too many or too few {wrong} "
        f"(range query at 60 s: {naive}); edges off by more than one interval {edges}"
    )


def a_million() -> None:
    """Print the time for a million episodes of 10,000 label sets, from episodes to every table. [s]"""
    count, sets = 1_000_000, 10_000
    draw = np.random.default_rng(0)
    begin = pd.Timestamp("2026-10-01", tz="UTC")
    labels = [{"instance": f"i{number}", "system": "s"} for number in range(sets)]
    own = draw.integers(0, sets, count)
    starts = np.sort(draw.integers(0, 30 * 86_400_000, count))
    lasts = (draw.exponential(600_000, count) + 15_000).astype(np.int64)
    base = int(begin.timestamp() * 1000)
    frame = pd.DataFrame(
        {
            "alertname": pd.Series([f"A{number % 500}" for number in own], dtype="str"),
            "severity": pd.Series(np.where(own % 3 == 0, "critical", "warning"), dtype="str"),
            "labels": [labels[number] for number in own],
            "active_at": pd.to_datetime(base + starts, unit="ms", utc=True).as_unit("ms"),
            "starts_at": pd.to_datetime(base + starts, unit="ms", utc=True).as_unit("ms"),
            "ends_at": pd.to_datetime(base + starts + lasts, unit="ms", utc=True).as_unit("ms"),
            "left_censored": False,
            "right_censored": False,
            "unknown_s": 0.0,
        }
    )
    span = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC) + timedelta(days=30))
    began = time.perf_counter()
    found = alert_episodes(frame, span, observed_s=span.seconds, zone="Europe/Warsaw")
    for table in (alert_rules, alert_measures, noisiest_alerts, alert_hours, alert_bursts):
        table(found)
    print(f"{count:,} episodes of {sets:,} label sets, all tables: {time.perf_counter() - began:.1f} s (bar 30 s)")
    per = count // sets
    series, states = [], []
    for number in range(sets):
        first = np.sort(draw.choice(30 * 1440 // 4, per, replace=False)) * 4 * 60_000 + base
        times = np.concatenate([first, first + 60_000])
        times.sort()
        key = {"alertname": f"A{number % 500}", "instance": f"i{number}"}
        series.append(({"__name__": "ALERTS", "alertstate": "firing", **key}, times, np.ones(len(times))))
        states.append(({"__name__": "ALERTS_FOR_STATE", **key}, times, np.repeat(first // 1000, 2).astype(float)))
    alerts, since = SeriesSet.of(series), SeriesSet.of(states)
    began = time.perf_counter()
    seen = evaluated(alerts)
    assert seen is not None
    rebuilt = firing_episodes(alerts, since, seen, interval_ms=evaluation_intervals(alerts, since))
    print(f"{len(rebuilt):,} episodes out of {alerts.samples:,} samples: {time.perf_counter() - began:.1f} s")


def storms(seeds: int = 60) -> None:
    """Print how many planted storms are named, and how many stretches without one; beside two plain limits."""
    named = {"burst": np.zeros(3, int), "flood": np.zeros(3, int), "Poisson bound of the mean": np.zeros(3, int)}
    for seed in range(3000, 3000 + seeds):
        alerts, planted = stormy(seed)
        frame = alert_bursts(alerts).frame
        first, last = ((instants_ms(frame[edge]) - BASE) // PERIOD_MS for edge in ("start", "end"))
        for kind in ("burst", "flood"):
            mine = (frame["kind"] == kind).to_numpy()
            named[kind] += scored(list(zip(first[mine].tolist(), last[mine].tolist(), strict=True)), planted)
        counts = period_counts(instants_ms(alerts.frame["starts_at"]), alerts.range)
        above = np.flatnonzero(counts > max(2, stats.poisson.isf(1e-3, counts.mean())))
        runs = np.split(above, np.flatnonzero(np.diff(above) > 4) + 1) if len(above) else []
        named["Poisson bound of the mean"] += scored([(int(run[0]), int(run[-1]) + 1) for run in runs], planted)
    for name, (right, wrong, missed) in named.items():
        score = 2 * right / (2 * right + wrong + missed)
        print(f"storms, {name}: {right} of {right + missed} named, {wrong} without a storm, F1 {score:.2f} (paper .9)")


def seeded_mistakes() -> None:
    """Print how many seeded mistakes in rule files our checks find, and how many ``promtool`` with every lint on."""
    context = Context(sources={"none": UnavailableSource("none", "", "No server here.")}, catalog=load_catalog())
    peers = {
        "promtool --lint=all": ["promtool", "check", "rules", "--lint=all", "--lint-fatal"],
        "pint": ["pint", "--no-color", "--offline", "lint", "--fail-on=warning"],
    }
    peers = {name: command for name, command in peers.items() if shutil.which(command[0])}
    ours, theirs = 0, dict.fromkeys(peers, 0)
    with tempfile.TemporaryDirectory() as folder:
        for check, text in SEEDED:
            path = Path(folder) / "rules.yml"
            path.write_text(text)
            study = alert_lint(context, system="choreoai", path=path, as_of=NOW, history=False)
            ours += check in set(study.results["problems"].frame["check"])
            lines = textwrap.indent(text.strip("\n"), "      ")
            path.write_text(f"groups:\n  - name: seeded\n    rules:\n{lines}\n")
            for name, command in peers.items():
                done = subprocess.run([*command, str(path)], capture_output=True, check=False, cwd=folder)
                theirs[name] += done.returncode != 0
    others = ", ".join(f"{name} {count}" for name, count in theirs.items()) or "neither promtool nor pint is installed"
    print(f"{len(SEEDED)} seeded mistakes: workbench {ours} (bar 29 of 30), {others}")


if __name__ == "__main__":
    for each in range(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        against_truth(each)
    seeded_mistakes()
    storms()
    a_million()
