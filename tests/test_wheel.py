"""The wheel, built from the checkout and installed where no checkout is near."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.programs import answers, free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
SCENARIO = """
schema: 1
name: three-days
days: 3
events:
  - {id: short-outage, kind: outage, system: counterfactual-lab, start: -1d, duration: 20m, magnitude: 0.5}
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", out, ROOT]
    subprocess.run(command, check=True, timeout=300)
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def home(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment elsewhere with the wheel in it; its dependencies are lent by this environment."""
    home = tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home / "venv"], check=True, timeout=120)
    python = home / "venv" / "bin" / "python"
    where = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    site = Path(subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout.strip())
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel]
    subprocess.run(install, check=True, timeout=300)
    # A folder named in a .pth file is only searched: the .pth files in it, so also the editable install, do not count.
    (site / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return home


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [home / "venv" / "bin" / "workbench", *arguments],
        cwd=home, env=bare_environment(home), capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def bare_environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKBENCH_", "PYTHON", "XDG_"))}
    return kept | {"HOME": str(home), "PATH": f"{home / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def test_the_wheel_carries_what_the_program_reads_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    inside = {name.removeprefix("workbench/_shipped/") for name in names if name.startswith("workbench/_shipped/")}
    for folder, pattern in (
        ("data", "*.yaml"), ("pages", "*.py"), ("reports", "*"), ("notebooks", "*.ipynb"), (".streamlit", "*.toml"),
    ):  # fmt: skip
        wanted = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob(pattern) if path.is_file()}
        assert wanted <= inside | {name for name in wanted if "__pycache__" in name}
        assert wanted
    assert not [name for name in names if name.startswith("tests/") or "__pycache__" in name or name.endswith(".pyc")]
    assert any(name.endswith("py.typed") for name in names)
    assert {Path(name).name for name in names if ".dist-info/licenses/" in name} == {"LICENSE", "NOTICE"}


def test_the_installed_command_is_the_wheels(home: Path) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert run(home, "--version").stdout.split()[-1] == version
    where = subprocess.run(
        [home / "venv" / "bin" / "python", "-c", "import workbench; print(workbench.__file__)"],
        cwd=home, env=bare_environment(home), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(home))


def test_the_shipped_catalog_is_found_and_right(home: Path) -> None:
    assert "counterfactual-lab" in "".join((run(home, "catalog", "check").stdout, run(home, "catalog", "list").stdout))


@pytest.fixture(scope="module")
def demo(home: Path) -> Path:
    (home / "short.yaml").write_text(SCENARIO)
    target = home / ".workbench" / "demo"
    run(home, "demo", "build", "--scenario", "short.yaml", "--end", "2026-11-01T00:00Z", "--to", str(target))
    return target


def test_the_demo_is_built_and_answers(home: Path, demo: Path) -> None:
    assert (demo / "truth.json").exists()
    told = run(
        home, "slo", "status", "counterfactual-lab", "--from", "2026-10-30", "--to", "2026-11-01", "--format", "json"
    )
    rows = {row["objective"]: row for row in json.loads(told.stdout)["results"]["compliance"]["rows"]}
    assert rows["availability"]["status"] == "spent"
    assert rows["availability"]["total"] > 0


@pytest.fixture
def dashboard(home: Path, demo: Path) -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen(
        [home / "venv" / "bin" / "workbench", "dashboard", "--no-open", "--port", str(port)],
        cwd=home, env=bare_environment(home), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yield port
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(20)


def test_the_dashboard_starts_from_the_wheel(dashboard: int) -> None:
    until = time.monotonic() + 60
    while not answers(f"http://127.0.0.1:{dashboard}/_stcore/health"):
        assert time.monotonic() < until, "the dashboard did not answer within a minute"
        time.sleep(0.2)
    assert answers(f"http://127.0.0.1:{dashboard}/")
