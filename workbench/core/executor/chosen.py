"""The executor that the settings, or a command, name."""

from __future__ import annotations

from workbench.core.executor.cluster import Cluster
from workbench.core.executor.local import LocalProcesses
from workbench.core.executor.task import Executor
from workbench.core.settings import Settings


def executor_for(settings: Settings, *, cluster: str | None = None, workers: int | None = None) -> Executor:
    """Return where wide work runs: a Dask cluster where one is named, else processes of this machine.

    Parameters
    ----------
    settings : Settings
        ``cluster`` names a scheduler, such as ``tcp://host:8786``.
    cluster : str, optional
        Another scheduler.
    workers : int, optional
        Processes of this machine, in place of a cluster of the settings. [count]

    Raises
    ------
    SettingsError
        As :class:`workbench.core.executor.cluster.Cluster` raises it.

    Examples
    --------
    >>> from pathlib import Path
    >>> executor = executor_for(Settings(home=Path("home"), sources={}), workers=2)
    >>> executor.slots
    2
    >>> executor.close()
    """
    address = cluster or ("" if workers else settings.cluster)
    return Cluster(address, settings) if address else LocalProcesses(workers)
