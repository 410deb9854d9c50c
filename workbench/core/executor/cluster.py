"""Tasks on the workers of a Dask cluster; each runs in a process of its own on its worker."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from workbench.core.errors import SettingsError
from workbench.core.executor.task import TaskDied, run_in_process
from workbench.core.processes import this_process
from workbench.core.settings import Settings

#: How long the scheduler of a cluster may take to answer. [s]
_CONNECT_S = 20


class Cluster:
    """The workers of a running Dask scheduler.

    A task whose worker dies is begun again on another one by Dask itself, three times at most.

    Parameters
    ----------
    address : str
        ``tcp://host:8786`` or ``tls://host:8786``.
    settings : Settings
        Must name places that the workers reach.

    Raises
    ------
    SettingsError
        The extra ``dask`` is not installed, nothing answers at the address, there is no worker, or a worker on another
        host would have to read or write a folder or a SQLite file of this one.
    """

    def __init__(self, address: str, settings: Settings) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise SettingsError("--cluster needs Dask.", hint="pip install 'slo-workbench[dask]'") from None
        if not address.startswith(("tcp://", "tls://")):
            raise SettingsError(f"{address!r} is not the address of a Dask scheduler.", hint="Write tcp://host:8786.")
        try:
            client: Any = Client
            self._client: Any = client(address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise SettingsError(
                f"No Dask scheduler answers at {address}: {error}.", hint="Start one: dask scheduler; dask worker."
            ) from None
        try:
            self.slots = self._checked(address, settings)
        except BaseException:
            self._client.close()
            raise

    def _checked(self, address: str, settings: Settings) -> int:
        workers = self._client.run(worker_place)
        if not workers:
            raise SettingsError(f"The cluster {address} has no worker.", hint=f"Start one: dask worker {address}")
        elsewhere = sorted(place for place in workers.values() if place != this_place())
        if elsewhere and (places := local_places(settings)):
            raise SettingsError(
                f"Workers of {address} run on another host ({elsewhere[0].split('/')[0]}), and these places are of "
                f"this host alone: {', '.join(places)}.",
                hint="Name an archive on object storage or servers, and a store_url of PostgreSQL; see docs/scale.md.",
            )
        return int(sum(self._client.nthreads().values()))

    def submit(self, function: str, arguments: Mapping[str, Any]) -> Future[Any]:
        """Begin a task on a worker."""
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        sent = self._client.submit(
            run_on_worker, function, json.dumps(dict(arguments)), key=f"workbench-{uuid.uuid4().hex}", pure=False
        )
        sent.add_done_callback(lambda done: _passed(done, future))
        return future

    def close(self) -> None:
        """Leave the cluster; what still runs there is cancelled."""
        self._client.close()


def run_on_worker(function: str, arguments: str) -> str:
    """Run a task beside its worker; arguments and result are JSON text."""
    return json.dumps(run_in_process(function, json.loads(arguments)))


def this_place() -> str:
    """Host and boot of a process: the same for all processes of one machine."""
    own = this_process()
    return f"{own.host}/{own.boot}"


def worker_place() -> str:
    """Return :func:`this_place` of a worker."""
    return this_place()


def local_places(settings: Settings) -> list[str]:
    """Name the places of the settings that only this host reaches."""
    places = [f"source {name} ({source.path})" for name, source in settings.sources.items() if source.path is not None]
    if settings.database.startswith("sqlite"):
        places.append("store (SQLite)")
    return places


def _passed(done: Any, future: Future[Any]) -> None:
    try:
        future.set_result(json.loads(done.result()))
    except Exception as error:
        future.set_exception(error if isinstance(error, TaskDied) else TaskDied(f"The task was lost: {error}"))
