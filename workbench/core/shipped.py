"""Where the files that travel with the program are: profiles, pages, templates, notebooks.

In a checkout they stand beside the package, in an installed wheel inside it.
"""

from __future__ import annotations

from pathlib import Path

from workbench.core.errors import SettingsError

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(*parts: str) -> Path:
    """Return the path of a shipped file or folder, e.g. ``shipped("data", "systems")``.

    Raises
    ------
    SettingsError
        The installation is incomplete.
    """
    for root in (_PACKAGE / "_shipped", _PACKAGE.parent):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise SettingsError(
        f"{'/'.join(parts)} is not part of this installation ({_PACKAGE}).", hint="Install the package again."
    )
