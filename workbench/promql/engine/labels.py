"""Functions of labels: ``label_replace``, ``label_join``, the order of ``sort_by_label``, labels of ``absent``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from workbench.core.series import Labels
from workbench.promql.parser.matchers import anchored, bad_regex
from workbench.promql.parser.nodes import NAME, Node, Selector, bare

_REFERENCE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})", re.ASCII)
_DIGITS = re.compile(r"(\d+)")


def readable(text: str) -> bool:
    """Whether a string is UTF-8; bytes that are not come from escapes such as ``\\xff``."""
    return not any("\udc80" <= char <= "\udcff" for char in text)


def shown(text: str) -> str:
    """Write a string with the bytes that are not UTF-8 escaped, fit for a message."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def replacer(
    labels: Sequence[Labels], target: str, template: str, source: str, pattern: str
) -> Callable[[Labels], Labels]:
    """Return the change ``label_replace`` makes to a label set.

    Every distinct source value is matched once, by RE2.

    Raises
    ------
    QueryRejected
        The pattern is not RE2.
    """
    values = sorted({own.get(source, "") for own in labels}) or [""]
    results = _expanded(values, pattern, template)

    def change(own: Labels) -> Labels:
        text = results[own.get(source, "")]
        return dict(own) if text is None else _with(own, target, text)

    return change


def _expanded(values: Sequence[str], pattern: str, template: str) -> dict[str, str | None]:
    """Template filled from each value that the pattern matches whole; None for the others."""
    import pyarrow as pa
    import pyarrow.compute as pc

    array = pa.array(values, pa.string())
    whole = anchored(pattern)
    try:
        matches = pc.match_substring_regex(array, whole).to_pylist()
        filled = pc.replace_substring_regex(array, whole, _re2_template(template, pattern), max_replacements=1)
    except pa.ArrowInvalid as fault:
        raise bad_regex(pattern, str(fault)) from None
    return {
        value: text if matched else None
        for value, text, matched in zip(values, filled.to_pylist(), matches, strict=True)
    }


def _re2_template(template: str, pattern: str) -> str:
    """Go's ``$1`` and ``${name}`` as RE2's ``\\1``; references to groups that do not exist are empty."""
    names = _group_names(pattern)

    def reference(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name = match[1] or match[2]
        number = int(name) if name.isdigit() else names.index(name) if name in names else -1
        return f"\\{number}" if 0 <= number < min(len(names), 10) else ""

    return _REFERENCE.sub(reference, template.replace("\\", "\\\\"))


def _group_names(pattern: str) -> list[str]:
    """Names of the capturing groups, the whole match first; unnamed ones are empty."""
    names = [""]
    inside_class = False
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
        elif char == "[":
            inside_class = True
        elif char == "]":
            inside_class = False
        elif char == "(" and not inside_class:
            named = re.match(r"\(\?P?<(\w+)>", pattern[at:])
            if named:
                names.append(named[1])
            elif not pattern.startswith("(?", at):
                names.append("")
        at += 1
    return names


def joiner(target: str, separator: str, sources: Sequence[str]) -> Callable[[Labels], Labels]:
    """Return the change ``label_join`` makes to a label set."""

    def change(own: Labels) -> Labels:
        return _with(own, target, separator.join(own.get(source, "") for source in sources))

    return change


def _with(own: Labels, name: str, value: str) -> Labels:
    changed = dict(own)
    if value:
        changed[name] = value
    else:
        changed.pop(name, None)
    return changed


def natural(text: str) -> list[tuple[int, int, str]]:
    """Sort key in which numbers inside text count as numbers.

    Examples
    --------
    >>> sorted(["cpu10", "cpu9", "cpu1"], key=natural)
    ['cpu1', 'cpu9', 'cpu10']
    """
    return [(0, int(part), part) if part.isdigit() else (1, 0, part) for part in _DIGITS.split(text) if part]


def absent_labels(node: Node) -> Labels:
    """Labels that ``absent`` can know: those matched by one equality and by nothing else."""
    node = bare(node)
    if not isinstance(node, Selector):
        return {}
    labels: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in node.matchers:
        if matcher.name == NAME:
            continue
        if matcher.op == "=" and matcher.name not in seen:
            labels[matcher.name] = matcher.value
        else:
            labels.pop(matcher.name, None)
        seen.add(matcher.name)
    return {name: value for name, value in labels.items() if value}
