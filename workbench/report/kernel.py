"""The kernel of a report: this very interpreter, so no kernel has to be registered anywhere."""

from __future__ import annotations

import sys
import tempfile

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

KERNEL_NAME = "workbench"


class ThisInterpreter(AsyncKernelManager):
    """Kernel manager that starts ``sys.executable`` and talks over sockets in a private folder, not over TCP."""

    def __init__(self, **kwargs: object) -> None:
        kwargs.pop("kernel_name", None)
        super().__init__(kernel_name=KERNEL_NAME, **kwargs)
        if sys.platform != "win32":
            self._folder = tempfile.TemporaryDirectory(prefix="wb-", ignore_cleanup_errors=True)
            self.transport, self.ip = "ipc", f"{self._folder.name}/k"

    @property
    def kernel_spec(self) -> KernelSpec:
        """Specification of the kernel, made here instead of looked up."""
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python (workbench)",
            language="python",
            env={
                "PLOTLY_RENDERER": "plotly_mimetype",
                "PYTHONWARNINGS": "ignore",
                "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            },
        )
