"""The kernel of a report: this very interpreter, so no kernel has to be registered anywhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from workbench.studies.answers.many_systems import PROCESSES

KERNEL_NAME = "workbench"

#: Environment variable with the memory that a process keeps decoded samples in, and that of a report, whose sections
#: ask for the same series again. [MiB]
DECODED, DECODED_MIB = "WORKBENCH_DECODED_MIB", "640"


#: First line of a kernel: plotly imports nbformat with its first figure, here without the grammars of addresses.
_FIRST = "__import__('workbench.report.run.jupyter', fromlist=['x']).jupyter_library('nbformat')"


class ThisInterpreter(AsyncKernelManager):
    """Kernel manager that starts ``sys.executable``; make one with :func:`kernel_in`."""

    folder = Path()
    processes = 1

    def __init__(self, **kwargs: object) -> None:
        kwargs.pop("kernel_name", None)
        super().__init__(kernel_name=KERNEL_NAME, **kwargs)
        if sys.platform != "win32":
            self.transport, self.ip = "ipc", str(self.folder / "k")

    @property
    def kernel_spec(self) -> KernelSpec:
        """Specification of the kernel, made here instead of looked up."""
        return KernelSpec(
            argv=[
                sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--IPKernelApp.log_level=50",
                f"--IPKernelApp.exec_lines={_FIRST}",
            ],
            display_name="Python (workbench)",
            language="python",
            env={
                "PLOTLY_RENDERER": "plotly_mimetype",
                "PYTHONWARNINGS": "ignore",
                "PYDEVD_DISABLE_FILE_VALIDATION": "1",
                DECODED: os.environ.get(DECODED, DECODED_MIB),
                PROCESSES: os.environ.get(PROCESSES, str(self.processes)),
            },
        )  # fmt: skip


def kernel_in(folder: Path, processes: int = 1) -> type[ThisInterpreter]:
    """Return a kernel manager whose sockets lie in a private folder, so that parallel runs share no ports.

    Parameters
    ----------
    folder : Path
        Exists, with a short path (sockets allow about a hundred characters), and outlives the kernel.
    processes : int
        Processes that the notebook may keep busy: the kernel, and those beside it. [count]
    """
    return type("KernelHere", (ThisInterpreter,), {"folder": folder, "processes": processes})
