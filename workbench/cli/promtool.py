"""Checks a rule file with promtool, and runs its unit tests, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

#: Deadline; tests of rules with windows of days take promtool a minute. [s]
_TIMEOUT_S = 180


def checked(text: str, *, name: str = "rules.yml", tests: str = "") -> tuple[str, ...]:
    """Say what ``promtool check rules`` says of a rule file, and ``promtool test rules`` of its unit tests."""
    program = shutil.which("promtool")
    if program is None:
        return ("promtool is not installed, so the changed file was not checked by it.",)
    with tempfile.TemporaryDirectory() as folder:
        path, test = Path(folder) / name, Path(folder) / f"{name}.test"
        path.write_text(text, encoding="utf-8")
        notes = [_refusal(program, "check", path, "the changed file")]
        if tests:
            test.write_text(tests, encoding="utf-8")
            notes.append(_refusal(program, "test", test, "the unit tests of the changed file"))
    return tuple(notes)


def _refusal(program: str, verb: str, path: Path, what: str) -> str:
    """Run ``promtool check rules`` or ``promtool test rules`` on a file."""
    command = [program, verb, "rules", str(path)]
    try:
        done = subprocess.run(  # noqa: S603 (a program found on PATH, fixed arguments)
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"promtool could not {verb} {what}: {error}."
    if done.returncode == 0:
        return f"promtool {verb} rules accepts {what}."
    output = " ".join(f"{done.stdout} {done.stderr}".replace(str(path), "the file").split())
    return f"promtool {verb} rules refuses {what}: {output}"
