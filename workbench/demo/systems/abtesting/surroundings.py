"""What stands around the platform's requests: machines, health checks, tests and the people who run them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workbench.demo.engine.day import MINUTES, Counts, Day, Exposure, Floats, Tally, Target
from workbench.demo.engine.flows import split
from workbench.demo.engine.gauges import GIB, held, whole
from workbench.demo.engine.histogram import Buckets
from workbench.demo.engine.season import growth
from workbench.demo.engine.slices import judge
from workbench.demo.engine.streams import split_evenly
from workbench.demo.systems.abtesting.places import APPS, CORES, DISKS, HEALTH, MODELS, PEOPLE, labels

Exposures = Mapping[Target, Exposure]

MEMORY = 16.0
_LENGTHS = Buckets((1.0, 6.0, 12.0, 24.0, 48.0, 72.0, 168.0, 336.0))
_ROLES = {"researcher": 0.7, "analyst": 0.3}
#: Share of a provider's requests that must fail for its health check to fail too.
_GONE = 0.5


def burst(day: Day) -> Floats:
    """Strength of the bursts of alerts in each minute. [1]"""
    strength: Floats = np.sum([level for _, level in day.of("alert_burst")] or [np.zeros(MINUTES)], axis=0)
    return strength


def expose_machines(day: Day, exposures: Exposures, shape: Floats) -> None:
    """Add processors, memory, disks, network and the processes."""
    strong = burst(day)
    for target in APPS:
        name, exposure = f"abtesting/{target.instance}", exposures[target]
        for core in CORES:
            course = 24 + 15 * shape + 4 * day.wander(f"{name}/core{core}", 1.0) + 75 * strong
            readings = np.clip(day.readings(f"{name}/core{core}/readings", course, 2.2, 10), 0.5, 99.7)
            exposure.gauge(labels(target, "system_cpu_usage_percent", core=core), readings)
        _memory(day, target, exposure, shape, strong)
        for device in DISKS:
            _disk(day, target, device, exposure)
        for direction, rate in (("sent", 1_600_000.0), ("received", 900_000.0)):
            sent = rate * 60 * shape * np.exp(0.1 * day.rng(f"{name}/{direction}").standard_normal(MINUTES))
            units = (sent * day.serving(target.instance)).astype(np.int64)
            row = labels(target, "system_network_bytes_total", direction=direction)
            exposure.count(row, split_evenly(units, day.parts))
        whole(day, name, exposure, labels(target, "process_threads_total"), 34 + 5 * shape, 1.0)
        whole(day, name, exposure, labels(target, "process_open_fds_total"), 150 + 26 * shape, 3.0)
        course = 6 + 6 * shape + 40 * strong
        whole(day, name, exposure, labels(target, "database_connections_active"), course, 1.0)


def _memory(day: Day, target: Target, exposure: Exposure, shape: Floats, strong: Floats) -> None:
    name = f"abtesting/{target.instance}/memory"
    used = MEMORY * (0.55 + 0.05 * shape + day.wander(name, 0.012)) + 6.2 * strong
    for _, level in day.of("stale_alert", instance=target.instance):
        used = used + level
    pages = np.clip(day.readings(f"{name}/readings", used * GIB / 4096, 900, 1) * 4096, 0, MEMORY * GIB * 0.995)
    cached = np.round(np.minimum(0.18 * MEMORY * GIB, MEMORY * GIB - pages) / 4096) * 4096
    for kind, values in (("used", pages), ("available", MEMORY * GIB - pages), ("cached", cached)):
        exposure.gauge(labels(target, "system_memory_usage_bytes", type=kind), values)
    exposure.gauge(labels(target, "system_memory_usage_percent"), np.round(pages / (MEMORY * GIB) * 100, 2))


def used_share(device: str, minutes: Counts) -> Floats:
    """Share of a disk that is used without any event: it fills slowly. [1]"""
    _, start, yearly = DISKS[device]
    return start + yearly * (growth(minutes, 1.0) - 1)


def _disk(day: Day, target: Target, device: str, exposure: Exposure) -> None:
    size = float(DISKS[device][0] * GIB)
    name = f"abtesting/{target.instance}/{device}"
    course = used_share(device, day.minutes) + day.wander(name, 0.002)
    for _, level in day.of("filling_disk", instance=target.instance, device=device):
        course = course + level
    used = np.clip(day.readings(f"{name}/readings", course * size / 4096, 100, 1) * 4096, 0, size)
    for kind, values in (("used", used), ("free", size - used), ("total", np.full(len(used), size))):
        exposure.gauge(labels(target, "system_disk_usage_bytes", device=device, type=kind), values)
    exposure.gauge(labels(target, "system_disk_usage_percent", device=device), np.round(used / size * 100, 2))


def expose_health(day: Day, exposure: Exposure, tally: Tally) -> None:
    """Add the health checks: the database is gone in a burst, a provider when most of its requests fail."""
    down = {"database": burst(day) > 0}
    for provider in MODELS:
        gone = np.zeros(MINUTES, np.bool_)
        for _, level in day.of("provider_outage", provider=provider, model=MODELS[provider][0]):
            gone |= level >= _GONE
        down[provider] = gone
    for check, usual in (("database", 0.012), ("redis", 0.003), ("openai", 0.21), ("anthropic", 0.24)):
        gone = down.get(check, np.zeros(MINUTES, np.bool_))
        held(day, exposure, labels(HEALTH, "health_check_status", check=check), np.where(gone, 0.0, 1.0))
        course = np.where(gone, 5.0, usual)
        readings = np.maximum(day.readings(f"abtesting/health/{check}", course, usual / 10, 10_000), 0.0005)
        exposure.gauge(labels(HEALTH, "health_check_duration_seconds", check=check), readings)
    judge(tally, "database", np.where(down["database"], 1.0, 0.0), 5, above=0.0)


def expose_people(day: Day, exposures: Exposures, shape: Floats) -> None:
    """Add tests, people and what they do."""
    exposure = exposures[PEOPLE]
    serving = day.serving(PEOPLE.instance)
    running = np.round(13 + 4 * shape + 4 * day.wander("abtesting/tests", 1.0))
    users = np.maximum(np.round(26 * shape + 3 * day.wander("abtesting/users", 1.0)), 1)
    for target in APPS:
        held(day, exposures[target], labels(target, "tests_active_total"), running)
        held(day, exposures[target], labels(target, "active_users_total"), users)
    for role, share in _ROLES.items():
        made = {"tests": day.rng(f"abtesting/created/{role}").poisson(0.014 * share * shape) * serving}
        parts = split(day, f"abtesting/created/{role}", made)["tests"]
        exposure.count(labels(PEOPLE, "tests_created_total", role=role), parts)
    finished = day.rng("abtesting/finished").poisson(0.013 * shape) * serving
    held_ = day.rng("abtesting/lengths").multinomial(finished, _LENGTHS.shares(np.full(MINUTES, 34.0), 0.8)).T
    parts_ = split(day, "abtesting/lengths", {str(row): counts for row, counts in enumerate(held_.astype(np.int64))})
    common = {label: text for label, text in labels(PEOPLE, "").items() if label != "__name__"}
    _LENGTHS.expose(exposure, "test_duration_hours", common, np.stack(list(parts_.values())))
    for action, rate in (("view_report", 0.11), ("create_test", 0.03), ("export", 0.02)):
        done = {"done": day.rng(f"abtesting/actions/{action}").poisson(rate * users) * serving}
        parts = split(day, f"abtesting/actions/{action}", done)["done"]
        exposure.count(labels(PEOPLE, "user_actions_total", action=action, role="researcher"), parts)
