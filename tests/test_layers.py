"""The layers, proved by an install: core, catalog and analysis work where nothing but their own libraries is."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
ANALYSIS = ("numpy", "pandas", "pyarrow", "scipy", "pydantic", "pyyaml")

#: Imports every module of the three rooms; compiled twins need the extra `fast`.
PROGRAM = """
import importlib, pkgutil, sys, workbench
names = [m.name for r in ("core", "catalog", "analysis")
         for m in pkgutil.walk_packages([f"{workbench.__path__[0]}/{r}"], f"workbench.{r}.")]
for name in names:
    importlib.import_module(name)
others = [name for name in ("plotly", "streamlit", "sqlalchemy", "urllib3") if name in sys.modules]
print(len(names), workbench.__file__, others)
"""


def needed(name: str, known: set[str]) -> Iterator[str]:
    """Name a distribution and all that it requires, each once."""
    if name in known:
        return
    known.add(name)
    yield name
    for line in distribution(name).requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from needed(requirement.name.lower(), known)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment with the wheel of the workbench and the libraries of its analysis, and no other."""
    home = tmp_path_factory.mktemp("analysis")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", home, ROOT]
    subprocess.run(build, check=True, timeout=300)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home / "venv"], check=True, timeout=120)
    python = home / "venv" / "bin" / "python"
    (wheel,) = home.glob("*.whl")
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
        wheel,
    ]
    subprocess.run(install, check=True, timeout=300)
    site = next((home / "venv" / "lib").glob("python*/site-packages"))
    lent, known = Path(sysconfig.get_paths()["purelib"]), set[str]()
    for name in (each for wanted in ANALYSIS for each in needed(wanted, known)):
        for top in {Path(file).parts[0] for file in distribution(name).files or () if Path(file).parts[0] != ".."}:
            if not (site / top).exists() and (lent / top).exists():
                (site / top).symlink_to(lent / top)
    return python


def test_core_catalog_and_analysis_need_their_own_libraries_only(python: Path) -> None:
    done = subprocess.run([python, "-I", "-c", PROGRAM], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    count, where, others = done.stdout.split(maxsplit=2)
    assert int(count) > 50
    assert str(python.parents[1]) in where
    assert others.strip() == "[]"


def test_the_other_rooms_are_not_to_be_had_there(python: Path) -> None:
    code = "import workbench.store.store"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, timeout=60)
    assert "No module named 'sqlalchemy'" in done.stderr
