"""Times of what people wait for, each in a process of its own: demo build and start, --help, reports, the overview.

Run with ``python tests/benchmarks/bench_report.py [--home FOLDER]``; a home that holds a demo skips the build.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORKBENCH = [str(Path(sys.executable).with_name("workbench"))]
SYSTEMS = ("conduit", "llm-ab-testing", "choreoai", "counterfactual-lab")
END = "2026-11-01T00:00Z"

_OVERVIEW = """
import time
from datetime import datetime, UTC
from workbench.studies import open_context, overview
from workbench.core.settings import load_settings
context = open_context(load_settings())
end = datetime(2026, 11, 1, tzinfo=UTC)
overview(context, as_of=end)
times = []
for _ in range(5):
    begun = time.perf_counter()
    overview(context, as_of=end)
    times.append(time.perf_counter() - begun)
print(sorted(times)[2])
"""


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, str]:
    """Wall time of a command, and what it printed; its processor time is told beside. [s]"""
    begun, before = time.perf_counter(), os.times()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=1200)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    print(f"  ({used:.1f} s of processor time: {' '.join(command[1:5])})", flush=True)
    return time.perf_counter() - begun, done.stdout


def told(what: str, value: float, bar: float, unit: str) -> None:
    verdict = "ok" if value <= bar else "MISSED"
    print(f"{what:<46} {value:9.2f} {unit:<3} bar {bar:g} {unit:<3} {value / bar:5.2f} of it  {verdict}", flush=True)


def size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="folder with a built demo")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        environment = {**os.environ, "WORKBENCH_HOME": str(home)}
        environment.pop("WORKBENCH_CONFIG", None)
        demo = (given.home or home) / "demo"
        if given.home is None:
            build = [*WORKBENCH, "demo", "build", "--end", END, "--to", str(demo)]
            told("demo build, four systems, cold", timed(build, environment)[0], 120, "s")
            told("demo build again, nothing new", timed(build, environment)[0], 15, "s")
        told("demo on disk", size_mb(demo), 300, "MB")
        settings = Path(scratch) / "workbench.toml"
        settings.write_text(f'home = "{home}"\n[sources.demo]\nkind = "archive"\npath = "{demo.resolve()}"\n')
        environment["WORKBENCH_CONFIG"] = str(settings)
        helped = sorted(timed([*WORKBENCH, "--help"], environment)[0] for _ in range(7))
        told("workbench --help, median of 7", helped[3], 0.3, "s")
        whole = 0.0
        for system in SYSTEMS:
            run = [*WORKBENCH, "report", "run", "monthly", "--system", system, "--month", "2026-10"]
            seconds, printed = timed(run, environment)
            whole += seconds
            told(f"monthly report of {system}, cold process", seconds, 60, "s")
            told("  its HTML", Path(printed.strip()).stat().st_size / 1e6, 6, "MB")
        told("monthly reports of all four, one by one", whole, 180, "s")
        together = timed([*WORKBENCH, "report", "run", "monthly", "--all", "--month", "2026-10"], environment)[0]
        told("monthly report --all", together, 180, "s")
        warm = float(timed([sys.executable, "-c", _OVERVIEW], environment)[1])
        told("overview study, warm, median of 5", warm, 1.5, "s")


if __name__ == "__main__":
    main()
