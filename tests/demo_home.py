"""One demo archive for all tests of a run: seed 7, history up to 2026-11-01T00:00Z."""

from __future__ import annotations

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from workbench.core.settings import Settings, load_settings

if TYPE_CHECKING:
    from workbench.studies import Context

END = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home folder with the demo in it; built once a run, also with several workers.

    ``WORKBENCH_TEST_HOME`` names a folder that is kept between runs.
    """
    from workbench.demo import build_demo

    kept = os.environ.get("WORKBENCH_TEST_HOME")
    base = tmp_path_factory.getbasetemp()
    home = Path(kept) if kept else (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "demo-home"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "built").exists():
            build_demo(home / "demo", seed=7, end=END)
            (home / "built").touch()
    return home


@pytest.fixture
def demo_settings(demo_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a home of the test's own whose demo archive is the shared one."""
    for name in ("CONFIG", "ZONE", "STORE_URL", "IDENTITY"):
        monkeypatch.delenv(f"WORKBENCH_{name}", raising=False)
    file = tmp_path / "workbench.toml"
    file.write_text(f'home = "home"\n[sources.demo]\nkind = "archive"\npath = "{demo_home / "demo"}"\n')
    monkeypatch.setenv("WORKBENCH_CONFIG", str(file))
    monkeypatch.delenv("WORKBENCH_HOME", raising=False)
    return load_settings()


@pytest.fixture
def demo_context(demo_settings: Settings) -> Context:
    """Context over the shared demo; its clock is the real one."""
    from workbench.studies import open_context

    return open_context(demo_settings)
