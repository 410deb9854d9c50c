"""Wide work: named functions run in processes of this machine, or on the workers of a Dask cluster."""

from workbench.core.executor.local import LocalProcesses
from workbench.core.executor.task import Executor, TaskDied, run_in_process

__all__ = ["Executor", "LocalProcesses", "TaskDied", "run_in_process"]
