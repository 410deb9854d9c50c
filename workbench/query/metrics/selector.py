"""A plain selector as a list of conditions, for interfaces that take no PromQL text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

MatchOp = Literal["=", "!=", "=~", "!~"]


@dataclass(frozen=True)
class LabelMatch:
    """One condition on a label."""

    name: str
    op: MatchOp
    value: str


_SPACE = r"\s*"
_STRING = r""""(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`"""
_PLAIN = re.compile(rf"{_SPACE}(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)?{_SPACE}(?:\{{(?P<inner>.*)\}})?{_SPACE}", re.DOTALL)
_ITEM = re.compile(
    rf"{_SPACE}(?:(?P<label>[A-Za-z_][A-Za-z0-9_]*|{_STRING}){_SPACE}(?P<op>=~|!~|!=|=){_SPACE}(?P<value>{_STRING})"
    rf"|(?P<metric>{_STRING})){_SPACE}(?:,|$)",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def conditions(text: str) -> tuple[LabelMatch, ...] | None:
    """Conditions of a plain selector, the metric name first; None when the text is more, or other, than that.

    Examples
    --------
    >>> conditions('up{job=~"a|b"}')
    (LabelMatch(name='__name__', op='=', value='up'), LabelMatch(name='job', op='=~', value='a|b'))
    >>> conditions("rate(up[5m])") is None
    True
    """
    whole = _PLAIN.fullmatch(text)
    if whole is None:
        return None
    matches: list[LabelMatch] = [LabelMatch("__name__", "=", whole["name"])] if whole["name"] else []
    inner, position = whole["inner"] or "", 0
    while position < len(inner) and inner[position:].strip():
        item = _ITEM.match(inner, position)
        if item is None:
            return None
        if item["metric"]:
            matches.insert(0, LabelMatch("__name__", "=", _unquoted(item["metric"])))
        else:
            label = item["label"] if item["label"][0] not in "\"'`" else _unquoted(item["label"])
            matches.append(LabelMatch(label, cast(MatchOp, item["op"]), _unquoted(item["value"])))
        position = item.end()
    return tuple(matches) or None


def _unquoted(text: str) -> str:
    inner = text[1:-1]
    return inner if text[0] == "`" else _ESCAPE.sub(_letter, inner)


def _letter(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "xuU" and len(code) > 1:
        return chr(int(code[1:], 16))
    if len(code) == 3:
        return chr(int(code, 8))
    return _LETTERS.get(code, code)
