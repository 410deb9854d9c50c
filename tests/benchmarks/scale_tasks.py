"""One task of the benchmark of scale: the objectives of some systems over a month."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workbench.core.periods import parse_period
from workbench.core.settings import Settings
from workbench.studies import open_context, slo_compliance


def month(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Judge the systems named, each over October 2026, and say what that took."""
    settings = Settings.model_validate(arguments["settings"])
    began, cpu = time.monotonic(), time.process_time()
    context = open_context(settings)
    as_of = datetime.fromisoformat("2026-11-01T00:00:00+00:00")
    span = parse_period("2026-10", zone="UTC", week_start="monday", as_of=as_of)
    objectives = 0
    for system in arguments["systems"]:
        study = slo_compliance(context, system=system, range=span, as_of=as_of)
        objectives += len(study.results["compliance"].frame)
    return {
        "objectives": objectives,
        "seconds": time.monotonic() - began,
        "cpu_s": time.process_time() - cpu,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
