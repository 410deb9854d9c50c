"""What the web process does before its first reader: pages are loaded, lasting objects are set aside."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit import delta_generator, env_util
from streamlit.starlette import App

from workbench.ui import startup
from workbench.ui.startup import settle


class _Ring:
    """Only the collector frees it."""

    def __init__(self) -> None:
        self.self = self


@pytest.fixture
def settled() -> Iterator[None]:
    settle()
    yield
    gc.unfreeze()


def test_what_lasts_is_no_longer_looked_at_and_garbage_is_still_found(settled: None) -> None:
    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects()) < 10_000
    ring = _Ring()
    seen = weakref.ref(ring)
    del ring
    gc.collect()
    assert seen() is None


def test_garbage_that_was_set_aside_alive_is_found_when_it_settles_again() -> None:
    ring = _Ring()
    seen = weakref.ref(ring)
    settle()
    del ring
    gc.collect()
    assert seen() is not None  # set aside: no collection looks at it
    settle()
    assert seen() is None
    gc.unfreeze()


def test_all_pages_are_loaded_and_the_server_is_not_loaded_twice() -> None:
    said = (
        "import sys; from workbench.ui.startup import load_pages; load_pages(); "
        "print('workbench.ui.performance' in sys.modules, 'workbench.ui.business' in sys.modules, "
        "'workbench.ui.server' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["True", "True", "False"]


def test_nothing_is_printed_while_pages_are_loaded():
    program = [sys.executable, "-c", "from workbench.ui.startup import load_pages; load_pages()"]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are not forked")
def test_what_workers_need_is_loaded_once_for_them_and_for_pages(tmp_path: Path) -> None:
    said = (
        "import os; from pathlib import Path; from workbench.ui.launch import begun; from workbench.ui import launch; "
        "nursery, (worker,) = begun(); pid = nursery._process.pid; "
        "worker._head(); mine = Path('/proc/self/cmdline').read_bytes(); "
        "print(begun()[0] is nursery, Path(f'/proc/{pid}/cmdline').read_bytes() == mine, os.getpgid(pid) == pid); "
        "worker.end(); nursery.end(); print(Path(f'/proc/{pid}').exists())"
    )
    environment = {**os.environ, "WORKBENCH_DASHBOARD_WORKERS": "1", "WORKBENCH_HOME": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", said], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["True", "True", "True", "False"]


def test_the_first_page_does_not_look_at_every_module(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("load_pages", "open_sources", "settle", "_settle_on"):
        monkeypatch.setattr(startup, name, lambda: None)
    monkeypatch.setattr(startup.precompute, "keep_fresh", lambda: None)
    monkeypatch.setattr(delta_generator, "_use_warning_has_been_displayed", False)
    monkeypatch.setattr(env_util, "is_repl", lambda: pytest.fail("looked"))

    async def begin() -> None:
        async with startup.ready(App("app.py")):
            delta_generator._maybe_print_use_warning()

    asyncio.run(begin())
