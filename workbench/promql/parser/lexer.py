"""Tokens of PromQL with their places, and the guards that run before the parser sees a text.

The grammar belongs to the parser. This scan knows strings, comments, numbers and brackets well enough to measure size
and nesting (the parser works by recursion and can take the process down) and to point at the place of an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from workbench.core.errors import QueryRejected

MAX_BYTES = 8_192
MAX_NESTING = 200
#: Longer messages repeat the query. [characters]
_LONGEST = 300

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|\#[^\n]*)
  | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
  | (?P<duration>(?:\d+(?:ms|[smhdwy]))+(?![A-Za-z0-9_.]))
  | (?P<number>0[xX][0-9a-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<word>(?:[A-Za-z_]|:(?=[A-Za-z_:]))[A-Za-z0-9_:]*)
  | (?P<op>==|!=|=~|!~|<=|>=|[-+*/%^<>=@(){}\[\],:])
    """,
    re.VERBOSE,
)
#: A name may begin with a colon, also before a digit; in brackets that is the colon of a subquery.
_COLON_NAME = re.compile(r":[A-Za-z0-9_:]*")
_CLOSES = {")": "(", "]": "[", "}": "{"}
_OPERATORS = frozenset({"+", "-", "*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">=", "and", "or", "unless", "atan2"})


@dataclass(frozen=True)
class Token:
    """One token: its kind (string, duration, number, word, op), text and offset."""

    kind: str
    text: str
    position: int


def rejected(message: str, query: str, position: int | None, hint: str = "") -> QueryRejected:
    """Build a :class:`QueryRejected` whose message names line and column, as Prometheus does."""
    if len(message) > _LONGEST:
        message = message[: _LONGEST - 1] + "…"
    if position is not None:
        line, column = place(query, position)
        message = f"{line}:{column}: {message}"
    return QueryRejected(message, query=query, position=position, hint=hint)


_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|[0-7]{3}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_PLAIN = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}


def unquoted(text: str) -> str:
    """Read a string literal as Go does: escapes are bytes, and bytes that are not UTF-8 become lone surrogates.

    Examples
    --------
    >>> unquoted(chr(34) + chr(92) + "u00e9" + chr(34))
    'é'
    """
    if text.startswith("`"):
        return text[1:-1]

    def byte(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] in "uU":
            return chr(int(code[1:], 16)).encode().decode("latin-1")
        if code[0] == "x":
            return chr(int(code[1:], 16))
        if len(code) == 3:
            return chr(int(code, 8))
        return chr(_PLAIN.get(code, ord(code)))

    raw = _ESCAPE.sub(byte, text[1:-1].encode().decode("latin-1"))
    return raw.encode("latin-1").decode("utf-8", "surrogateescape")


def place(query: str, position: int) -> tuple[int, int]:
    """Line and column, both from 1.

    Examples
    --------
    >>> place("a +" + chr(10) + "  b", 6)
    (2, 3)
    """
    before = query[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1


def tokens(query: str) -> list[Token]:
    """Split a query into tokens, or say at which character that fails.

    Raises
    ------
    QueryRejected
        A string without its end, or a character that has no meaning in PromQL.
    """
    read: list[Token] = []
    at = brackets = 0
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None:
            if query[at] in "\"'`":
                raise rejected("unterminated quoted string", query, at, hint="Close the string with the same quote.")
            raise rejected(f"unexpected character: {query[at]!r}", query, at)
        kind = str(match.lastgroup)
        brackets += (match.group() == "[") - (match.group() == "]")
        if match.group() == ":" and not brackets:
            kind, match = "word", _COLON_NAME.match(query, at) or match
        if kind != "space":
            read.append(Token(kind, match.group(), at))
        at = match.end()
    return read


def scan(query: str) -> list[Token]:
    """Tokens of a query that is small and shallow enough to be parsed.

    Raises
    ------
    QueryRejected
        Nothing in it, more than 8,192 bytes, more than 200 levels, or brackets that do not pair.
    """
    try:
        size = len(query.encode())
    except UnicodeEncodeError as fault:
        raise QueryRejected(
            f"Character {fault.start} of the query is not Unicode text.", position=fault.start
        ) from None
    if size > MAX_BYTES:
        raise QueryRejected(
            f"The query has {size} bytes; at most {MAX_BYTES} are read.",
            query=query[:60] + "...",
            hint="Split it, or record parts of it under a name.",
        )
    read = tokens(query)
    if not read:
        raise QueryRejected("The query is empty.", query=query[:60], hint="Write a selector, e.g. up.")
    _check_nesting(query, read)
    return read


def _check_nesting(query: str, read: list[Token]) -> None:
    """Refuse depth: open brackets plus the operators chained inside each of them bound the depth of the tree."""
    opened: list[Token] = []
    chained = [0]
    for token in read:
        if token.kind == "op" and token.text in "([{":
            opened.append(token)
            chained.append(0)
        elif token.kind == "op" and token.text in _CLOSES:
            if not opened or opened[-1].text != _CLOSES[token.text]:
                raise rejected(f"unexpected {token.text!r}", query, token.position, hint="Check the brackets.")
            opened.pop()
            chained.pop()
            chained[-1] += token.text == "]"
        elif token.text.lower() in _OPERATORS:
            chained[-1] += 1
        if len(opened) + sum(chained) > MAX_NESTING:
            raise rejected(
                f"more than {MAX_NESTING} nested or chained operations",
                query,
                token.position,
                hint="Split the query, or match several series with one regular expression.",
            )
    if opened:
        raise rejected(f"unclosed {opened[-1].text!r}", query, opened[-1].position, hint="Check the brackets.")


_WORD_OPERATORS = {"and", "or", "unless", "atan2", "offset", "bool", "on", "ignoring", "group_left", "group_right"}
_WORD_OPERATORS |= {"by", "without"}
_NEEDS_LEFT = {"*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">=", ",", "@"}


def wants_more(token: Token) -> bool:
    """Whether a query cannot end with this token."""
    return token.text.lower() in _WORD_OPERATORS or (token.kind == "op" and token.text not in ")]}")


def misplaced(before: Token | None, token: Token) -> bool:
    """Whether two neighbours can never stand together: two operands in a row, or an operator with nothing before it."""
    if token.kind != "op":
        is_word_operator = token.text.lower() in _WORD_OPERATORS
        return not is_word_operator and before is not None and not wants_more(before) and before.text != ")"
    opens = before is None or (before.kind == "op" and wants_more(before))
    return token.text in _NEEDS_LEFT and opens
