r"""Text of labels, logs, servers and files on its way to a reader: shown, never obeyed. One function at each border.

==================== ==================================================================================
:func:`visible`      for every border: control characters and bidirectional overrides become ``\x1b``, ``\u202e``
:func:`cut`          for a terminal: one long value does not push everything else away
:func:`spreadsheet`  for CSV: nothing that a spreadsheet would run as a formula
:func:`markup`       for HTML: the same, and escaped
:func:`json_safe`    for JSON text: the same characters, as escapes that mean the same
:func:`unlinked`     for Markdown: a bare address is text, not a live link
==================== ==================================================================================
"""

from __future__ import annotations

import html
import re

#: C0 but tab and newline, delete, C1, separators of lines, directions of text, tags, halves of surrogate pairs.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
_BREAK = re.compile(r"[\t\n]")
_FORMULA = re.compile(r"(^|[\r\n])((?:[^\S\r\n]|[\"'\u200b])*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20\t\r|%])")
_NUMBER = re.compile(r"[+-]Inf|\s*[+-]?\d[\d,_. \u00a0\u202f]*([eE][+-]?\d+)?(\s*[%A-Za-z\u00b5/.]{0,12})?\s*")
_ADDRESS = re.compile(r"(?i)(https?:|ftp:|mailto:|www)(?=[/.\w])|(?<=\w)(?=@\w)")

#: Joins what stands around it and shows nothing.
_JOINER = "\u2060"


def visible(text: str, *, lines: bool = False) -> str:
    r"""Show what would act on a terminal or turn the order of a line around; ``lines`` keeps tabs and newlines.

    Examples
    --------
    >>> print(visible("a\x1b]0;title\x07b\u202ec"))
    a\x1b]0;title\x07b\u202ec
    """
    shown = _HIDDEN.sub(_escape, text)
    return shown if lines else _BREAK.sub(_escape, shown)


def cut(text: str, width: int) -> str:
    """Cut text to a width, and say how long it was.

    Examples
    --------
    >>> cut("x" * 1000, 20)
    'xxxxx… (1,000 chars)'
    """
    if len(text) <= width:
        return text
    note = f"… ({len(text):,} chars)"
    return text[: max(width - len(note), 1)] + note


def spreadsheet(text: str) -> str:
    """Put a quote before each line that a spreadsheet would run, also behind blanks or with full-width signs.

    Numbers stay as they are, as a column of negative amounts is no attack.

    Examples
    --------
    >>> spreadsheet("=1+1"), spreadsheet(" +cmd|'x'!A0"), spreadsheet("-12.50"), spreadsheet("12 of 14")
    ("'=1+1", "' +cmd|'x'!A0", '-12.50', '12 of 14')
    """
    shown = visible(text, lines=True)
    return shown if _NUMBER.fullmatch(shown) else _FORMULA.sub(r"\1'\2", shown)


def markup(text: str, *, quote: bool = True) -> str:
    r"""Escape text for HTML, and show what would turn the order of a line around.

    Examples
    --------
    >>> print(markup("<b>\u202ep95</b>"))
    &lt;b&gt;\u202ep95&lt;/b&gt;
    """
    return html.escape(visible(text, lines=True), quote=quote)


def json_safe(text: str) -> str:
    r"""Escape in a JSON text what a terminal would obey; it means the same.

    Examples
    --------
    >>> print(json_safe('{"a": "\x9b1m"}'))
    {"a": "\u009b1m"}
    """
    return _HIDDEN.sub(_json_escape, text)


def unlinked(text: str) -> str:
    """Break bare addresses for Markdown, which would make links of them, by a joiner that shows nothing.

    Examples
    --------
    >>> unlinked("see https://evil.example").replace("\u2060", "|")
    'see https:|//evil.example'
    """
    return _ADDRESS.sub(lambda match: match[0] + _JOINER, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
