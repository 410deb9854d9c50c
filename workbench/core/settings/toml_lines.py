"""Where a key stands in TOML text, for errors that name file and line."""

from __future__ import annotations

import re


def line_of(text: str, path: tuple[int | str, ...]) -> int:
    """Return the line of the innermost key or table of ``path`` in TOML text; 1 when it cannot be found.

    Examples
    --------
    >>> line_of("zone = 'UTC'\\n[sources.a]\\nkind = 'x'", ("sources", "a", "kind"))
    3
    """
    line = 1
    rest = text.splitlines()
    for key in (str(part) for part in path if isinstance(part, str)):
        pattern = re.compile(rf"^\s*(?:\[.*\b{re.escape(key)}\b.*\]|[\"']?{re.escape(key)}[\"']?\s*=)")
        for number, content in enumerate(rest[line - 1 :], start=line):
            if pattern.match(content):
                line = number
                break
    return line
