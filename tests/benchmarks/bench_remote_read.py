"""Time raw samples by remote read against prometheus-api-client: ``bench_remote_read.py [rounds]``.

200 series x 11,000 samples from a real Prometheus 3 and 2, both running at once; every contender is a process of its
own and rounds are interleaved. The client's way to the same samples is ``custom_query_range`` at the scrape interval.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from bench_prometheus import END, POINTS, SERIES, START, STEP, contender, gauges

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

CONTENDERS = ("client", "fast", "plain")
#: name -> times faster than the client
BARS = {"fast": 40.0, "plain": 20.0}


@contextmanager
def servers() -> Iterator[dict[str, str]]:
    """Run both releases over the same blocks; give their addresses by name."""
    from tests.servers.prometheus import installed, load_blocks, prometheus

    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        text = Path(folder) / "bench.om"
        with text.open("w") as file:
            file.write("# TYPE bench_gauge gauge\n")
            for labels, values in gauges():
                names = ",".join(f'{name}="{value}"' for name, value in labels.items())
                file.writelines(f"bench_gauge{{{names}}} {v!r} {START + k * STEP}\n" for k, v in enumerate(values))
            file.write("# EOF\n")
        found = {}
        for semantics, name in (("v3", "Prometheus 3"), ("v2", "Prometheus 2")):
            release = installed(semantics)
            if release is None:
                print(f"{name} is not installed and is left out")
                continue
            load_blocks(release, text, Path(folder) / semantics / "data")
            found[name] = stack.enter_context(prometheus(release, Path(folder) / semantics)).url
        yield found


def puller(name: str, url: str) -> Callable[[], tuple[int, float]]:
    """Return what pulls all samples once and gives their number and sum."""
    if name == "client":
        ask = contender("client", url)
        return lambda: ask("bench_gauge", START, END)
    if name == "plain":
        sys.modules["numba"] = None
    from workbench.core.timerange import TimeRange
    from workbench.query import PrometheusSource
    from workbench.query.metrics.remote.remote_read import warm_up

    if warm_up() is not (name == "fast"):
        raise SystemExit(f"numba is {'absent' if name == 'fast' else 'present'}")
    source = PrometheusSource("bench", url)
    span = TimeRange.from_ms(START * 1000 - 1, END * 1000)

    def pull() -> tuple[int, float]:
        found = source.history("bench_gauge", span.left_open())
        if found.way != "remote read":
            raise SystemExit(f"pulled by {found.way}")
        return found.series.samples, float(found.series.values.sum())

    return pull


def work(name: str, url: str) -> None:
    """Be one contender: each line in is one pull, a line out its time, its count and its sum."""
    pull = puller(name, url)
    pull()
    print("ready", flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        count, total = pull()
        print(json.dumps([time.perf_counter() - began, count, total]), flush=True)


def main(rounds: int = 5) -> None:
    """Print ours, the peer's, the ratio and the bar for each server; end with an error when a bar is missed."""
    missed = []
    with servers() as running:
        for product, url in running.items():
            command = [sys.executable, __file__, "work"]
            workers = {
                name: subprocess.Popen([*command, name, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                for name in CONTENDERS
            }
            for process in workers.values():
                process.stdout.readline()
            seen: dict[str, list[list[float]]] = {name: [] for name in CONTENDERS}
            for _ in range(rounds):
                for name, process in workers.items():
                    process.stdin.write("pull\n")
                    process.stdin.flush()
                    seen[name].append(json.loads(process.stdout.readline()))
            for process in workers.values():
                process.stdin.close()
                process.wait()
            missed += report(product, seen)
    if missed:
        raise SystemExit(f"missed: {'; '.join(missed)}")


def report(product: str, seen: dict[str, list[list[float]]]) -> list[str]:
    """Print the table of one server; return the bars that were missed."""
    peer = statistics.median(one[0] for one in seen["client"])
    print(f"{product}: {SERIES} series x {POINTS:,} samples, median of {len(seen['client'])} interleaved rounds")
    print(f"  {'prometheus-api-client':24}{peer:8.3f} s")
    missed = []
    for name, bar in BARS.items():
        ours = statistics.median(one[0] for one in seen[name])
        faster = statistics.median(a[0] / b[0] for a, b in zip(seen["client"], seen[name], strict=True))
        what = "with numba" if name == "fast" else "without numba"
        print(f"  {'remote read ' + what:24}{ours:8.3f} s{faster:8.1f} times faster   bar {bar:.0f}")
        _, count, total = seen[name][0]
        if count != seen["client"][0][1] or not np.isclose(total, seen["client"][0][2], rtol=1e-12):
            missed.append(f"{product}, {name}: other samples than the client's")
        if faster < bar:
            missed.append(f"{product}, {name}: {faster:.1f} times, bar {bar:.0f}")
    return missed


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["work", name, url]:
            work(name, url)
        case arguments:
            main(*(int(argument) for argument in arguments))
