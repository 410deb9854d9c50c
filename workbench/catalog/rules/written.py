"""Rules as they are written, for a check of them: group files, bare lists, and both inside a Markdown document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.catalog.yaml_lines import Document, Place, parse_documents, text_of
from workbench.core.errors import CatalogError, Fault, ParameterError
from workbench.core.timerange import duration_ms

#: Keys of a rule that Prometheus knows (rulefmt, version 3).
RULE_KEYS = ("alert", "annotations", "expr", "for", "keep_firing_for", "labels", "record")

_FENCE = re.compile(r"^\s*(```+|~~~+)\s*(\w*)")
_RULE = re.compile(r"\b(alert|record):")


@dataclass(frozen=True)
class WrittenRule:
    """One rule and where it stands.

    Attributes
    ----------
    file : str
    line, last_line : int
        First and last line of the rule.
    kind : str
        ``alert`` or ``record``.
    name, expr, group : str
    for_ms, interval_ms, keep_firing_ms : int or None
        None where it is not written. [ms]
    labels, annotations : dict
    faults : tuple of (str, str)
        What Prometheus would refuse in it: the text there and why.
    """

    file: str
    line: int
    last_line: int
    kind: str
    name: str
    expr: str
    group: str = ""
    for_ms: int | None = None
    interval_ms: int | None = None
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    faults: tuple[tuple[str, str], ...] = ()
    keep_firing_ms: int | None = None


@dataclass(frozen=True)
class WrittenRules:
    """All rules of a file in the order of its lines, with the lines themselves."""

    file: str
    lines: tuple[str, ...]
    rules: tuple[WrittenRule, ...]


def read_written_rules(path: Path) -> WrittenRules:
    """Read the rules of a file in any of three shapes: ``groups:``, a bare list, or a bare list with ``severity``.

    A Markdown file is read by its fenced YAML blocks. A rule that Prometheus would refuse is read all the same, with
    what is wrong in its ``faults``.

    Raises
    ------
    CatalogError
        The file cannot be read, is no YAML, or has no rule in it.
    """
    return written_rules(text_of(path), str(path))


def written_rules(text: str, file: str) -> WrittenRules:
    """Read the rules of a text as :func:`read_written_rules` does; ``file`` names it and says by its end what it is."""
    lines = tuple(text.splitlines())
    blocks = list(_blocks(lines)) if file.lower().endswith((".md", ".markdown")) else [text]
    rules: list[WrittenRule] = []
    for block in blocks:
        for document in with_config_maps(parse_documents(block, file=file)):
            rules += _rules(document)
    if not rules:
        raise CatalogError(
            (Fault(file, 1, "", "the file has no rule"),),
            hint="A rule file has groups with rules, or is a list of rules with alert or record.",
        )
    rules.sort(key=lambda rule: rule.line)
    ends = [rule.line - 1 for rule in rules[1:]] + [len(lines)]
    kept = tuple(_ending(rule, end, lines) for rule, end in zip(rules, ends, strict=True))
    return WrittenRules(file, lines, kept)


def _blocks(lines: tuple[str, ...]) -> Iterator[str]:
    """Fenced blocks that hold rules, each with the empty lines before it, so that line numbers stay."""
    fence, start = "", 0
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence, start = mark[1], number + 1
        elif fence and line.strip() == fence:
            block = lines[start:number]
            if any(map(_RULE.search, block)):
                yield "\n" * start + "\n".join(block)
            fence = ""


def holders(data: Any, at: Place = (), depth: int = 6) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Give each object of a document that holds ``groups`` of rules: itself, a PrometheusRule, the items of a List.

    Examples
    --------
    >>> rules = {"groups": [{"rules": []}]}
    >>> [place for place, _ in holders({"kind": "List", "items": [{"kind": "PrometheusRule", "spec": rules}]})]
    [('items', 0, 'spec')]
    """
    if isinstance(data, dict) and isinstance(data.get("groups"), list):
        yield at, data
    elif depth and isinstance(data, dict | list):
        parts = data.items() if isinstance(data, dict) else enumerate(data)
        for name, part in parts:
            yield from holders(part, (*at, name), depth - 1)


