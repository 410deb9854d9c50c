"""The process of one task; see :mod:`workbench.core.executor.task`."""

from __future__ import annotations

import json
import os
import sys
import threading
from importlib import import_module


def main() -> None:
    """Read a task, run it, write its result."""
    out = os.dup(1)
    os.dup2(2, 1)  # what a task prints is no result
    name, arguments = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    module, _, attribute = name.partition(":")
    code = 1
    try:
        result = json.dumps(getattr(import_module(module), attribute)(arguments))
        with os.fdopen(out, "w", encoding="utf-8") as file:
            file.write(result)
        code = 0
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}")
    finally:
        sys.stderr.flush()
        os._exit(code)  # a thread still waits for the parent


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(70)


if __name__ == "__main__":
    main()
