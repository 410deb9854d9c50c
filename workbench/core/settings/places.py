"""Where a path of the settings lies."""

from __future__ import annotations

from pathlib import Path

from workbench.core.errors import SettingsError


def placed(path: object, base: Path) -> Path:
    """Return a path of the settings, absolute; a relative one begins at ``base``.

    Raises
    ------
    SettingsError
        It is no path, or cannot be followed.
    """
    if not isinstance(path, str | Path):
        raise SettingsError(f"A path of the settings is text, not {path!r:.40}.")
    try:
        return (base / Path(path).expanduser()).resolve()
    except (RuntimeError, ValueError, OSError) as error:  # ~nobody, a zero byte, links in a circle
        raise SettingsError(f"The path {str(path)!r} of the settings cannot be used: {error}.") from None
