"""What ChoreoAI's processes expose besides the requests: connections, the queue, processor, memory, files."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workbench.demo.engine.day import MINUTES, Counts, Day, Exposure, Target
from workbench.demo.engine.gauges import cpu_seconds, memory, whole
from workbench.demo.systems.choreo.places import PROVIDERS, TARGETS, labels

#: Requests an instance works on at once; what comes on top waits.
_AT_ONCE = 6.0


def expose_processes(day: Day, exposures: Mapping[Target, Exposure], counts: Mapping[Target, Counts]) -> None:
    """Add the gauges of both instances; requests wait where more run than an instance works on at once."""
    for target in TARGETS:
        exposure, name = exposures[target], f"choreo/{target.instance}"
        median = float(np.mean([provider.median for provider in PROVIDERS if provider.target is target]))
        busy = counts[target] / 60 * median * 1.25
        gone = np.zeros(MINUTES)
        for _, level in day.of("queue_backlog"):
            gone = np.maximum(gone, level)
        for event, level in day.of("latency_regression", instance=target.instance):
            busy = busy * (1 + level * (event.factor - 1) / 2)
        waiting = np.maximum(busy - _AT_ONCE * (1 - gone), 0) + gone * counts[target] * 3
        whole(day, name, exposure, labels(target, "choreoai_active_connections"), busy + waiting, 0.5)
        readings = np.maximum(day.readings(f"{name}/queue", waiting, 0.25, 1), 0)
        exposure.gauge(labels(target, "choreoai_queue_size"), readings)
        row = labels(target, "process_cpu_seconds_total")
        cpu_seconds(day, name, exposure, row, 0.06 + counts[target] / 160, target.instance)
        row = labels(target, "process_resident_memory_bytes")
        memory(day, name, exposure, row, 0.27 + counts[target] / 700, instance=target.instance)
        whole(day, name, exposure, labels(target, "process_open_fds"), 44 + busy * 4, 1.0)
