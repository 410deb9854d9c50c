"""The process of the dashboard: it loads what answers need, makes of itself what makes workers, and runs Streamlit.

Two processes need the same modules. Loaded before anything has threads they are loaded once, and their memory is
shared.
"""

from __future__ import annotations

import os
import sys
import threading
from functools import lru_cache
from pathlib import Path

from workbench.studies.answers import nursery
from workbench.studies.answers.process import Nursery, Worker

#: Environment variable with the number of processes that compute answers; 0, or none, computes in this one.
WORKERS = "WORKBENCH_DASHBOARD_WORKERS"

#: Workers that read what the first page asks while this process loads its pages: where there is a store already it
#: holds answers, and one will do. [count]
FIRST, AGAIN = 2, 1


def workers() -> int:
    """Return the number of processes that compute answers beside this one. [count]"""
    return int(os.environ.get(WORKERS) or 0)


@lru_cache(maxsize=1)
def begun() -> tuple[Nursery, tuple[Worker, ...]]:
    """Return what makes workers, and those that read what the first page asks; begun at the first call."""
    kept = Path(os.environ.get("WORKBENCH_HOME") or ".workbench", "workbench.db").exists()
    made = Nursery() if threading.active_count() > 1 else nursery.forked()
    return made, tuple(made.worker(ahead=number) for number in range(min(AGAIN if kept else FIRST, workers())))


def main() -> None:
    """Begin, and become ``streamlit run`` with the arguments of this process."""
    if workers():
        begun()
    from streamlit.web.cli import main as streamlit

    streamlit(["run", str(Path(__file__).with_name("server.py")), *sys.argv[1:]], prog_name="streamlit")


if __name__ == "__main__":
    try:
        from workbench.ui.launch import main as launch  # as a module of that name, which keeps what was begun

        launch()
    except KeyboardInterrupt:  # while it loads
        sys.exit(130)
