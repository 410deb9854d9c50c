"""Logfmt as programs write it: values bare, in double or single quotes or backticks, closed or not."""

from __future__ import annotations

import json
import re

_KEY = re.compile(r"([A-Za-z_][\w.\-/@]*)=")
_WORD = re.compile(r"[\w.\-/@]+")
_BARE = re.compile(r"\S*")
_ENDS = re.compile(r"[,;]?\s+[A-Za-z_][\w.\-/@]*=|\s*$")
#: A sign that some programs write between pairs.
_PARTED = re.compile(r"(\S*?)[,;](?=\s+[A-Za-z_][\w.\-/@]*=)")

#: Keys that tell what a line is; an open quote ends before them, and they make logfmt of a line with loose words.
_TELLING = frozenset({"ts", "time", "timestamp", "t", "level", "lvl", "severity"})
_TELLS = re.compile(rf"\s(?=(?:{'|'.join(sorted(_TELLING))})=)")


def logfmt_record(text: str) -> dict[str, str] | None:
    """Read logfmt: at least two pairs, the first of them at the beginning; None for a line that is none.

    Words without a value are kept as empty. A quote ends where whitespace and another pair follow, or the line ends;
    one that is never closed ends before a time or a level, else at the end of the line. Other words between pairs are
    passed over when the line has a time or a level, and make it plain text otherwise.

    Examples
    --------
    >>> logfmt_record("level=error msg='it\'s gone' took=3s")
    {'level': 'error', 'msg': "it's gone", 'took': '3s'}
    >>> logfmt_record('msg="never closed level=error')
    {'msg': 'never closed', 'level': 'error'}
    """
    if "=" not in text.split(" ", 1)[0]:
        return None
    record: dict[str, str] = {}
    at = pairs = 0
    loose = False
    while at < len(text):
        if text[at].isspace() or text[at] in ",;":
            at += 1
        elif match := _KEY.match(text, at):
            value, at = _value(text, match.end())
            record[match[1]] = value
            pairs += 1
        else:
            match = _BARE.match(text, at)
            assert match is not None
            if _WORD.fullmatch(match[0]):
                record.setdefault(match[0], "")
            else:
                loose = True
            at = match.end()
    if pairs < 2 or (loose and not _TELLING & record.keys()):
        return None
    return record


def _value(text: str, at: int) -> tuple[str, int]:
    """Value that begins here, and where it ends."""
    quote = text[at : at + 1]
    if quote not in ('"', "'", "`") or not quote:
        if match := _PARTED.match(text, at):
            return match[1], match.end()
        match = _BARE.match(text, at)
        assert match is not None
        return match[0], match.end()
    end = at + 1
    while end < len(text):
        if text[end] == "\\" and quote != "`":
            end += 2
        elif text[end] == quote and _ENDS.match(text, end + 1):
            return _unquoted(text[at : end + 1]), end + 1
        else:
            end += 1
    match = _TELLS.search(text, at)
    end = match.start() if match else len(text)
    return text[at + 1 : end], end


def _unquoted(value: str) -> str:
    inner = value[1:-1]
    if value[0] == "`" or "\\" not in inner:
        return inner
    try:
        return str(json.loads(value if value[0] == '"' else '"' + inner.replace("\\'", "'").replace('"', '\\"') + '"'))
    except ValueError:
        return inner
