"""Stand-ins for the making of a report, for tests of who makes it and how often."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def made(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Write a line for the report into the ledger that WORKBENCH_TEST_LEDGER names, after some work."""
    time.sleep(float(os.environ.get("WORKBENCH_TEST_WORK_S", "0")))
    line = f"{arguments['schedule']} {arguments['system']} {arguments['due']}\n"
    with Path(os.environ["WORKBENCH_TEST_LEDGER"]).open("a") as ledger:
        ledger.write(line)
    content = {
        "report": arguments["template"],
        "system": arguments["system"],
        "period": arguments["period"],
        "run": arguments["job"],
        "text": line,
        "html": "",
        "files": [],
    }
    return {"status": "done", "run_id": arguments["job"], "content": content, "error": ""}


def fails(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Fail in every attempt."""
    return {"status": "failed", "error": "cell 3: no such metric"}


def killed(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Die as a process does that runs out of memory."""
    os.kill(os.getpid(), 9)
    return {}
