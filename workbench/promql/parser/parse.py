"""Text to nodes. The only module that knows ``promql_parser``; its trees end here."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

import promql_parser as pp

from workbench.promql.parser.lexer import Token, misplaced, rejected, scan, unquoted, wants_more
from workbench.promql.parser.matchers import Matcher, check_regex
from workbench.promql.parser.nodes import (
    NAME,
    Aggregate,
    At,
    Binary,
    Call,
    Matching,
    Node,
    Number,
    Paren,
    Selector,
    String,
    Subquery,
    Unary,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MATCH_OPS: dict[str, Literal["=", "!=", "=~", "!~"]] = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}
_FILLS = ("fill", "fill_left", "fill_right")
_MODIFIERS = ("bool", "on", "ignoring", "group_left", "group_right", *_FILLS)
#: Largest plain number of seconds read as a time or a length of time: about the year 9000.
_FARTHEST_S = 2e11
#: Beginnings of a query tried in the search for the place of an error. [count]
_BEGINNINGS = 256
_RENAMED = {"holt_winters": "double_exponential_smoothing"}

#: Words that take labels in parentheses.
_LABELLED = frozenset({"by", "without", "on", "ignoring"})


@lru_cache(maxsize=512)
def parse(text: str) -> Node:
    """Read a PromQL expression.

    Parameters
    ----------
    text : str
        The query, at most 8,192 bytes and 200 levels deep.

    Returns
    -------
    Node
        Root of the tree; every node knows its offset in ``text``.

    Raises
    ------
    QueryRejected
        With line, column and offset of the place as far as it can be told.

    Examples
    --------
    >>> parse("up offset 5m")
    Selector(name='up', matchers=(), range_ms=None, offset_ms=300000, at=None)
    """
    tokens = scan(text)
    _check_times(text, tokens)
    plain = text
    for token in tokens:
        if token.kind == "number" and "_" in token.text:
            digits = token.text.replace("_", "").ljust(len(token.text))
            plain = plain[: token.position] + digits + plain[token.position + len(digits) :]
    try:
        tree = pp.parse(plain)
    except ValueError as fault:
        raise _located(text, tokens, str(fault)) from None
    try:
        return _Reader(text, tokens).node(tree)
    except OverflowError:
        hint = f"Give seconds up to {_FARTHEST_S:.0e}, or a duration such as 5m."
        raise rejected("time out of range", text, 0, hint=hint) from None


def _check_times(text: str, tokens: list[Token]) -> None:
    """Refuse plain seconds that the parser would stumble over: it ends in a panic or an error without a place."""
    for before, token in pairwise(tokens):
        after = before.text.lower() in ("@", "offset", "[", ":")
        if before.text in "+-" and before.position:
            after = tokens[tokens.index(before) - 1].text.lower() in ("@", "offset", "[", ":")
        word = token.text.lower()
        if after and (word in ("inf", "nan") or (token.kind == "number" and _seconds(word) > _FARTHEST_S)):
            raise rejected(
                f"time out of range: {token.text}",
                text,
                token.position,
                hint=f"Give seconds up to {_FARTHEST_S:.0e}, or a duration such as 5m.",
            )


def _seconds(text: str) -> float:
    digits = text.replace("_", "")
    return float(int(digits, 16)) if digits.startswith("0x") else float(digits)


def _ms(delta: timedelta | None) -> int:
    return 0 if delta is None else delta // timedelta(milliseconds=1)


class _Reader:
    """Turns the parser's tree into nodes while a cursor follows the tokens, because the tree has no positions."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.cursor = 0

    def _peek(self, ahead: int = 0) -> str:
        at = self.cursor + ahead
        return self.tokens[at].text.lower() if at < len(self.tokens) else ""

    def _position(self) -> int:
        return self.tokens[min(self.cursor, len(self.tokens) - 1)].position

    def _skip(self, *texts: str) -> None:
        if self._peek() in texts:
            self.cursor += 1

    def _skip_group(self, opening: str, closing: str) -> None:
        """Step over a bracketed group when the cursor stands before one."""
        if self._peek() != opening:
            return
        depth = 0
        while self.cursor < len(self.tokens):
            depth += (self._peek() == opening) - (self._peek() == closing)
            self.cursor += 1
            if depth == 0:
                return

    def _modifiers(self) -> At | None:
        """Step over ``offset`` and ``@`` in either order; the time comes from the text, the parser loses its sign."""
        at: At | None = None
        while self._peek() in ("offset", "@"):
            is_at = self._peek() == "@"
            self.cursor += 1
            sign = -1 if self._peek() == "-" else 1
            self._skip("-", "+")
            word = self.tokens[self.cursor]
            self.cursor += 1
            if word.text.lower() in ("start", "end"):
                self._skip_group("(", ")")
                at = At("start" if word.text.lower() == "start" else "end")
            elif is_at and sign < 0:
                at = At("time", -_ms(self._time(word.text)))
        return at

    @staticmethod
    def _time(text: str) -> timedelta:
        tree: Any = pp.parse(f"x @ {text}")
        since: timedelta = tree.at.at - _EPOCH
        return since

    def node(self, tree: Any) -> Node:
        while self._peek() == "+":
            self.cursor += 1
        position = self._position()
        match tree:
            case pp.NumberLiteral():
                while self._peek() in ("-", "+"):
                    self.cursor += 1
                self.cursor += 1
                return Number(float(tree.val), position)
            case pp.StringLiteral():
                literal = self.tokens[self.cursor]
                self.cursor += 1
                return String(unquoted(literal.text) if literal.kind == "string" else str(tree.val), position)
            case pp.ParenExpr():
                self._skip("(")
                inside = self.node(tree.expr)
                self._skip(")")
                return Paren(inside, position)
            case pp.UnaryExpr():
                self._skip("-")
                return Unary(self.node(tree.expr), position)
            case pp.VectorSelector():
                return self._selector(tree, None, position)
            case pp.MatrixSelector():
                return self._selector(tree.vector_selector, _ms(tree.range), position)
            case pp.SubqueryExpr():
                inside = self.node(tree.expr)
                self._skip_group("[", "]")
                at = self._modifiers() or _at(tree.at)
                step = None if tree.step is None else _ms(tree.step)
                return Subquery(inside, _ms(tree.range), step, _ms(tree.offset), at, position)
            case pp.Call():
                return self._call(tree, position)
            case pp.AggregateExpr():
                return self._aggregate(tree, position)
            case pp.BinaryExpr():
                return self._binary(tree)
        raise rejected(f"{type(tree).__name__} is not supported", self.text, position)

    def _selector(self, tree: Any, range_ms: int | None, position: int) -> Selector:
        if tree.matchers.or_matchers:
            raise rejected("'or' between matchers is not PromQL", self.text, position, hint="Use a regular expression.")
        if self._peek() != "{":
            self.cursor += 1
        self._skip_group("{", "}")
        if range_ms is not None:
            self._skip_group("[", "]")
        at = self._modifiers() or _at(tree.at)
        matchers = tuple(Matcher(str(m.name), _MATCH_OPS[str(m.op)], str(m.value)) for m in tree.matchers.matchers)
        for matcher in matchers:
            if matcher.op in ("=~", "!~"):
                check_regex(matcher.value)
        name = tree.name or next((m.value for m in matchers if m.name == NAME and m.op == "="), "")
        if not tree.name:
            matchers = tuple(m for m in matchers if m != Matcher(NAME, "=", name))
        return Selector(name, matchers, range_ms, _ms(tree.offset), at, position)

    def _call(self, tree: Any, position: int) -> Call:
        self.cursor += 1
        self._skip("(")
        args = []
        for arg in tree.args:
            args.append(self.node(arg))
            self._skip(",")
        self._skip(")")
        return Call(str(tree.func.name), tuple(args), position)

    def _aggregate(self, tree: Any, position: int) -> Aggregate:
        self.cursor += 1
        self._grouping()
        self._skip("(")
        param = None
        if tree.param is not None:
            param = self.node(tree.param)
            self._skip(",")
        expr = self.node(tree.expr)
        self._skip(")")
        self._grouping()
        labels = tuple(tree.modifier.labels) if tree.modifier else ()
        without = tree.modifier is not None and str(tree.modifier.type) == "AggModifierType.Without"
        return Aggregate(str(tree.op), expr, param, labels, without, position)

    def _grouping(self) -> None:
        if self._peek() in ("by", "without"):
            self.cursor += 1
            self._skip_group("(", ")")

    def _binary(self, tree: Any) -> Binary:
        lhs = self.node(tree.lhs)
        position = self._position()
        self.cursor += 1
        while self._peek() in _MODIFIERS:
            word = self._peek()
            if word in _FILLS and self._peek(1) != "(":
                break  # a metric of that name
            self.cursor += 1
            if word != "bool":
                self._skip_group("(", ")")
        rhs = self.node(tree.rhs)
        modifier = tree.modifier
        if modifier is None:
            return Binary(str(tree.op), lhs, rhs, position=position)
        chosen = modifier.matching
        on = chosen is not None and str(chosen.type) == "LabelModifierType.Include"
        sides: dict[str, Literal["", "left", "right"]] = {
            "VectorMatchCardinality.ManyToOne": "left",
            "VectorMatchCardinality.OneToMany": "right",
        }
        matching = Matching(
            on,
            tuple(chosen.labels) if chosen is not None else (),
            sides.get(str(modifier.card), ""),
            tuple(modifier.group_labels or ()),
            modifier.fill_values.lhs if modifier.fill_values else None,
            modifier.fill_values.rhs if modifier.fill_values else None,
        )
        if matching.fills and str(tree.op) in ("and", "or", "unless"):
            raise rejected("fill modifiers do not go with set operators", self.text, position)
        return Binary(str(tree.op), lhs, rhs, bool(modifier.return_bool), matching, position)


