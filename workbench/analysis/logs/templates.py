"""Templates of log messages: lines that differ in values only, grouped; outcomes, levels and event types kept apart.

The grouping does not depend on the order of the lines: it works on the sorted set of masked messages.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.analysis.logs.masks import MASK, masked_shapes

Rows = NDArray[np.int64]

#: A position whose word differs between messages of one template.
ANY = "<*>"
#: Row of all messages beyond the most that are told apart.
OTHER = "(other messages)"

#: Templates told apart, the most frequent ones. [count]
MOST = 500

#: Messages join when more than this part of their words is equal. [ratio]
SIMILAR = 0.5

_WORDS_LOOKED_AT = 100
_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))
_CODE = re.compile(r"(?:.*[=:])?[1-5]\d\d[:,;\"]*")
_SPLIT = re.compile(r"[^A-Za-z]+")

#: Words that say how something ended or what was done: messages that differ in one are different messages.
_OUTCOME = re.compile(
    r"(?:un|in|dis|non|re|mis)?(?:success|succe|fail|complet|error|done|den[iy]|grant|accept|reject|refus|allow|block"
    r"|forbid|time|abort|cancel|start|stop|open|clos|connect|enabl|disabl|hit|miss|creat|delet|add|remov|insert|updat"
    r"|valid|expir|renew|login|logout|read|writ|wrote|send|sent|receiv|lost|found|exceed|finish|crash|kill|recover"
    r"|restor|retr|warn|fatal|panic|except|health|avail|commit|rollback|lock|pass|drop|full|empty|critical|begin|began"
    r"|end|attach|mount|bind|join|leave|leav|upload|download|push|pull|increas|decreas|grow|shrink|slow|fast|wrong"
    r"|correct|limit|throttl|overload|corrupt|broken|healthy|degrad)\w*|ok|okay|up|down|true|false|yes|no|not|never|none"
    r"|null|in|out|on|off|high|low|info|debug|without|with",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class Templates:
    """Templates of lines, and which one each line has.

    Attributes
    ----------
    frame : DataFrame
        One row per template, most lines first: ``template``, ``service``, ``severity``, ``event_type`` (str), ``lines``
        (int), ``example`` (row of the first line in time, int). All messages beyond the most are the last row.
    of_line : int64 array, (n,)
        Row of ``frame`` of each line.
    """

    frame: pd.DataFrame
    of_line: Rows


def templates(lines: pd.DataFrame, *, most: int = MOST) -> Templates:
    """Group log lines by template.

    Parameters
    ----------
    lines : DataFrame, (n,)
        ``message``, ``service``, ``severity``, ``event_type`` (str) and ``time_ns`` (int) [ns], any order.
    most : int
        Templates told apart; all other lines are one row. [count]

    Returns
    -------
    Templates

    Notes
    -----
    Messages are masked (:mod:`workbench.analysis.logs.masks`). Of those of one service, level, event type and number of
    words, with the same outcome words, paths and methods in the same places, two join when more than half of their
    words are equal; where they differ the template has ``<*>``. The idea of similar words at equal places is that of
    Drain [1]_; its tree and its dependence on the order of lines are not.

    References
    ----------
    .. [1] P. He et al., Drain: An Online Log Parsing Approach with Fixed Depth Tree, ICWS 2017.

    Examples
    --------
    >>> messages = ["user ann logged in", "user bob logged in", "Request failed", "Request ended"]
    >>> lines = pd.DataFrame({"message": messages}).assign(
    ...     service="", severity="INFO", event_type="", time_ns=range(4)
    ... )
    >>> templates(lines).frame["template"].tolist()
    ['user <*> logged in', 'Request ended', 'Request failed']
    """
    if lines.empty:
        columns = {name: pd.Series(dtype="str") for name in ("template", "service", "severity", "event_type")}
        counted = {name: pd.Series(dtype="int64") for name in ("lines", "example")}
        return Templates(pd.DataFrame(columns | counted), np.empty(0, np.int64))
    texts = pa.array(lines["message"], pa.string(), from_pandas=True)
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    messages = whole.dictionary_encode()
    shape_of, shapes = masked_shapes(messages.dictionary)
    kinds = [pd.factorize(lines[name].astype("str")) for name in ("service", "severity", "event_type")]
    joined = shape_of[messages.indices.to_numpy()]
    for codes, values in kinds:
        joined = joined * max(len(values), 1) + codes
    distinct, of_key = np.unique(joined, return_inverse=True)
    keys = _keys(distinct, shapes, [list(values) for _, values in kinds])
    names = _clustered(keys)
    numbers, unique = pd.factorize(pd.MultiIndex.from_tuples(names))
    of_line = numbers[of_key]
    return _ranked(lines, list(unique), of_line, most)


def parameters(template: str, message: str) -> tuple[str, ...] | None:
    """Return the values that stand in a message where its template has masks; None where the template does not fit.

    Examples
    --------
    >>> parameters("user <*> logged in <num> minuts ago", "user johndoe logged in 11 minuts ago")
    ('johndoe', '11')
    """
    parts = [re.escape(part) for part in MASK.split(template)]
    match = re.fullmatch("(.+?)".join(parts), message.strip(), re.DOTALL)
    return match.groups() if match else None


def _keys(distinct: Rows, shapes: list[str], kinds: list[list[str]]) -> list[tuple[str, ...]]:
    """Undo the joined codes: (shape, service, severity, event type) of each."""
    rest, parts = distinct, []
    for values in reversed(kinds):
        rest, code = np.divmod(rest, max(len(values), 1))
        parts.append([values[place] for place in code])
    return list(zip([shapes[place] for place in rest], *reversed(parts), strict=True))


def _clustered(keys: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return (template, service, severity, event type) of each key."""
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    words = [key[0].split()[:_WORDS_LOOKED_AT] for key in keys]
    for number, key in enumerate(keys):
        fixed = tuple((place, word) for place, word in enumerate(words[number]) if _is_fixed(word))
        groups[(*key[1:], len(words[number]), fixed)].append(number)
    names: list[tuple[str, ...]] = list(keys)
    for numbers in groups.values():
        if len(numbers) == 1:
            continue
        ordered = sorted(numbers, key=lambda number: keys[number][0])
        for number, template in zip(ordered, _joined([words[number] for number in ordered]), strict=True):
            names[number] = (template, *keys[number][1:])
    return names


