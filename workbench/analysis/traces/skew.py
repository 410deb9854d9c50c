"""Clocks that disagree: children of another host moved into their parents; the raw times stay beside."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from workbench.analysis.traces.forest import Forest, Rows
from workbench.analysis.traces.origin import NO_ROW

#: Attributes that name the host of a span, the first that is there counts.
HOSTS = ("host.id", "host.name", "hostname", "k8s.pod.uid", "k8s.pod.name", "container.id", "ip", "net.host.ip",
         "service.instance.id")  # fmt: skip

#: A clock is not repaired by more than this. [ns]
MAX_SHIFT_NS = 1_000_000_000


@dataclass(frozen=True)
class Repair:
    """Repaired clocks.

    Attributes
    ----------
    forest : Forest
        The same spans with moved starts and ends.
    shift : int64 array, (n,)
        How far each span was moved. [ns]
    beyond : int64 array, (n,)
        How far it would have had to be moved where that is more than allowed; 0 elsewhere. [ns]
    """

    forest: Forest
    shift: Rows
    beyond: Rows


def hosts_of(forest: Forest) -> list[str]:
    """Return the host of each span: its attribute, else its parent's where the service is the same, else its service.

    Two spans of one service that name no host are taken to share one, so their clocks are never repaired.
    """
    hosts = [
        next((text for name in HOSTS if (text := attributes.get(name))), "") if attributes else ""
        for attributes in forest.spans["attributes"]
    ]
    services = forest.spans["service"].tolist()
    above = forest.parent.tolist()
    for row in forest.order.tolist():
        if not hosts[row]:
            parent = above[row]
            same = parent != NO_ROW and services[parent] == services[row]
            hosts[row] = hosts[parent] if same else f"service {services[row]}"
    return hosts


def repaired(forest: Forest, hosts: list[str] | None = None, *, max_shift_ns: int = MAX_SHIFT_NS) -> Repair:
    """Move spans whose clock runs apart from their parent's.

    Parameters
    ----------
    forest : Forest
        Spans of traces as trees.
    hosts : list of str, (n,), optional
        Host of each span; an empty one is unlike every other. By default :func:`hosts_of`.
    max_shift_ns : int
        Spans that would move further stay where they are; 0 repairs nothing. [ns]

    Notes
    -----
    Only across hosts, and only where the parent waits for the child. A child that fits into its parent stays; one that
    lasts longer moves to the parent's start if it began before; any other moves to the middle of the parent, as if the
    way there and back took the same time: ``parent.start + (parent.duration - child.duration) / 2``. Spans below on the
    same host move along. This is Jaeger's adjuster, without its rule for hosts that are not named.

    References
    ----------
    .. [1] Jaeger, internal/tracestore adjuster clockskew, Apache-2.0.
    """
    names = hosts_of(forest) if hosts is None else hosts
    start, duration = forest.start.tolist(), forest.duration.tolist()
    above, waits = forest.parent.tolist(), forest.waits.tolist()
    count = len(start)
    delta, shift, beyond = [0] * count, [0] * count, [0] * count
    for row in forest.order.tolist():
        parent = above[row]
        if parent == NO_ROW:
            continue
        if names[row] == names[parent] and names[row]:
            delta[row] = delta[parent]
        elif waits[row]:
            delta[row] = _needed(start[parent], duration[parent], start[row], duration[row])
        if abs(delta[row]) > max_shift_ns:
            beyond[row] = delta[row]
        elif delta[row]:
            shift[row] = delta[row]
            start[row] += delta[row]
    moved = np.array(start, np.int64)
    kept = replace(forest, start=moved, end=moved + forest.duration)
    return Repair(kept, np.array(shift, np.int64), np.array(beyond, np.int64))


def _needed(parent_start: int, parent_duration: int, start: int, duration: int) -> int:
    if duration > parent_duration:
        return max(parent_start - start, 0)
    if start >= parent_start and start + duration <= parent_start + parent_duration:
        return 0
    return parent_start + (parent_duration - duration) // 2 - start
