"""Checks a rule file with promtool, where it is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

_TIMEOUT_S = 30


def checked(text: str) -> tuple[str, ...]:
    """Say what ``promtool check rules`` says of a rule file."""
    program = shutil.which("promtool")
    if program is None:
        return ("promtool is not installed, so the changed file was not checked by it.",)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.yml"
        path.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run(  # noqa: S603 (a program found on PATH, fixed arguments)
                [program, "check", "rules", str(path)], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return (f"promtool could not check the changed file: {error}.",)
    if done.returncode == 0:
        return ("promtool check rules accepts the changed file.",)
    said = " ".join(f"{done.stdout} {done.stderr}".replace(str(path), "the file").split())
    return (f"promtool check rules refuses the changed file: {said}",)
