"""Many systems through the executor: 4, 16 and 64 systems x month, with one worker and with two.

The four systems of the demo stand for 64: each is judged again for each copy, from the archive, with nothing kept.

    python tests/benchmarks/bench_scale.py [HOME_WITH_DEMO] [TCP_ADDRESS_OF_DASK]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from workbench.core.executor import Executor, LocalProcesses
from workbench.core.executor.cluster import Cluster
from workbench.core.settings import Settings

SYSTEMS = ("choreoai", "conduit", "counterfactual-lab", "llm-ab-testing")
TASK = "tests.benchmarks.scale_tasks:month"


def measured(executor: Executor, settings: Settings, count: int) -> dict[str, Any]:
    """Judge ``count`` systems, four in a task, and return what it took in all and for each system."""
    systems = [SYSTEMS[number % 4] for number in range(count)]
    began = time.monotonic()
    futures = [
        executor.submit(TASK, {"settings": settings.model_dump(mode="json"), "systems": systems[first : first + 4]})
        for first in range(0, count, 4)
    ]
    results = [future.result() for future in futures]
    wall = time.monotonic() - began
    return {
        "systems": count,
        "objectives": sum(each["objectives"] for each in results),
        "wall_s": round(wall, 1),
        "wall_per_system_s": round(wall / count, 2),
        "cpu_per_system_s": round(sum(each["cpu_s"] for each in results) / count, 2),
        "peak_mib": round(max(each["peak_mib"] for each in results)),
    }


def main() -> None:
    home = Path(sys.argv[1] if len(sys.argv) > 1 else ".workbench").resolve()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_validate(
            {"home": folder, "sources": {"demo": {"kind": "archive", "path": str(home / "demo")}}}
        )
        walls = {}
        for slots in (1, 2):
            executor: Executor = LocalProcesses(slots) if len(sys.argv) < 3 else Cluster(sys.argv[2], settings)
            for count in (4, 16, 64):
                row = measured(executor, settings, count)
                walls[slots, count] = row["wall_s"]
                print({"workers": executor.slots, **row}, flush=True)
            executor.close()
            if len(sys.argv) >= 3:
                return
        print({"64 systems, 1 worker / 2 workers": round(walls[1, 64] / walls[2, 64], 2)})


if __name__ == "__main__":
    main()
