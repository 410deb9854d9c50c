"""Counts of one indicator as one value: everything a verdict is made from, and nothing else.

A value goes to Arrow and back whole, so what the store, an issued report and an overview hold is what a page was shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.analysis.counting.events import joined_events
from workbench.analysis.counting.history import BOUNDS
from workbench.core.errors import FrameError
from workbench.core.result import Status
from workbench.core.timerange import TimeRange

Method = Literal["exact", "corrected", "extrapolated"]

#: Key of the headers in the metadata of a table of counts.
HEADERS = b"workbench.counts"

_SCHEMA = pa.schema(
    [
        ("objective", pa.string()),
        ("time", pa.timestamp("ms", tz="UTC")),
        *((name, pa.float64()) for name in ("good", "total", "covered", *BOUNDS)),
    ]
)


@dataclass(frozen=True, eq=False)
class Counts:
    """What an indicator counted in a range, how, and what is to be known about it.

    Attributes
    ----------
    objective : str
        Identity of the objective, or of a member of a composite.
    span : TimeRange
        Range that was counted, on edges of slices.
    slice_ms : int
        [ms]
    events : DataFrame
        EVENTS of this objective, exclusions not applied, with ``good_low`` and ``good_high`` where the good events are
        known within bounds only. [events/slice]
    method : {"exact", "corrected", "extrapolated"}
        Whether events are exact increases, exact increases of a counter that fell without a restart and was corrected,
        or a ratio that was evaluated with ``rate`` or ``increase``.
    failure : Status, optional
        ``unavailable``, ``refused`` or ``no_data`` where nothing could be counted; ``events`` is empty then.
    warnings : tuple of str
    newest_ms : int, optional
        Newest sample, line or span that was seen. [ms since the epoch]
    queries, engines : tuple of str
        What was asked, and of which engines.
    members : tuple of Counts
        Of a composite, in the order of its document.

    Examples
    --------
    >>> from workbench.analysis.counting.events import slice_events
    >>> one = np.ones(1)
    >>> events = slice_events("api", [0, 60_000], good=9 * one, total=10 * one, covered=one, bounds=(8 * one, one * 10))
    >>> counts = Counts("api", TimeRange.from_ms(0, 60_000), 60_000, events, warnings=("2 is no bound of its buckets",))
    >>> again = Counts.from_arrow(counts.to_arrow())
    >>> again.events["good_low"].tolist(), again.warnings
    ([8.0], ('2 is no bound of its buckets',))
    """

    objective: str
    span: TimeRange
    slice_ms: int
    events: pd.DataFrame
    method: Method = "exact"
    failure: Status | None = None
    warnings: tuple[str, ...] = ()
    newest_ms: int | None = None
    queries: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    members: tuple[Counts, ...] = ()

    @cached_property
    def lower(self) -> pd.DataFrame:
        """EVENTS with the fewest good events. [events/slice]"""
        return self._bounded(BOUNDS[0])

    @cached_property
    def upper(self) -> pd.DataFrame:
        """EVENTS with the most good events. [events/slice]"""
        return self._bounded(BOUNDS[1])

    def _bounded(self, bound: str) -> pd.DataFrame:
        if bound not in self.events.columns:
            return self.events
        good = self.events[bound].fillna(self.events["good"])
        return self.events.assign(good=good).drop(columns=list(BOUNDS))

    def renamed(self, objective: str) -> Counts:
        """Return the counts under the name of another objective."""
        names = pd.Categorical.from_codes(np.zeros(len(self.events), np.int8), categories=[objective])
        return replace(self, objective=objective, events=self.events.assign(objective=names))

    def withheld(self) -> Counts:
        """Return the same indicator without its counts, as ``unavailable``."""
        members = tuple(member.withheld() for member in self.members)
        return replace(self, events=joined_events([]), failure="unavailable", members=members)

    def header(self) -> dict[str, Any]:
        """Return everything but the events, as plain JSON values."""
        return {
            "objective": self.objective,
            "span_ms": [self.span.start_ms, self.span.end_ms],
            "slice_ms": self.slice_ms,
            "method": self.method,
            "failure": self.failure,
            "warnings": list(self.warnings),
            "newest_ms": self.newest_ms,
            "queries": list(self.queries),
            "engines": list(self.engines),
            "members": [member.header() for member in self.members],
        }

    @classmethod
    def of(cls, header: Mapping[str, Any], events: Mapping[str, pd.DataFrame]) -> Counts:
        """Return the counts of a header and of the EVENTS of it and of its members, by their names.

        Raises
        ------
        FrameError
            The header lacks something.
        """
        try:
            return cls(
                objective=header["objective"],
                span=TimeRange.from_ms(*header["span_ms"]),
                slice_ms=header["slice_ms"],
                events=events.get(header["objective"], joined_events([])),
                method=header["method"],
                failure=header["failure"],
                warnings=tuple(header["warnings"]),
                newest_ms=header["newest_ms"],
                queries=tuple(header["queries"]),
                engines=tuple(header["engines"]),
                members=tuple(cls.of(member, events) for member in header["members"]),
            )
        except (KeyError, TypeError) as error:
            raise FrameError(f"The header of the counts is not whole: {error}.", hint="Count them again.") from None

    def to_arrow(self) -> pa.Table:
        """Return the counts as one Arrow table; the header stands in the metadata of its schema."""
        return counts_table([self])

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Counts:
        """Return the counts of a table of :meth:`to_arrow`.

        Raises
        ------
        FrameError
            The table holds no counts, or those of several indicators.
        """
        counts = counts_of(table)
        if len(counts) != 1:
            raise FrameError(f"The table holds counts of {len(counts)} indicators, not of one.", hint="Use counts_of.")
        return counts[0]


def least_exact(methods: Iterable[Method]) -> Method:
    """Return the method of what is made of several counts: that of the least exact one.

    Parameters
    ----------
    methods : iterable of {"exact", "corrected", "extrapolated"}
        Methods of the counts that are joined.

    Examples
    --------
    >>> least_exact(["exact", "corrected"]), least_exact([])
    ('corrected', 'exact')
    """
    return max(methods, key=get_args(Method).index, default="exact")


def counts_table(counts: Sequence[Counts]) -> pa.Table:
    """Return the counts of several indicators as one Arrow table, members of composites included.

    Parameters
    ----------
    counts : sequence of Counts
        Counts of the indicators.

    Returns
    -------
    pyarrow.Table
        Columns ``objective``, ``time``, ``good``, ``total``, ``covered``, ``good_low``, ``good_high`` (null where the
        good events are known); the headers are JSON in the metadata of the schema.
    """
    tables = []
    for part in _with_members(counts):
        columns = {name: pa.array(part.events[name], from_pandas=True) for name in part.events.columns}
        columns["objective"] = pa.array([part.objective] * len(part.events), pa.string())
        missing = {name: pa.nulls(len(part.events), pa.float64()) for name in BOUNDS if name not in columns}
        tables.append(pa.table({**columns, **missing}).select(_SCHEMA.names).cast(_SCHEMA))
    headers = json.dumps([part.header() for part in counts], ensure_ascii=False)
    joined = pa.concat_tables(tables).combine_chunks() if tables else _SCHEMA.empty_table()
    return joined.replace_schema_metadata({HEADERS: headers.encode()})


def counts_of(table: pa.Table) -> tuple[Counts, ...]:
    """Return the counts of a table of :func:`counts_table`, in their order.

    Raises
    ------
    FrameError
        The table holds no counts.
    """
    headers = (table.schema.metadata or {}).get(HEADERS)
    if headers is None:
        raise FrameError("The table holds no headers of counts.", hint="Write it with counts_table.")
    frames = {}
    frame = table.replace_schema_metadata(None).to_pandas()
    for name, part in frame.groupby("objective", sort=False):
        exact = part[BOUNDS[0]].isna().all()
        own = part.drop(columns=list(BOUNDS) if exact else [])
        frames[str(name)] = joined_events([own.assign(objective=pd.Categorical([name] * len(own)))])
    return tuple(Counts.of(header, frames) for header in json.loads(headers))


def _with_members(counts: Iterable[Counts]) -> Iterable[Counts]:
    for part in counts:
        yield part
        yield from _with_members(part.members)
