"""Checked pieces of text: each refuses what it cannot use and offers the words that would do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

from workbench.catalog.profile.vocabulary import DIMENSIONS, ROLES, UNITS
from workbench.core.errors import ParameterError
from workbench.core.timerange import duration_ms

_NAME = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_SELECTOR = re.compile(
    r"\s*(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?P<matchers>\{(?:[^{}\"]|\"(?:[^\"\\]|\\.)*\")*\})?\s*"
)
_CURRENCY = re.compile(r"[A-Z]{3}")


def nearest(word: str, valid: Iterable[str]) -> str:
    """Return the valid word most like ``word``, or nothing when none is like it; swapped letters weigh least.

    Examples
    --------
    >>> nearest("requets", ["requests", "errors"]), nearest("xyz", ["requests"])
    ('requests', '')
    """
    words = {item.lower(): item for item in valid}
    matches = difflib.get_close_matches(word.lower(), words, n=3, cutoff=0.6)
    matches.sort(key=lambda match: sorted(match) != sorted(word.lower()))
    return words[matches[0]] if matches else ""


def selector_parts(selector: str) -> tuple[str, str]:
    """Split ``name{matchers}`` into its name and its matchers, each possibly empty.

    Raises
    ------
    ParameterError
        The text is more than a plain selector.

    Examples
    --------
    >>> selector_parts('http_requests_total{status=~"5.."}')
    ('http_requests_total', '{status=~"5.."}')
    """
    match = _SELECTOR.fullmatch(selector)
    if match is None or not selector.strip():
        raise ParameterError(f"{selector!r} is not a plain selector.", hint='Write e.g. requests_total{status="500"}.')
    return match["name"] or "", match["matchers"] or ""


def _role(word: str) -> str:
    if word.partition(".")[0] not in ROLES:
        raise PydanticCustomError(
            "unknown_word",
            "{word} is not a role; see docs/profiles.md for the list",
            {"word": word, "valid": list(ROLES)},
        )
    return _name(word)


def _dimension(word: str) -> str:
    if word not in DIMENSIONS:
        raise PydanticCustomError(
            "unknown_word", "{word} is not a dimension; the word before the colon is ours, the label after it yours",
            {"word": word, "valid": list(DIMENSIONS)},
        )  # fmt: skip
    return word


def _unit(word: str) -> str:
    if word not in UNITS and not _CURRENCY.fullmatch(word):
        raise PydanticCustomError(
            "unknown_word", "{word} is not a unit nor a currency code", {"word": word, "valid": list(UNITS)}
        )
    return word


def _name(word: str) -> str:
    if len(word) > 63 or not _NAME.fullmatch(word):
        raise PydanticCustomError(
            "bad_name", "a name has lower-case letters, digits, '-', '_' or '.', and at most 63 of them", {}
        )
    return word


def _metric(word: str) -> str:
    if not _METRIC.fullmatch(word):
        raise PydanticCustomError("bad_name", "{word} cannot be the name of a metric", {"word": word})
    return word


def _label(word: str) -> str:
    if not _LABEL.fullmatch(word):
        raise PydanticCustomError("bad_name", "{word} cannot be the name of a label", {"word": word})
    return word


def _duration(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        return duration_ms(text)
    except ParameterError as error:
        raise PydanticCustomError("bad_duration", "{why}", {"why": str(error).replace("\n", " ")}) from None


def _one_of(value: object) -> object:
    """Write a list of values as the pattern that matches any of them."""
    if not isinstance(value, dict):
        return value
    return {
        name: "=~" + "|".join(re.escape(str(value)) for value in matched) if isinstance(matched, list) else matched
        for name, matched in value.items()
    }


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[Text, AfterValidator(_name)]
RoleName = Annotated[Text, AfterValidator(_role)]
Dimension = Annotated[Text, AfterValidator(_dimension)]
Unit = Annotated[Text, AfterValidator(_unit)]
MetricName = Annotated[Text, AfterValidator(_metric)]
LabelName = Annotated[Text, AfterValidator(_label)]
#: Written as Prometheus writes durations (``5m``), kept in milliseconds.
DurationMs = Annotated[int, BeforeValidator(_duration)]
#: Label to its value; ``=~``, ``!=`` and ``!~`` may stand before it, and a list is any of its values.
Scope = Annotated[dict[LabelName, str], BeforeValidator(_one_of)]
