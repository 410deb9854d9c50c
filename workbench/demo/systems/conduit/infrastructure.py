"""What stands around Conduit's requests: tasks and their queue, caches, connections, databases, monitoring."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workbench.demo.engine.day import MINUTES, Counts, Day, Exposure, Floats, Tally, Target
from workbench.demo.engine.flows import Flow, durations, expose_durations, multiplied, split, total
from workbench.demo.engine.gauges import cpu_seconds, held, memory, since_restart, steady, whole
from workbench.demo.engine.histogram import Buckets
from workbench.demo.engine.season import growth
from workbench.demo.engine.slices import judge
from workbench.demo.engine.streams import split_counts
from workbench.demo.systems.conduit.places import (
    ADMIN,
    ALERTMANAGER,
    API,
    CHAT,
    EMBEDDINGS,
    GRAFANA,
    PROMETHEUS,
    QUEUE,
    TARGETS,
    USES,
    WORKER,
    Use,
    labels,
)  # fmt: skip

Exposures = Mapping[Target, Exposure]

TASKS = Buckets((2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0))
_FAST = Buckets((0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05))
#: Pictures the workers finish at most. [1/min]
_CAPACITY = 14
#: Cache region -> instance, look-ups per request, usual share of hits.
REGIONS = {"virtual-key": (CHAT, 1.0, 0.955), "model-cost": (EMBEDDINGS, 1.0, 0.91)}
DRIFT_LIMIT = 10.0
AGGREGATION_LIMIT = 500.0


def queue(day: Day, use: Use, shape: Floats) -> tuple[Counts, Counts, Floats, float]:
    """Move the queue of pictures through a day.

    Returns
    -------
    (int64 array, int64 array, float64 array, float)
        By minute: tasks that arrive, tasks that are worked off, tasks that wait at the full minute; those that wait
        at the next midnight.
    """
    arriving: Flow = {"task": day.rng(f"conduit/{use.key}/arrivals").poisson(use.rate * shape).astype(np.int64)}
    for kind in ("traffic", "runaway_key"):
        multiplied(day, f"conduit/{use.key}/arrivals", arriving, kind, key=use.key, model=use.model)
    workers = np.full(MINUTES, float(_CAPACITY))
    for _, level in day.of("queue_backlog", queue=QUEUE):
        workers = workers * (1 - level)
    room = (np.floor(workers) * day.serving(WORKER.instance)).astype(np.int64)
    waiting = int(day.before.get("queue", 0))
    done, depth = np.zeros(MINUTES, np.int64), np.zeros(MINUTES)
    arrived = arriving["task"] * day.serving(WORKER.instance)
    for minute in range(MINUTES):
        depth[minute] = waiting
        done[minute] = min(waiting + int(arrived[minute]), int(room[minute]))
        waiting += int(arrived[minute]) - int(done[minute])
    return arrived, done, depth, float(waiting)


def expose_tasks(
    day: Day, exposure: Exposure, tally: Tally, moved: tuple[Counts, Counts, Floats, float], flow: Flow, parts: Flow
) -> Counts:
    """Add tasks, their queue and RabbitMQ's view of it; return the histogram of durations by minute."""
    arrived, done, depth, _ = moved
    common = {"task_type": "image"}
    bad = [end for end in flow if end != "success"]
    exposure.count(labels(WORKER, "conduit_tasks_total", **common, status="success"), parts["success"])
    exposure.count(labels(WORKER, "conduit_tasks_total", **common, status="failure"), total(parts, *bad), late=True)
    tally.add("task.total", done)
    tally.add("task.bad", total(flow, *bad))
    course = np.full(MINUTES, 11.5), 0.5
    where = {"instance": WORKER.instance, "key": "vk-006", "model": "dall-e-3", "provider": "openai"}
    taken = durations(day, tally, "conduit/tasks", done, TASKS, course, {}, **where, endpoint="", method="")
    family = labels(WORKER, "conduit_tasks_duration_seconds", **common)
    expose_durations(day, "conduit/tasks", exposure, family, TASKS, taken, total(parts))
    held(day, exposure, labels(WORKER, "conduit_tasks_queue_depth", **common), depth)
    held(day, exposure, labels(WORKER, "conduit_rabbitmq_queue_messages", queue=QUEUE), depth)
    steady(day, exposure, labels(WORKER, "conduit_rabbitmq_queue_consumers", queue=QUEUE), 4)
    split_ = split_counts(day.rng("conduit/rabbitmq/parts"), arrived, day.parts)
    exposure.count(labels(WORKER, "conduit_rabbitmq_published_messages_total", queue=QUEUE), split_)
    exposure.count(labels(WORKER, "conduit_rabbitmq_consumed_messages_total", queue=QUEUE), total(parts))
    return taken