def _at(modifier: Any) -> At | None:
    if modifier is None:
        return None
    match str(modifier.type):
        case "AtModifierType.Start":
            return At("start")
        case "AtModifierType.End":
            return At("end")
    return At("time", _ms(modifier.at - _EPOCH))


def _located(text: str, tokens: list[Token], reason: str) -> Exception:
    """Give the parser's reason a place: the word it names, else the first token that cannot stand where it stands."""
    reason = re.sub(r"(?<!instant )\bvector\b(?! sel| mat)", "instant vector", reason)
    reason = re.sub(r"\bmatrix\b", "range vector", reason)
    named = re.search(r"'([A-Za-z_][\w:]*)'", reason)
    if named:
        name = named[1]
        hint = f"It is called {_RENAMED[name]} since Prometheus 3." if name in _RENAMED else ""
        position = next((token.position for token in tokens if token.text.lower() == name), None)
        if position is not None:
            return rejected(reason, text, position, hint=hint)
    for word, label in pairwise(tokens):
        if word.text.lower() in _LABELLED and label.text != "(" and label.kind != "op":
            why = f"the labels after {word.text!r} stand in parentheses"
            return rejected(why, text, label.position, hint=f"Write {word.text} ({label.text}).")
    for before, token in pairwise([None, *tokens]):
        if token is not None and misplaced(before, token):
            return rejected(f"unexpected {token.text!r}", text, token.position, hint=f"The parser says: {reason}.")
    if wants_more(tokens[-1]):
        return rejected("unexpected end of input", text, len(text), hint=f"The parser says: {reason}.")
    position = _suspect(tokens, reason)
    return rejected(reason, text, _after_sense(text, tokens) if position is None else position)


def _after_sense(text: str, tokens: list[Token]) -> int:
    """Place of the token after the longest beginning of a query that is a query itself."""
    for number in range(min(len(tokens) - 1, _BEGINNINGS), 0, -1):
        try:
            pp.parse(text[: tokens[number].position])
        except ValueError:
            continue
        return tokens[number].position
    return tokens[0].position


def _suspect(tokens: list[Token], reason: str) -> int | None:
    """Place of the first token a reason can be about."""
    for token in tokens:
        if reason.startswith("illegal regex"):
            guilty = token.kind == "string" and reason.endswith(unquoted(token.text))
        elif reason.startswith("comparisons between"):
            guilty = token.text in ("==", "!=", "<", ">", "<=", ">=")
        elif "selector must contain" in reason:
            guilty = token.text == "{"
        else:
            guilty = token.text in ("@", "offset", "[")
        if guilty:
            return token.position
    return None