def with_config_maps(documents: Iterable[Document]) -> Iterator[Document]:
    """Give documents, and in place of a Kubernetes ConfigMap the rule files that it holds, with the lines of its file.

    Examples
    --------
    >>> text = "kind: ConfigMap\\ndata:\\n  shop.yaml: |\\n    groups:\\n    - rules: [{alert: A, expr: b}]\\n"
    >>> [document.data for document in with_config_maps(parse_documents(text, file="a"))]
    [{'groups': [{'rules': [{'alert': 'A', 'expr': 'b'}]}]}]
    """
    for document in documents:
        texts = list(_config_texts(document.data))
        for at, text in texts:
            # A text in block style begins on the line after its key.
            yield from parse_documents("\n" * document.line(at) + text, file=document.file)
        if not texts or any(holders(document.data)):
            yield document


def _config_texts(data: Any, at: Place = ()) -> Iterator[tuple[Place, str]]:
    if isinstance(data, dict) and data.get("kind") == "ConfigMap" and isinstance(data.get("data"), dict):
        for name, text in data["data"].items():
            if isinstance(text, str) and _RULE.search(text):
                yield (*at, "data", name), text
    elif isinstance(data, dict) and isinstance(data.get("items"), list):
        for number, item in enumerate(data["items"]):
            yield from _config_texts(item, (*at, "items", number))


def _rules(document: Document) -> Iterator[WrittenRule]:
    data = document.data
    for at, held in holders(data):
        for number, group in enumerate(held["groups"]):
            if isinstance(group, dict) and isinstance(group.get("rules"), list):
                interval, shared = _milliseconds(group.get("interval")), _texts(group.get("labels"))
                name = str(group.get("name") or "")
                for place, rule in enumerate(group["rules"]):
                    yield from _rule(document, (*at, "groups", number, "rules", place), rule, name, interval, shared)
    if isinstance(data, dict) and isinstance(data.get("rules"), list):
        for place, rule in enumerate(data["rules"]):
            yield from _rule(document, ("rules", place), rule, "", None)
    elif isinstance(data, list):
        for place, rule in enumerate(data):
            yield from _rule(document, (place,), rule, "", None)


def _rule(
    document: Document, at: Place, rule: Any, group: str, interval_ms: int | None, shared: dict[str, str] | None = None
) -> Iterator[WrittenRule]:
    if not isinstance(rule, dict) or not ({"alert", "record"} & rule.keys()):
        return
    kind = "alert" if "alert" in rule else "record"
    faults = [
        (f"{key}:", f"{key!r} is no key of a rule" + (": it belongs under labels." if key == "severity" else "."))
        for key in rule
        if key not in RULE_KEYS
    ]
    if "alert" in rule and "record" in rule:
        faults.append(("record:", "a rule has alert or record, not both."))
    wait = rule.get("for")
    if wait is not None and _milliseconds(wait) is None:
        faults.append(("for:", f"{wait!r} is no duration."))
    labels = {**(shared or {}), **_texts(rule.get("labels"))}
    if "severity" in rule and "severity" not in labels:
        labels["severity"] = str(rule["severity"])
    yield WrittenRule(
        document.file,
        document.line(at),
        document.line(at),
        kind,
        str(rule[kind] or ""),
        str(rule.get("expr") or ""),
        group,
        _milliseconds(wait),
        interval_ms,
        labels,
        _texts(rule.get("annotations")),
        tuple(faults),
        _milliseconds(rule.get("keep_firing_for")),
    )


def _ending(rule: WrittenRule, end: int, lines: tuple[str, ...]) -> WrittenRule:
    while end > rule.line and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return WrittenRule(**{**vars(rule), "last_line": end})


def _milliseconds(text: object) -> int | None:
    if text is None:
        return None
    try:
        return 0 if text in ("0", 0) else duration_ms(str(text))
    except ParameterError:
        return None


def _texts(given: object) -> dict[str, str]:
    return {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
