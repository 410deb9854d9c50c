"""Beside google/slo-generator: the same Prometheus, the same objectives, the same windows.

``python tests/benchmarks/bench_slo_peer.py [rounds]``. The peer pins other versions, so it lives in an environment of
its own below ``.bench``, made here when it is not there. It can only ask for now; the samples end a minute ago and are
still around the edges of all windows, so that both count the same events.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.servers.openmetrics import write_openmetrics
from tests.servers.prometheus import installed, load_blocks, prometheus
from workbench.analysis.slo.verdict import judge
from workbench.catalog import load_catalog
from workbench.catalog.slo.documents import Objective, RatioIndicator
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange
from workbench.query import PrometheusSource
from workbench.studies.counting.indicators import read_counts
from workbench.studies.counting.verdicts import bind, elapsed_spans

HOME = Path(__file__).resolve().parents[2] / ".bench" / "slo-generator-env"
WINDOWS = {"1d": 86_400, "7d": 604_800, "28d": 2_419_200}
SERVICES = 10
QUIET_S = 1_800

PEER = """
import json, sys, time
from slo_generator.compute import compute
asked = json.load(sys.stdin)
config = {"backends": {"prometheus": {"url": asked["url"]}}, "error_budget_policies": {"default": {"steps": [
    {"name": name, "burn_rate_threshold": 9, "alert": False, "message_alert": "", "message_ok": "", "window": seconds}
    for name, seconds in asked["windows"].items()]}}}
found, began = {}, time.perf_counter()
for service in asked["services"]:
    slo = {"apiVersion": "sre.google.com/v2", "kind": "ServiceLevelObjective",
           "metadata": {"name": service, "labels": {"service_name": service, "feature_name": "a", "slo_name": "b"}},
           "spec": {"description": service, "backend": "prometheus", "method": "good_bad_ratio", "exporters": [],
                    "service_level_indicator": {
                        "filter_good": 'http_requests_total{service="%s",status!~"5.."}' % service,
                        "filter_valid": 'http_requests_total{service="%s"}' % service},
                    "goal": 0.999, "error_budget_policy": "default"}}
    for report in compute(slo, config):
        found[service + " " + str(report["window"])] = report.get("sli_measurement")
print(json.dumps({"seconds": time.perf_counter() - began, "sli": found}))
"""


def samples(end_s: int) -> SeriesSet:
    """Thirty days of ten services, a scrape a minute; nothing is served around the edges of the windows."""
    times = np.arange(end_s - 30 * 86_400, end_s + 1, 60)
    ago = end_s - times
    still = np.logical_or.reduce([abs(ago - edge) < QUIET_S for edge in (0, *WINDOWS.values())])
    rng = np.random.default_rng(3)
    rows = []
    for service in range(SERVICES):
        for status, rate in (("200", 900.0), ("404", 60.0), ("500", 0.3 + service * 0.1), ("503", 0.2)):
            counts = np.where(still, 0, rng.poisson(rate, len(times)))
            labels = {"__name__": "http_requests_total", "job": "bench", "instance": "a", "status": status}
            rows.append(({**labels, "service": f"service-{service}"}, times * 1000, 1000.0 + np.cumsum(counts)))
    return SeriesSet.of(rows)


def environment() -> Path:
    python = HOME / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "slo-generator[prometheus]"], check=True)
    return python


def requests_so_far(url: str) -> int:
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    counted = re.findall(r'prometheus_http_requests_total\{code="\d+",handler="/api/v1/[^"]*"\} (\S+)', text)
    return sum(int(float(count)) for count in counted)


def objectives() -> list[Objective]:
    shipped = load_catalog().objective("counterfactual-lab", "availability")
    made = []
    for service in range(SERVICES):
        total = f'http_requests_total{{service="service-{service}"'
        indicator = RatioIndicator(total=f"sum({total}}})", good=f'sum({total},status!~"5.."}})')
        fields = {name: getattr(shipped, name) for name in shipped.__dataclass_fields__}
        made.append(Objective(**{**fields, "id": f"service-{service}", "indicator": indicator}))
    return made


def ours(url: str, as_of: datetime) -> tuple[float, dict[str, tuple[float, float]]]:
    """SLI and events of all objectives over all windows, read once over the longest."""
    began, asked = time.perf_counter(), objectives()
    source = PrometheusSource("bench", url)
    spans = {name: TimeRange(as_of - timedelta(seconds=length), as_of) for name, length in WINDOWS.items()}
    bound = {name: bind(asked, range=span, as_of=as_of, zone="UTC") for name, span in spans.items()}
    longest = bound["28d"]
    counts = list(read_counts(source, {}, asked, elapsed_spans(longest, as_of)).counts.values())
    found = {}
    for name, goals in bound.items():
        for row in judge(counts, goals, {}, as_of=as_of).compliance.frame.itertuples():
            found[f"{row.objective} {WINDOWS[name]}"] = float(row.sli), float(row.total)
    return time.perf_counter() - began, found


def main(rounds: int = 3) -> None:
    release = installed("v3") or installed("v2")
    if release is None:
        print("No Prometheus is installed here; run tests/servers/setup.sh.")
        return
    end_s = int(time.time()) // 60 * 60 - 60
    asked = {"windows": WINDOWS, "services": [f"service-{number}" for number in range(SERVICES)]}
    with tempfile.TemporaryDirectory() as folder:
        text, home = Path(folder) / "bench.om", Path(folder) / "server"
        write_openmetrics(samples(end_s), text)
        load_blocks(release, text, home / "data")
        with prometheus(release, home) as server:
            times: dict[str, list[float]] = {"ours": [], "theirs": []}
            calls: dict[str, int] = {}
            for _ in range(rounds):
                before = requests_so_far(server.url)
                done = subprocess.run(
                    [environment(), "-c", PEER], input=json.dumps({**asked, "url": server.url}), capture_output=True,
                    text=True, check=True, timeout=600,
                )  # fmt: skip
                theirs = json.loads(done.stdout.splitlines()[-1])
                between = requests_so_far(server.url)
                seconds, slis = ours(server.url, datetime.fromtimestamp(end_s, UTC))
                calls = {"theirs": between - before, "ours": requests_so_far(server.url) - between}
                times["ours"].append(seconds)
                times["theirs"].append(theirs["seconds"])
    off = {key: abs(slis[key][0] - sli) for key, sli in theirs["sli"].items()}
    within = sum(apart <= 5e-7 + 1 / slis[key][1] for key, apart in off.items())
    print(f"{SERVICES} objectives x {len(WINDOWS)} windows on Prometheus {release.semantics}, best of {rounds}")
    print(f"  SLI: {within} of {len(off)} the same within its rounding (six digits of whole counts), bar all; largest "
          f"difference {max(off.values()):.2e}")  # fmt: skip
    mine, other = min(times["ours"]), min(times["theirs"])
    print(f"  time: ours {mine:.2f} s, slo-generator {other:.2f} s, ratio {mine / other:.2f}")
    print(f"  requests: ours {calls['ours']}, slo-generator {calls['theirs']}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
