"""Names of metrics and labels while a query is typed in a ``%%promql`` cell."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from IPython.core.completer import SimpleCompletion, context_matcher

from workbench.core.errors import WorkbenchError
from workbench.core.timerange import TimeRange
from workbench.studies import open_period
from workbench.studies.operations.ask import chosen_source

_MAGIC = re.compile(r"\s*%%promql\b([^\n]*)\n(.*)", re.S)
_WORD = re.compile(r"[A-Za-z_:][\w:]*$")
_VALUE = re.compile(r'([A-Za-z_]\w*)\s*(?:=~|!=|!~|=)\s*"([^"]*)$')
_INSIDE = re.compile(r"([A-Za-z_:][\w:]*)?\s*\{[^}]*$")

#: Functions and aggregations that are offered besides names.
_FUNCTIONS = (
    *("sum", "avg", "max", "min", "count", "topk", "bottomk", "quantile", "rate", "increase", "irate", "delta"),
    *("histogram_quantile", "avg_over_time", "max_over_time", "min_over_time", "sum_over_time", "count_over_time"),
    *("quantile_over_time", "label_replace", "absent", "clamp_min", "clamp_max", "changes", "resets", "deriv"),
)


def completions(text: str, *, system: str = "", config: str = "", home: str = "") -> tuple[str, list[str]]:
    """Return the part of a word that is there, and what it may become.

    Parameters
    ----------
    text : str
        PromQL up to the cursor.
    system, config, home : str
        Options of the cell.

    Returns
    -------
    fragment : str
    words : list of str
        Metrics and functions; within braces labels, or values of one after its operator.
    """
    if value := _VALUE.search(text):
        return value[2], _starting(_label_values(value[1], system, config, home), value[2])
    fragment = word[0] if (word := _WORD.search(text)) else ""
    if inside := _INSIDE.search(text):
        return fragment, _starting(_labels(inside[1] or "", system, config, home), fragment)
    names = (*_label_values("__name__", system, config, home), *_FUNCTIONS)
    return fragment, _starting(names, fragment)


@context_matcher()  # type: ignore[untyped-decorator]
def promql_matcher(context: Any) -> dict[str, Any]:
    """Complete within a ``%%promql`` cell; other cells are left alone."""
    match = _MAGIC.match(context.full_text)
    lines = context.full_text.split("\n")
    if match is None or context.cursor_line == 0:
        return {"completions": []}
    before = "\n".join([*lines[1 : context.cursor_line], lines[context.cursor_line][: context.cursor_position]])
    options = re.search(r"(?:-s|--system)[ =](\S+)", match[1])
    fragment, words = completions(before, system=options[1] if options else "")
    return {
        "completions": [SimpleCompletion(text=word, type="metric") for word in words],
        "matched_fragment": fragment,
        "suppress": bool(words),
    }


def _starting(words: Any, fragment: str) -> list[str]:
    return sorted({word for word in words if word.startswith(fragment)})[:200]


@lru_cache(maxsize=64)
def _label_values(label: str, system: str, config: str, home: str) -> tuple[str, ...]:
    try:
        source, span = _opened(system, config, home)
        return tuple(source.label_values(label, span))
    except WorkbenchError:
        return ()


@lru_cache(maxsize=64)
def _labels(metric: str, system: str, config: str, home: str) -> tuple[str, ...]:
    try:
        source, span = _opened(system, config, home)
        series = source.series([metric], span) if metric else ()
    except WorkbenchError:
        return ()
    return tuple({name for labels in series for name in labels} - {"__name__"})


def _opened(system: str, config: str, home: str) -> tuple[Any, TimeRange]:
    context, _, now = open_period("24h", config=config, home=home)
    source = chosen_source(context, None, system or None)
    newest = source.state().newest or now
    return source, TimeRange.last("24h", until=newest)
