"""One demo archive for all tests of a run: seed 7, history up to 2026-11-01T00:00Z."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from workbench.core.settings import Settings, load_settings

if TYPE_CHECKING:
    from workbench.studies import Context

END = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of this run that all its workers share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def demo_home(run_folder: Path) -> Path:
    """Home folder with the demo in it; built once a run, also with several workers.

    ``WORKBENCH_TEST_HOME`` names a folder that is kept between runs.
    """
    from workbench.demo import build_demo

    kept = os.environ.get("WORKBENCH_TEST_HOME")
    home = Path(kept) if kept else run_folder / "demo-home"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "built").exists():
            build_demo(home / "demo", seed=7, end=END)
            (home / "built").touch()
    return home


@pytest.fixture(scope="session")
def shared_settings(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings over the shared demo whose home many tests share: for studies that are made once and only read."""
    return load_settings(_settings_file(tmp_path_factory.mktemp("shared"), demo_home))


@pytest.fixture
def demo_settings(demo_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a home of the test's own whose demo archive is the shared one."""
    for name in ("CONFIG", "HOME", "ZONE", "STORE_URL", "IDENTITY"):
        monkeypatch.delenv(f"WORKBENCH_{name}", raising=False)
    monkeypatch.setenv("WORKBENCH_CONFIG", str(_settings_file(tmp_path, demo_home)))
    return load_settings()


def _settings_file(folder: Path, demo_home: Path) -> Path:
    file = folder / "workbench.toml"
    file.write_text(f'home = "home"\n[sources.demo]\nkind = "archive"\npath = "{demo_home / "demo"}"\n')
    return file


@pytest.fixture(scope="session")
def monthly_run(demo_home: Path, run_folder: Path) -> Callable[[str], tuple[Settings, Path]]:
    """Settings and page of the monthly report of October 2026, made once a run by whichever test asks first."""
    from workbench.report import run_report

    def run(system: str) -> tuple[Settings, Path]:
        folder = run_folder / f"monthly-{system}"
        folder.mkdir(exist_ok=True)
        kept = folder / "monthly.html"
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            settings = load_settings(_settings_file(folder, demo_home))
            if not kept.exists():
                run_report("monthly", system=system, period="2026-10", settings=settings, out=kept)
        return settings, kept

    return run


@pytest.fixture(scope="session")
def monthly_page(monthly_run: Callable[[str], tuple[Settings, Path]]) -> Callable[[str], str]:
    """The monthly report of October 2026 of a system as HTML."""
    return lambda system: monthly_run(system)[1].read_text()


@pytest.fixture
def demo_context(demo_settings: Settings) -> Context:
    """Context over the shared demo; its clock is the real one."""
    from workbench.studies import open_context

    return open_context(demo_settings)
