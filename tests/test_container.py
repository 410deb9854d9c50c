"""The container file, read as the builder reads it: its stages, what it copies, and that it runs as nobody special."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from workbench.cli.main import COMMANDS
from workbench.report.delivery.files import OUTPUTS

ROOT = Path(__file__).resolve().parents[1]

#: Instructions of the Dockerfile reference.
INSTRUCTIONS = {"FROM", "WORKDIR", "COPY", "ADD", "RUN", "USER", "ENV", "VOLUME", "EXPOSE", "CMD", "ENTRYPOINT", "ARG",
                "LABEL", "HEALTHCHECK", "STOPSIGNAL", "SHELL", "ONBUILD"}  # fmt: skip


def instructions(text: str) -> list[tuple[str, str]]:
    """Instructions with their arguments; comments go, lines that end in a backslash are joined."""
    joined = re.sub(r"\\\n\s*", "", "".join(line + "\n" for line in text.splitlines() if not re.match(r"\s*#", line)))
    return [(word.upper(), rest.strip()) for line in joined.splitlines() if line.strip()
            for word, _, rest in [line.strip().partition(" ")]]  # fmt: skip


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    return instructions((ROOT / "Dockerfile").read_text())


def values(steps: list[tuple[str, str]], word: str) -> list[str]:
    return [rest for name, rest in steps if name == word]


def test_it_holds_known_instructions_and_begins_with_a_base(steps: list[tuple[str, str]]) -> None:
    assert not [name for name, _ in steps if name not in INSTRUCTIONS]
    assert steps[0][0] == "FROM"


def test_the_base_has_a_version_that_the_package_supports(steps: list[tuple[str, str]]) -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    least = tuple(map(int, wanted.removeprefix(">=").split(",")[0].split(".")))
    for base in values(steps, "FROM"):
        version = re.match(r"python:(\d+)\.(\d+)-slim", base)
        assert version, base
        assert tuple(map(int, version.groups())) >= least


def test_stages_that_are_copied_from_exist_before(steps: list[tuple[str, str]]) -> None:
    stages: list[str] = []
    for name, rest in steps:
        if name == "FROM" and " AS " in rest:
            stages.append(rest.rpartition(" AS ")[2])
        if name == "COPY" and (found := re.search(r"--from=(\S+)", rest)):
            assert found[1] in stages


def test_it_runs_as_a_user_who_owns_the_volume(steps: list[tuple[str, str]]) -> None:
    last = [name for name, _ in steps].index("USER")
    user = steps[last][1]
    assert user not in ("root", "0")
    assert any(re.search(rf"useradd\b.*\b{user}\b", rest) for rest in values(steps[:last], "RUN"))
    (volume,) = values(steps, "VOLUME")
    assert volume.startswith(f"/home/{user}/")
    assert f"WORKBENCH_HOME={volume}" in values(steps, "ENV")


def test_its_extras_and_its_command_exist(steps: list[tuple[str, str]]) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = re.search(r"\.whl\)\[([\w,]+)\]", " ".join(values(steps, "RUN")))
    assert asked
    assert set(asked[1].split(",")) <= set(extras)
    (command,) = values(steps, "CMD")
    words = [part.strip('"') for part in shlex.split(command.strip("[]").replace(",", " "))]
    assert words[0] == "workbench"
    assert words[1] in COMMANDS


def test_the_port_that_it_exposes_is_the_one_that_the_dashboard_listens_on(steps: list[tuple[str, str]]) -> None:
    from workbench.cli.dashboard import dashboard

    (port,) = [parameter.default for parameter in dashboard.params if parameter.name == "port"]
    assert values(steps, "EXPOSE") == [str(port)]


def test_nothing_secret_or_heavy_goes_into_the_build() -> None:
    left_out = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv", ".workbench"} <= {line.strip("/") for line in left_out}


def test_it_has_what_the_outputs_need_that_the_dashboard_offers(steps: list[tuple[str, str]]) -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (wheel,) = [text for text in values(steps, "RUN") if "pip install" in text]
    found = re.search(r"whl\)\[([\w,]+)\]", wheel)
    assert found
    extras = set(found[1].split(","))
    assert extras <= set(known)
    assert {"auth", "postgres", *(set(OUTPUTS) & set(known))} <= extras


def test_what_is_compiled_is_kept_on_the_volume_as_all_else_may_be_read_only(steps: list[tuple[str, str]]) -> None:
    environment = dict(part.split("=", 1) for text in values(steps, "ENV") for part in text.split())
    (volume,) = values(steps, "VOLUME")
    assert environment["WORKBENCH_HOME"] == volume
    assert environment["NUMBA_CACHE_DIR"].startswith(volume + "/")
