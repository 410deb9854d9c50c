"""Many systems through the executor: 4, 16 and 64 systems x month, with one worker and with two.

The four systems of the demo stand for 64: each is judged again for each copy, from the archive, with nothing kept.

    python -m tests.benchmarks.bench_scale [HOME_WITH_DEMO] [TCP_ADDRESS_OF_DASK]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.core.executor import Executor
from workbench.core.executor.chosen import executor_for
from workbench.core.periods import parse_period
from workbench.core.settings import Settings
from workbench.studies import Context, open_context
from workbench.studies.answers.keys import Question
from workbench.studies.answers.many_systems import ask_each

SYSTEMS = ("choreoai", "conduit", "counterfactual-lab", "llm-ab-testing")
END = datetime(2026, 11, 1, tzinfo=UTC)


def measured(ctx: Context, executor: Executor, count: int) -> dict[str, Any]:
    """Judge ``count`` systems and return what it took in all and for each system; processor time of this machine."""
    month = parse_period("2026-10", zone="UTC", week_start="monday", as_of=END)
    questions = [Question("slo_compliance", SYSTEMS[number % 4], month, END) for number in range(count)]
    began, spent = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    answers: list[Any] = list(ask_each(ctx, questions, executor))
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - spent.ru_utime - spent.ru_stime
    return {
        "systems": count,
        "objectives": sum(len(answer.results["compliance"].frame) for answer in answers),
        "wall_s": round(wall, 1),
        "wall_per_system_s": round(wall / count, 2),
        "cpu_per_system_s": round(processor / count, 2),
        "peak_mib": round(after.ru_maxrss / 1024),
    }


def main() -> None:
    """Print a line for each number of workers and systems, and how much faster two workers are."""
    home = Path(sys.argv[1] if len(sys.argv) > 1 else ".workbench").resolve()
    address = sys.argv[2] if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_validate(
            {"home": folder, "sources": {"demo": {"kind": "archive", "path": str(home / "demo")}}}
        )
        ctx, walls = open_context(settings), {}
        for slots in (1, 2):
            executor = executor_for(settings, cluster=address, workers=slots)
            for count in (4, 16, 64):
                row = measured(ctx, executor, count)
                walls[slots, count] = row["wall_s"]
                print({"workers": executor.slots, **row}, flush=True)
            executor.close()
            if address:
                return
        print({"64 systems, 1 worker / 2 workers": round(walls[1, 64] / walls[2, 64], 2)})


if __name__ == "__main__":
    main()
