"""A task: a function by its name and JSON arguments, run in a process of its own that dies with its parent.

Nothing is pickled: arguments and result are JSON. The child reads the task as the first line of its standard input and
ends itself when that input is closed, so no task outlives the process that wanted it, however that one was ended.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Protocol

from workbench.core.errors import WorkbenchError

#: Of the last words of a task that died. [characters]
_LAST_WORDS = 500


class TaskDied(WorkbenchError):
    """The process of a task ended without a result: it was killed, ran out of memory, or failed on its own."""


class Executor(Protocol):
    """Where tasks run; ``slots`` of them at once."""

    slots: int

    def submit(self, function: str, arguments: Mapping[str, Any]) -> Future[Any]:
        """Begin a task; its future ends with the result or with :class:`TaskDied`."""
        ...

    def close(self) -> None:
        """End what still runs."""
        ...


def run_in_process(function: str, arguments: Mapping[str, Any]) -> Any:
    """Run a function in a new process and return its result.

    Parameters
    ----------
    function : str
        ``package.module:name``; takes one mapping, gives JSON values.
    arguments : mapping
        JSON values.

    Raises
    ------
    TaskDied
        The process ended without a result.

    Examples
    --------
    >>> run_in_process("workbench.core.executor.task:echo", {"a": 1})
    {'a': 1}
    """
    child = begun(function, arguments)
    return ended(child, function)


def begun(function: str, arguments: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    """Begin a task in a new process."""
    command, pipe = [sys.executable, "-m", __package__], subprocess.PIPE
    child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)  # noqa: S603
    assert child.stdin is not None
    with suppress(BrokenPipeError):  # it died at once; its end says so
        child.stdin.write(json.dumps([function, dict(arguments)]).encode() + b"\n")
        child.stdin.flush()
    return child


def ended(child: subprocess.Popen[bytes], function: str) -> Any:
    """Wait for a task and return its result; its standard input stays open until then."""
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    words: list[bytes] = []
    reader = threading.Thread(target=lambda: words.append(child.stderr.read()), daemon=True)  # type: ignore[union-attr]
    reader.start()
    try:
        text = child.stdout.read()
        code = child.wait()
        reader.join()
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        for pipe in (child.stdin, child.stdout, child.stderr):
            with suppress(BrokenPipeError):
                pipe.close()
    if code or not text:
        last = b"".join(words).decode("utf-8", "replace").strip()[-_LAST_WORDS:]
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise TaskDied(f"The task {function.rpartition(':')[2]} ended with {how}. {last}".strip())
    return json.loads(text)


def echo(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments: shows whether processes can be started."""
    return arguments