def _is_fixed(word: str) -> bool:
    """Whether messages that differ in this word are different messages: an outcome, a path, a method, a code."""
    if "/" in word or word.strip('"') in _METHODS or _CODE.fullmatch(word):
        return True
    return any(part and _OUTCOME.fullmatch(part) for part in _SPLIT.split(MASK.sub("", word)))


def _joined(messages: list[list[str]]) -> list[str]:
    """Join messages of one number of words, in their order, to templates; return the template of each."""
    codes, _ = pd.factorize(np.array([MASK.sub(ANY, word) for words in messages for word in words], dtype=object))
    table = codes.reshape(len(messages), -1)
    width = table.shape[1]
    clusters = np.empty_like(table)
    count, member = 0, np.empty(len(messages), np.int64)
    for row, message in enumerate(table):
        equal = (clusters[:count] == message).sum(axis=1)
        best = int(equal.argmax()) if count else -1
        if count and equal[best] > SIMILAR * width:
            clusters[best] = np.where(clusters[best] == message, message, -1)
        else:
            best, count = count, count + 1
            clusters[best] = message
        member[row] = best
    first = [messages[int(np.flatnonzero(member == cluster)[0])] for cluster in range(count)]
    texts = []
    for cluster in range(count):
        own = [messages[row] for row in np.flatnonzero(member == cluster)]
        texts.append(
            " ".join(
                ANY
                if clusters[cluster, place] < 0
                else _mask_of({words[place] for words in own}, first[cluster][place])
                for place in range(width)
            )
        )
    return [texts[cluster] for cluster in member]


def _mask_of(words: set[str], first: str) -> str:
    """Name of a place whose words are equal but for the kind of mask inside."""
    return first if len(words) == 1 else MASK.sub(ANY, first)


def _ranked(lines: pd.DataFrame, names: list[tuple[str, ...]], of_line: Rows, most: int) -> Templates:
    counts = np.bincount(of_line, minlength=len(names))
    order = sorted(range(len(names)), key=lambda number: (-counts[number], names[number]))
    place = np.empty(len(names), np.int64)
    place[order] = np.minimum(np.arange(len(names)), most)
    rows = [names[number] for number in order[:most]]
    if len(order) > most:
        rows.append((OTHER, "", "", ""))
    placed = place[of_line]
    by_time = np.argsort(lines["time_ns"].to_numpy(), kind="stable")
    first = np.full(len(rows), -1, np.int64)
    seen, at = np.unique(placed[by_time], return_index=True)
    first[seen] = by_time[at]
    frame = pd.DataFrame(rows, columns=["template", "service", "severity", "event_type"], dtype="str")
    frame["lines"] = np.bincount(placed, minlength=len(rows)).astype(np.int64)
    frame["example"] = first
    return Templates(frame, placed)
