"""Machines and containers under the Lab: processors, memory, disks."""

from __future__ import annotations

import numpy as np

from workbench.demo.engine.day import MINUTES, Counts, Day, Exposure, Floats, Target
from workbench.demo.engine.season import growth
from workbench.demo.engine.streams import split_evenly
from workbench.demo.systems.lab.places import CONTAINERS, PROCESS_OF, labels

GIB = 2**30
MEMORY_TOTAL = 16 * GIB
#: Mount -> device, size, share free at the start of 2026, share used up a year.
MOUNTS = {"/": ("/dev/sda1", 64 * GIB, 0.62, 0.06), "/data": ("/dev/sdb1", 512 * GIB, 0.58, 0.1)}
#: Seconds are exposed in units of 2**-10.
_SECOND = 1024
_CPUS = 2
#: Minute of the day at which the database is backed up.
BACKUP_MINUTE = 120


def simulate_node(day: Day, target: Target, shape: Floats, exposure: Exposure) -> None:
    """Add processor seconds (each minute of a processor adds up to 60 s), memory and disks of a machine."""
    for cpu in range(_CPUS):
        name = f"lab/node/{target.instance}/cpu{cpu}"
        noise = day.rng(name).standard_normal((2, MINUTES))
        busy = np.clip(0.22 * shape * np.exp(day.wander(f"{name}/load", 0.15)) + 0.02 * noise[0], 0.01, 0.9)
        waiting = np.clip(0.008 + 0.003 * noise[1], 0, 0.05)
        shares = {"user": busy * 0.78, "system": busy * 0.22, "iowait": waiting}
        used = {
            mode: split_evenly((share * 60 * _SECOND).astype(np.int64), day.parts) for mode, share in shares.items()
        }
        used["idle"] = 60 * _SECOND // day.parts - np.sum(list(used.values()), axis=0)
        for mode, units in used.items():
            exposure.count(labels(target, "node_cpu_seconds_total", cpu=str(cpu), mode=mode), units / _SECOND)
    free = MEMORY_TOTAL * (0.52 - 0.09 * shape + day.wander(f"lab/node/{target.instance}/memory", 0.015))
    available = day.readings(f"lab/node/{target.instance}/memory/readings", free / 4096, 3000, 1) * 4096
    exposure.gauge(labels(target, "node_memory_MemAvailable_bytes"), np.clip(available, 0, MEMORY_TOTAL))
    exposure.gauge(labels(target, "node_memory_MemTotal_bytes"), np.full(MINUTES * day.parts, float(MEMORY_TOTAL)))
    for mount in MOUNTS:
        _disk(day, target, mount, exposure)


def free_share(mount: str, minutes: Counts) -> Floats:
    """Share of a disk that is free without any event: it fills slowly. [1]"""
    _, _, start, yearly = MOUNTS[mount]
    return start - yearly * (growth(minutes, 1.0) - 1)


def _disk(day: Day, target: Target, mount: str, exposure: Exposure) -> None:
    device, size, _, _ = MOUNTS[mount]
    course = free_share(mount, day.minutes) + day.wander(f"lab/disk/{target.instance}{mount}", 0.002)
    for _, level in day.of("filling_disk", node=target.instance, mountpoint=mount):
        course = course - level
    pages = day.readings(f"lab/disk/{target.instance}{mount}/readings", course * size / 4096, 200, 1) * 4096
    common = {"device": device, "fstype": "ext4", "mountpoint": mount}
    exposure.gauge(labels(target, "node_filesystem_avail_bytes", **common), np.clip(pages, 0, size))
    exposure.gauge(labels(target, "node_filesystem_size_bytes", **common), np.full(MINUTES * day.parts, float(size)))


def simulate_backups(day: Day, target: Target, exposure: Exposure) -> None:
    """Add when the database was last backed up, on days with a ``failed_backup`` event: every night but during it."""
    for event in (event for event in day.events if event.kind == "failed_backup"):
        nights = np.arange(event.start // MINUTES - 1, day.index + 1) * MINUTES + BACKUP_MINUTE
        succeeded = nights[(nights < event.start) | (nights >= event.end)]
        last = succeeded[np.searchsorted(succeeded, day.minutes, side="right") - 1] * 60.0
        exposure.gauge(labels(target, "backup_last_success_timestamp_seconds"), np.repeat(last, day.parts))


def simulate_containers(day: Day, target: Target, shape: Floats, exposure: Exposure) -> None:
    """Add what cAdvisor says of the containers of a machine."""
    for name in CONTAINERS[target]:
        process = PROCESS_OF.get(name, "")
        serving = day.serving(process) if process else np.ones(MINUTES, np.bool_)
        noise = 0.02 * day.rng(f"lab/container/{name}").standard_normal(MINUTES)
        busy = np.clip((0.55 if process else 0.12) * shape + noise, 0.005, 1.9) * serving
        units = split_evenly((busy * 60 * _SECOND).astype(np.int64), day.parts)
        exposure.count(labels(target, "container_cpu_usage_seconds_total", name=name), units / _SECOND)
        course = (0.62 + 0.06 * shape if process else 0.35 + 0.02 * shape) + day.wander(
            f"lab/container/{name}/mem", 0.012
        )
        for _, level in day.of("stale_alert", container=name):
            course = course + level
        pages = day.readings(f"lab/container/{name}/readings", course * GIB / 4096, 500, 1) * 4096
        exposure.gauge(labels(target, "container_memory_usage_bytes", name=name), np.maximum(pages, 0))
        exposure.count(labels(target, "container_restart_count", name=name), _restarts(day, process))


def _restarts(day: Day, process: str) -> Counts:
    """Restarts of the container's process, counted in the minute in which it ends."""
    counts = np.zeros(MINUTES * day.parts, np.int64)
    for restart in day.restarts.get(process, ()):
        minute = restart.reset - day.index * MINUTES
        if 0 <= minute < MINUTES:
            counts[minute * day.parts] += 1
    return counts
