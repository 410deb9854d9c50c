"""One job, one process: a lease in the store that is renewed while the job lives and runs out when it is killed."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from workbench.core.errors import WorkbenchError
from workbench.core.processes import read_process, this_process
from workbench.store import Store

#: How long a lease outlives a process that was killed, and how often a living one renews it.
LASTS, RENEWED_S = timedelta(seconds=60), 15.0


class LeaseTaken(WorkbenchError):
    """Another process holds the lease."""


@contextmanager
def held(store: Store, name: str, *, clock: Callable[[], datetime]) -> Iterator[threading.Event]:
    """Hold a lease for the time of the block; the event given is set when it was lost all the same.

    Raises
    ------
    LeaseTaken
        Another process holds it.
    """
    holder = f"{this_process()}/{uuid.uuid4().hex[:8]}"
    if not store.take_lease(name, holder, now=clock(), lasts=LASTS):
        other = read_process(store.lease_holder(name).rpartition("/")[0])
        which = f" (process {other.pid} on {other.host})" if other else ""
        raise LeaseTaken(
            f"Another process does this job: {name}{which}.",
            hint=f"Wait for it, or stop it; the lease of one on a host that is gone ends after {LASTS.seconds} s.",
        )
    over, lost = threading.Event(), threading.Event()

    def renew() -> None:
        while not over.wait(RENEWED_S):
            try:
                if not store.take_lease(name, holder, now=clock(), lasts=LASTS):
                    lost.set()
            except WorkbenchError:
                lost.set()

    renewing = threading.Thread(target=renew, name=f"lease-{name}", daemon=True)
    renewing.start()
    try:
        yield lost
    finally:
        over.set()
        renewing.join()
        store.give_lease(name, holder)
