"""Time a Prometheus answer to a labelled frame against prometheus-api-client and against only reading the bytes.

``python tests/benchmarks/bench_prometheus.py [rounds]``. A real Prometheus 3 (or 2) is started where one is installed,
else a stand-in that writes the same answers. Every contender is a process of its own; rounds are interleaved.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SERIES, POINTS, STEP = 200, 11_000, 60
END = 1_795_219_200
START = END - (POINTS - 1) * STEP
LARGE = ("bench_gauge", START, END)
SMALL = ('bench_gauge{instance=~"host-0[01].:9100"}', END - 299 * STEP, END)
SMALL_CALLS = 40
CONTENDERS = ("floor", "client", "fast", "plain")
#: name -> (times faster than the client, x the floor, MB over the base, ms over the request of 20 x 300)
BARS = {"fast": (16.0, 1.8, 120.0, 3.0), "plain": (7.5, None, 300.0, 6.0)}


def gauges() -> Iterator[tuple[dict[str, str], list[float]]]:
    """Make the samples: two decimals, large integers, full precision, four decimals, a quarter each."""
    rng = np.random.default_rng(7)
    hour = (START + np.arange(POINTS) * STEP) % 86_400 / 86_400 * 2 * np.pi
    for i in range(SERIES):
        value = rng.uniform(10, 90) + 10 * np.sin(hour + i) + np.cumsum(rng.normal(0, 0.05, POINTS))
        value += rng.normal(0, 1, POINTS)
        value = (np.round(value, 2), np.round(value * 1e6), value, np.round(value / 100, 4))[i % 4]
        yield {"instance": f"host-{i:03d}:9100", "job": "node", "zone": f"z{i % 3}"}, value.tolist()


@contextmanager
def server() -> Iterator[tuple[str, str]]:
    """Run a server with the samples; give its address and what it is."""
    from tests.servers.prometheus import installed, load_blocks, prometheus

    with tempfile.TemporaryDirectory() as folder:
        release = installed("v3") or installed("v2")
        if release is not None:
            text, home = Path(folder) / "bench.om", Path(folder) / "server"
            with text.open("w") as file:
                file.write("# TYPE bench_gauge gauge\n")
                for labels, values in gauges():
                    names = ",".join(f'{name}="{value}"' for name, value in labels.items())
                    file.writelines(f"bench_gauge{{{names}}} {v!r} {START + k * STEP}\n" for k, v in enumerate(values))
                file.write("# EOF\n")
            load_blocks(release, text, home / "data")
            with prometheus(release, home) as running:
                yield running.url, f"Prometheus {release.semantics}"
            return
        stand_in = subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True)
        try:
            yield stand_in.stdout.readline().strip(), "a stand-in for Prometheus"
        finally:
            stand_in.kill()
            stand_in.wait()


def serve() -> None:
    """Stand in for Prometheus: cut the asked range out of points that are text already."""
    import re

    from tests.query.served import Asked, Says, build, serving, vector

    stamps = [START + k * STEP for k in range(POINTS)]
    series = [
        (labels["instance"], json.dumps({"__name__": "bench_gauge", **labels}, separators=(",", ":")),
         [f'[{t},"{v!r}"]' for t, v in zip(stamps, values, strict=True)])
        for labels, values in gauges()
    ]  # fmt: skip

    def answer(asked: Asked) -> Says:
        if asked.path.endswith("buildinfo"):
            return build()
        matcher = re.search(r'instance=~"([^"]*)"', asked.fields["query"])
        wanted = [one for one in series if matcher is None or re.fullmatch(matcher[1], one[0])]
        if asked.path.endswith("/query"):
            return vector(({}, 0, str(len(wanted))))
        first, last = ((int(float(asked.fields[name])) - START) // STEP for name in ("start", "end"))
        parts = ",".join(f'{{"metric":{head},"values":[{",".join(p[first : last + 1])}]}}' for _, head, p in wanted)
        return Says(f'{{"status":"success","data":{{"resultType":"matrix","result":[{parts}]}}}}'.encode())

    with serving(answer, versioned=False) as served:
        print(served.url, flush=True)
        time.sleep(86_400)


def contender(name: str, url: str) -> Callable[[str, int, int], tuple[int, float]]:
    """Return what answers one question: samples and their sum, from the address to the labelled frame."""
    if name == "floor":
        import urllib3

        pool = urllib3.PoolManager()

        def read(query: str, start: int, end: int) -> tuple[int, float]:
            fields = {"query": query, "start": str(start), "end": str(end), "step": str(STEP)}
            return len(
                pool.request("POST", f"{url}/api/v1/query_range", fields=fields, encode_multipart=False).data
            ), 0.0

        return read
    if name == "client":
        from prometheus_api_client import MetricRangeDataFrame, PrometheusConnect

        warnings.simplefilter("ignore")
        client = PrometheusConnect(url)

        def fetch(query: str, start: int, end: int) -> tuple[int, float]:
            bounds = (datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
            frame = MetricRangeDataFrame(client.custom_query_range(query, *bounds, str(STEP)))
            return len(frame), float(frame["value"].sum())

        return fetch
    if name == "plain":
        sys.modules["numba"] = None
    from workbench.core.timerange import TimeRange
    from workbench.query import PrometheusSource
    from workbench.query.metrics.decode import warm_up

    if warm_up() is not (name == "fast"):
        raise SystemExit(f"numba is {'absent' if name == 'fast' else 'present'}")
    source = PrometheusSource("bench", url)

    def ask(query: str, start: int, end: int) -> tuple[int, float]:
        metrics = source.range(query, TimeRange.from_ms(start * 1000, end * 1000), step_ms=STEP * 1000)
        return metrics.frame.size, float(metrics.values.sum())

    return ask


def work(name: str, url: str) -> None:
    """Be one contender: a line in is a question, a line out its time, its sum and the memory over the base."""
    ask = contender(name, url)
    ask(*SMALL)
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print("ready", flush=True)
    for line in sys.stdin:
        question = LARGE if line.strip() == "large" else SMALL
        calls = []
        for _ in range(1 if question is LARGE else SMALL_CALLS):
            began = time.perf_counter()
            count, total = ask(*question)
            calls.append(time.perf_counter() - began)
        over = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) / 1024
        told = {"s": statistics.median(calls), "count": count, "sum": total, "over_mb": over}
        print(json.dumps(told), flush=True)


def asked(process: subprocess.Popen[str], question: str) -> dict[str, Any]:
    """Let one contender answer."""
    process.stdin.write(f"{question}\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def main(rounds: int = 5) -> None:
    """Print ours, the peer's and the ratio; end with an error when a bar is missed."""
    with server() as (url, product):
        print(f"{SERIES} series x {POINTS:,} points from {product}, median of {rounds} interleaved rounds")
        workers = {
            name: subprocess.Popen(
                [sys.executable, __file__, "work", name, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for name in CONTENDERS
        }
        for process in workers.values():
            process.stdout.readline()
        seen: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for _ in range(rounds):
            for question in ("large", "small"):
                for name, process in workers.items():
                    seen.setdefault((name, question), []).append(asked(process, question))
        for process in workers.values():
            process.stdin.close()
            process.wait()
    missed = report(seen)
    if missed:
        raise SystemExit(f"missed: {'; '.join(missed)}")


def report(seen: dict[tuple[str, str], list[dict[str, Any]]]) -> list[str]:
    """Print the table; return the bars that were missed."""

    def seconds(name: str, question: str) -> float:
        return statistics.median(one["s"] for one in seen[name, question])

    def ratio(name: str, other: str, question: str) -> float:
        pairs = zip(seen[name, question], seen[other, question], strict=True)
        return statistics.median(a["s"] / b["s"] for a, b in pairs)

    peer = seen["client", "large"][0]
    print(f"{'':8}{'wall s':>9}{'faster':>9}{'x floor':>9}{'MB over':>9}{'20x300 ms':>11}{'over http':>11}")
    missed = []
    for name in CONTENDERS:
        over = max(one["over_mb"] for one in seen[name, "large"])
        small = (seconds(name, "small") - seconds("floor", "small")) * 1000
        faster, floor = ratio("client", name, "large"), ratio(name, "floor", "large")
        print(
            f"{name:8}{seconds(name, 'large'):9.3f}{faster:9.1f}{floor:9.2f}{over:9.0f}"
            f"{seconds(name, 'small') * 1000:11.2f}{small:11.2f}"
        )
        if name not in BARS:
            continue
        first = seen[name, "large"][0]
        if first["count"] != peer["count"] or not np.isclose(first["sum"], peer["sum"], rtol=1e-12):
            missed.append(f"{name}: other numbers than the client's")
        least, most, memory, milliseconds = BARS[name]
        if faster < least:
            missed.append(f"{name}: {faster:.1f} times faster than the client, bar {least}")
        if most and floor > most:
            missed.append(f"{name}: {floor:.2f} x the floor, bar {most}")
        if over > memory:
            missed.append(f"{name}: {over:.0f} MB over the base, bar {memory:.0f}")
        if small > milliseconds:
            missed.append(f"{name}: {small:.2f} ms over the request, bar {milliseconds}")
    return missed


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["work", name, url]:
            work(name, url)
        case ["serve"]:
            serve()
        case [rounds]:
            main(int(rounds))
        case _:
            main()
