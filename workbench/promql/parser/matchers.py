"""Label matchers with Prometheus' meaning: regular expressions are RE2 and match the whole value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.core.errors import QueryRejected
from workbench.core.series import Labels

MatchOp = Literal["=", "!=", "=~", "!~"]

#: A pattern without any of these characters is a list of literal alternatives; no regex engine is needed.
_SPECIAL = re.compile(r"[\\.+*?()\[\]{}^$]")


@dataclass(frozen=True)
class Matcher:
    """One condition on a label; an absent label counts as the empty value.

    Examples
    --------
    >>> Matcher("code", "=~", "5..|429").keep(["200", "503", "429", ""]).tolist()
    [False, True, True, False]
    """

    name: str
    op: MatchOp
    value: str

    def keep(self, values: Sequence[str]) -> NDArray[np.bool_]:
        """Mask of the values that match; ask with distinct values, each costs a match.

        Parameters
        ----------
        values : sequence of str
            Label values, ``""`` for an absent label.

        Returns
        -------
        bool array, one entry per value

        Raises
        ------
        QueryRejected
            The pattern is not RE2 (back references and look-around are not).
        """
        if self.op in ("=", "!="):
            equal = np.fromiter((value == self.value for value in values), np.bool_, len(values))
        else:
            equal = regex_keep(self.value, values)
        return equal if self.op in ("=", "=~") else ~equal

    def accepts(self, value: str) -> bool:
        """Whether one value matches."""
        return bool(self.keep([value])[0])


def regex_keep(pattern: str, values: Sequence[str]) -> NDArray[np.bool_]:
    """Mask of the values that the RE2 pattern matches from end to end.

    Examples
    --------
    >>> regex_keep("(?i:pro).*", ["PRODUCTION", "a-pro"]).tolist()
    [True, False]
    """
    if not _SPECIAL.search(pattern):
        wanted = set(pattern.split("|"))
        return np.fromiter((value in wanted for value in values), np.bool_, len(values))
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        matches = pc.match_substring_regex(pa.array(values, pa.string()), anchored(pattern))
    except pa.ArrowInvalid as fault:
        raise bad_regex(pattern, str(fault)) from None
    mask: NDArray[np.bool_] = matches.to_numpy(zero_copy_only=False).astype(np.bool_)
    return mask


def anchored(pattern: str) -> str:
    """Return the pattern as Prometheus 3 compiles it: whole value, and ``.`` matches a line break."""
    return f"^(?s:{pattern})$"


def bad_regex(pattern: str, reason: str) -> QueryRejected:
    """Say what is wrong with a regular expression."""
    return QueryRejected(
        f"{pattern!r} is not a regular expression that PromQL takes: {reason}.",
        hint="PromQL uses RE2: no back references and no look-around; a backslash in quotes is written twice.",
    )


@lru_cache(maxsize=512)
def check_regex(pattern: str) -> None:
    """Raise :class:`QueryRejected` when the pattern is not RE2."""
    regex_keep(pattern, [""])


def keep_series(matchers: Iterable[Matcher], labels: Sequence[Labels]) -> NDArray[np.intp]:
    """Find the label sets that all matchers accept: their indices, in order.

    Each matcher is tried once for each distinct value: a regex over a thousand series of three jobs runs three times.

    Examples
    --------
    >>> keep_series([Matcher("job", "=~", "a|b")], [{"job": "a"}, {"job": "c"}, {}]).tolist()
    [0]
    """
    kept = np.arange(len(labels))
    for matcher in matchers:
        values = [labels[i].get(matcher.name, "") for i in kept.tolist()]
        distinct = sorted(set(values))
        verdict = dict(zip(distinct, matcher.keep(distinct).tolist(), strict=True))
        kept = kept[np.fromiter((verdict[value] for value in values), np.bool_, len(values))]
    return kept