def expose_caches(day: Day, exposures: Exposures, requests: Mapping[Target, Counts], tally: Tally) -> dict[str, float]:
    """Add hits, misses and statistics of the caches; return the counts since the last restart."""
    after: dict[str, float] = {}
    drift = 1.6 + day.wander("conduit/cache/drift", 0.5)
    latency = 95 + day.wander("conduit/cache/latency", 14)
    lost, gone = np.zeros(MINUTES), np.zeros(MINUTES)
    for _, level in day.of("cache_drift"):
        drift, latency, lost = drift + level, latency + 6 * level, lost + level / 200
        gone = np.where(level > 20, 1.0, gone)
    for region, (target, _, share) in REGIONS.items():
        name = f"conduit/cache/{region}"
        looked = requests[target]
        hits = day.rng(name).binomial(looked, np.clip(share - lost, 0.02, 1)).astype(np.int64)
        rng = day.rng(f"{name}/parts")
        exposure = exposures[target]
        counted = {"hits": hits, "misses": looked - hits}
        parts = {word: split_counts(rng, counts, day.parts) for word, counts in counted.items()}
        sums = {}
        for word, counts in counted.items():
            exposure.count(labels(target, f"conduit_cache_{word}_total", region=region), parts[word])
            key = f"{word}.{region}"
            sums[word], after[key] = since_restart(day, target.instance, counts, day.before.get(key, 0.0))
        ever = sums["hits"] + sums["misses"]
        rate: Floats = np.round(100 * sums["hits"] / np.maximum(ever, 1), 2)
        held(day, exposure, labels(target, "conduit_cache_hit_rate", region=region), rate)
        if target is CHAT:
            taken = day.rng(f"{name}/durations").multinomial(looked, _FAST.shares(np.full(MINUTES, 0.0011), 0.65)).T
            family = labels(target, "conduit_cache_response_time_seconds", region=region)
            expose_durations(
                day, name, exposure, family, _FAST, taken.astype(np.int64), parts["hits"] + parts["misses"]
            )
    drifts = np.clip(day.readings("conduit/cache/drift/readings", drift, 0.25, 100), 0, 100)
    latencies = np.maximum(day.readings("conduit/cache/latency/readings", latency, 9, 10), 1)
    active = np.sum([day.serving(target.instance) for target in API], axis=0, dtype=np.float64) - gone
    for target in (CHAT, EMBEDDINGS):
        exposure = exposures[target]
        exposure.gauge(labels(target, "conduit_cache_statistics_max_drift_percentage"), drifts)
        exposure.gauge(labels(target, "conduit_cache_statistics_aggregation_latency_ms"), latencies)
        held(day, exposure, labels(target, "conduit_cache_statistics_active_instances"), np.maximum(active, 1))
    judge(tally, "drift", drifts[:: day.parts], 10, above=DRIFT_LIMIT)
    judge(tally, "aggregation", latencies[:: day.parts], 5, above=AGGREGATION_LIMIT)
    return after


def expose_connections(day: Day, exposure: Exposure, shape: Floats) -> None:
    """Add the SignalR connections of every key and the messages that go over them."""
    everything = np.zeros(MINUTES)
    for use in USES:
        course = use.connections * (0.45 + 0.4 * shape)
        for event, level in day.of("connection_surge", key=use.key):
            chosen = [use for use in USES if event.concerns(key=use.key)]
            course = course + level / len(chosen)
        everything = everything + course
        row = labels(WORKER, "conduit_signalr_connections_active", hub="notifications", virtual_key_id=use.key)
        readings = np.maximum(day.readings(f"conduit/signalr/{use.key}", course, 1.1, 1), 0)
        exposure.gauge(row, readings)
    for direction, rate in (("sent", 2.2), ("received", 0.6)):
        name = f"conduit/signalr/{direction}"
        counts = day.rng(name).poisson(everything * rate) * day.serving(WORKER.instance)
        row = labels(WORKER, "conduit_signalr_messages_total", hub="notifications", direction=direction)
        exposure.count(row, split_counts(day.rng(f"{name}/parts"), counts.astype(np.int64), day.parts))


