"""What varies in a log message, masked: times, ids, addresses, numbers. Words, paths and status codes stay.

All messages are masked at once, by RE2 in Arrow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

#: Longest part of a message that is looked at: the first line of a stack trace, a broken line cut. [characters]
LONGEST = 600

#: (text without which the pattern finds nothing, pattern of RE2, what stands in its place), in order. A number of three
#: digits that may be a status code is written as a word that no pattern of numbers matches, and judged at the end.
_STEPS: tuple[tuple[str, str, str], ...] = (
    ("\x1b", r"\x1b\[[0-9;]*[A-Za-z]", ""),
    ("\n", r"(?s)\s*\n.*", ""),
    ("", r"([ =])([1-5]\d\d)([ :,;\"]|$)", r"\1zqs\2qz\3"),
    ("-", r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?", "<time>"),
    ("-", r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<id>"),
    ("@", r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b", "<email>"),
    ("HTTP/", r"\bHTTP/[0-9.]+", "HTTP/<num>"),
    ("/", r"/(?:\d+|[0-9a-f]{8,})\b", "/<id>"),
    ("0x", r"\b0x[0-9a-fA-F]+\b", "<hex>"),
    ("::", r"(?i)\b(?:[0-9a-f]{1,4}:+){2,7}[0-9a-f]{0,4}\b", "<ip>"),
    (".", r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d{1,5})?\b", "<ip>"),
    ("", r"\b(?:[a-z]+_)?(?:[0-9a-f]{8,}|[0-9A-F]{8,})\b", "<id>"),
    ("", r"\b\d+(?:[.,:]\d+)*(?:ns|us|ms|s|m|h|d|[KMGT]?i?B|%)?\b", "<num>"),
)

_CODE = re.compile(r"zqs(\d\d\d)qz")
#: What a status code follows: a path or an address, perhaps with the version of HTTP, or a word that announces it.
_STATUS = re.compile(
    r"(?i)((?:/\S*|\b(?:http(?:/\S+)?|status(?:[_ -]?code)?|code|returned|answered|responded(?: with)?))\"?(?:: ?| |=))"
    r"zqs(\d\d\d)qz"
)

#: A mask inside a template.
MASK = re.compile(r"<(?:time|id|email|ip|hex|num|\*)>")


def masked_messages(messages: Sequence[str] | pa.Array) -> list[str]:
    """Return messages with a mask in place of each value; of a message of several lines the first.

    Parameters
    ----------
    messages : sequence of str or Arrow array of strings, (n,)
        Messages of log lines.

    Returns
    -------
    list of str, (n,)

    Examples
    --------
    >>> masked_messages(["GET /orders/17 503 in 0.204 s", "used 120 of 128 MB by 10.0.0.7"])
    ['GET /orders/<id> 503 in <num> s', 'used <num> of <num> MB by <ip>']
    """
    codes, shapes = masked_shapes(messages)
    return [shapes[code] for code in codes.tolist()]


def masked_shapes(messages: Sequence[str] | pa.Array) -> tuple[NDArray[np.int64], list[str]]:
    """Return the distinct masked messages, and which of them each message has; as :func:`masked_messages`."""
    texts = messages if isinstance(messages, pa.Array) else pa.array(messages, pa.string())
    if not len(texts):
        return np.empty(0, np.int64), []
    texts = pc.utf8_slice_codeunits(texts, 0, LONGEST)
    present = {hint: not hint or pc.any(pc.match_substring(texts, hint)).as_py() for hint in {row[0] for row in _STEPS}}
    for hint, pattern, mask in _STEPS:
        if present[hint]:
            texts = pc.replace_substring_regex(texts, pattern, mask)
    shapes = texts.dictionary_encode()
    judged = [_CODE.sub("<num>", _STATUS.sub(r"\1\2", shape)).strip() for shape in shapes.dictionary.to_pylist()]
    numbers, distinct = pd.factorize(np.array(judged, dtype=object))
    return numbers.astype(np.int64)[shapes.indices.to_numpy()], [str(shape) for shape in distinct]
