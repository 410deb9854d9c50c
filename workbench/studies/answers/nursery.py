"""A process that has loaded what answers need, and makes a worker of itself whenever it is asked for one.

It is asked by one byte with the worker's end of a socket, and ends when nobody can ask it any more.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import subprocess
import sys
import warnings
from contextlib import suppress
from typing import NoReturn

from workbench.studies.answers.process import FORKS, IDLE, NICER, ONE_THREAD, Forked, Nursery

#: When nobody asked for a worker for so long, what only some answers need is loaded too. [s]
QUIET_S = 10.0


def main(channel: socket.socket, *, loaded: bool = False) -> None:
    """Make workers until the channel is closed; return when the last one has ended.

    Parameters
    ----------
    channel : socket
        Who asks for workers is at its other end.
    loaded : bool
        Whether what workers need was loaded before.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a worker that ended
    if FORKS:
        from workbench.studies.answers import worker

        os.nice(NICER)
        if not loaded:
            worker.load()
            share()
    loads = FORKS
    while True:
        if loads and not select.select([channel], [], [], QUIET_S)[0]:
            loads = False
            worker.load_rest()
            share()
        byte, ends, _, _ = socket.recv_fds(channel, 1, 1)
        if not byte:
            break
        ahead = None if byte[0] == IDLE else byte[0]
        if not FORKS:
            begin = [] if ahead is None else [str(ahead)]
            command = [sys.executable, "-m", "workbench.studies.answers.worker", *begin]
            subprocess.Popen(command, stdin=ends[0], stdout=ends[0])  # noqa: S603
        elif not _forked():
            channel.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(ends[0], 0)
            os.dup2(ends[0], 1)
            os.close(ends[0])
            worker.run(ahead)
        os.close(ends[0])
    with suppress(ChildProcessError):
        os.wait()  # for all of them, as none is left to be waited for


def forked() -> Nursery:
    """Return one that is a fork of this process, which loads what workers need and must not have threads yet."""
    if not FORKS:
        return Nursery()
    os.environ.update(ONE_THREAD)
    from workbench.studies.answers import worker

    worker.load()
    share()
    near, far = socket.socketpair()
    pid = _forked()
    if not pid:
        near.close()
        _run(far)
    far.close()
    return Nursery(near, Forked(pid))


def _run(channel: socket.socket) -> NoReturn:
    """Be a nursery in a process that was forked when all was loaded, and end as such a process must."""
    code = 1
    try:
        os.setpgid(0, 0)  # Ctrl+C stops the dashboard, which ends its workers
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        main(channel, loaded=True)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def share() -> None:
    """Keep what is loaded out of collections, which would write to pages that are shared."""
    gc.collect()
    gc.freeze()


def _forked() -> int:
    with warnings.catch_warnings():
        # Newer Pythons warn of threads. The only ones here are the memory allocators' own, which know of forks.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
