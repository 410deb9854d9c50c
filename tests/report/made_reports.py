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
    with Path(os.environ["WORKBENCH_TEST_LEDGER"]).open("a") as ledger:
        ledger.write(_line(arguments))
    return _done(arguments)


def made_once(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Do as ``made``, but take what an attempt finished before its worker died, as the maker of real reports does."""
    ledger = Path(os.environ["WORKBENCH_TEST_LEDGER"])
    finished = ledger.exists() and _line(arguments) in ledger.read_text().splitlines(keepends=True)
    return _done(arguments) if finished else made(arguments)


def _line(arguments: Mapping[str, Any]) -> str:
    return f"{arguments['schedule']} {arguments['system']} {arguments['due']}\n"


def _done(arguments: Mapping[str, Any]) -> dict[str, Any]:
    content = {
        "report": arguments["template"],
        "system": arguments["system"],
        "period": arguments["period"],
        "run": arguments["job"],
        "text": _line(arguments),
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


def waits(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Do nothing for some seconds."""
    time.sleep(float(arguments["seconds"]))
    return {}


def beats(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Write a line ten times a second for some seconds."""
    for _ in range(int(arguments["seconds"] * 10)):
        with Path(os.environ["WORKBENCH_TEST_LEDGER"]).open("a") as ledger:
            ledger.write("beat\n")
        time.sleep(0.1)
    return {}


def small_report(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Make a real report, kernel and all, of the small template that WORKBENCH_TEST_TEMPLATE names."""
    from workbench.report.run import run, templates
    from workbench.report.schedule.make import make_report

    template = Path(os.environ["WORKBENCH_TEST_TEMPLATE"])
    run.template_path = templates.template_path = lambda name, folders=(): template
    return make_report(arguments)