def expose_processes(day: Day, exposures: Exposures, requests: Mapping[Target, Counts], shape: Floats) -> None:
    """Add processes, databases and Redis."""
    for target in (*API, ADMIN):
        exposure, name = exposures[target], f"conduit/{target.instance}"
        busy = shape if target is not ADMIN else np.full(MINUTES, 0.3)
        row = labels(target, "conduit_process_cpu_seconds_total")
        cpu_seconds(day, name, exposure, row, 0.45 * busy, target.instance)
        row = labels(target, "conduit_process_memory_bytes")
        memory(day, name, exposure, row, 0.62 + 0.09 * busy, instance=target.instance)
        whole(day, name, exposure, labels(target, "conduit_process_threads"), 42 + 9 * busy, 1.5)
        if target is ADMIN:
            continue
        active = day.readings(f"{name}/database", 11 + 9 * busy, 1.6, 1)
        idle = day.readings(f"{name}/database/idle", 14 - 1.5 * busy, 1.0, 1)
        used, unused = np.clip(active, 0, 80), np.clip(idle, 0, 20)
        exposure.gauge(labels(target, "conduit_database_connections_active"), used)
        exposure.gauge(labels(target, "conduit_database_connections_idle"), unused)
        exposure.gauge(labels(target, "conduit_database_connections_available"), 100 - used)
    grown = growth(day.minutes, 0.7)
    memory(
        day,
        "conduit/redis",
        exposures[CHAT],
        labels(CHAT, "conduit_redis_memory_used_bytes"),
        0.55 * grown,
        instance="redis",
    )
    whole(day, "conduit/redis", exposures[CHAT], labels(CHAT, "conduit_redis_connected_clients"), 34 + 4 * shape, 1.0)
    counts = requests[CHAT]
    split_ = split(day, "conduit/redis", {"get": counts})["get"]
    taken = day.rng("conduit/redis").multinomial(counts, _FAST.shares(np.full(MINUTES, 0.0008), 0.6)).T
    family = labels(CHAT, "conduit_redis_operation_duration_seconds", operation="get")
    expose_durations(day, "conduit/redis", exposures[CHAT], family, _FAST, taken.astype(np.int64), split_)


def expose_monitoring(day: Day, exposures: Exposures) -> None:
    """Add what the monitoring says of itself."""
    exposure, columns = exposures[PROMETHEUS], MINUTES * day.parts
    for family, common, values, share in (
        ("prometheus_target_interval_length_seconds", {"interval": "15s"},
         {"0.5": 15.0, "0.99": 15.02}, 15.0),
        ("prometheus_rule_evaluation_duration_seconds", {}, {"0.5": 0.0004, "0.99": 0.0021}, 2.0**-11),
    ):  # fmt: skip
        for quantile, usual in values.items():
            readings = day.readings(f"conduit/{family}/{quantile}", np.full(MINUTES, usual), usual / 2000, 100_000)
            exposure.gauge(labels(PROMETHEUS, family, **common, quantile=quantile), readings)
        made = np.full(columns, 4 * len(TARGETS) // day.parts)
        exposure.count(labels(PROMETHEUS, f"{family}_count", **common), made)
        exposure.count(labels(PROMETHEUS, f"{family}_sum", **common), made * share)
    grown = 210_000 * growth(day.minutes, 0.2)
    whole(day, "conduit/prometheus", exposure, labels(PROMETHEUS, "prometheus_tsdb_symbol_table_size_bytes"), grown, 0)
    steady(day, exposures[ALERTMANAGER], labels(ALERTMANAGER, "alertmanager_cluster_members"), 1)
    steady(day, exposures[GRAFANA], labels(GRAFANA, "grafana_instance_info"), 1)
    for target in TARGETS:
        usual = 0.04 if target in API else 0.015
        readings = day.readings(f"conduit/scrape/{target.instance}", np.full(MINUTES, usual), usual / 8, 10_000)
        exposures[target].gauge(labels(target, "scrape_duration_seconds"), np.maximum(readings, 0.001))
