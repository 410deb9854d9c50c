"""ES|QL, answered in Arrow: a table as it comes over the wire, and the limits it silently has."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

from workbench.core.errors import AnswerUnreadable
from workbench.query.http.client import BackendClient

#: Rows an ES|QL query gives without a LIMIT, and at most with one. [count]
DEFAULT_ROWS, MOST_ROWS = 1000, 10_000

_LIMIT = re.compile(r"\|\s*LIMIT\s+(\d+)", re.IGNORECASE)


def esql_table(
    web: BackendClient, query: str, within: dict[str, Any] | None = None
) -> tuple[pa.Table, tuple[str, ...]]:
    """Evaluate ES|QL; times become nanoseconds, and an answer as long as its limit is reported as cut off.

    Parameters
    ----------
    web : BackendClient
        Client of the server, with its address and credentials.
    query : str
        Query in ES|QL.
    within : dict, optional
        Clause of the query language that restricts the records first, e.g. a range of time.

    Returns
    -------
    table : pyarrow.Table
    warnings : tuple of str

    Raises
    ------
    SourceError
    """
    body = {"query": query, **({"filter": within} if within else {})}
    headers = {"Accept": "application/vnd.apache.arrow.stream"}
    reply = web.reply("/_query?format=arrow", query=query, method="POST", body=body, headers=headers)
    try:
        table = pa.ipc.open_stream(pa.py_buffer(bytes(reply.body))).read_all()
    except (pa.ArrowInvalid, OSError) as error:
        raise AnswerUnreadable(
            f"The answer is no Arrow stream: {str(error)[:120]}.",
            source=web.name,
            query=query,
            hint="ES|QL in Arrow needs Elasticsearch 8.16 or later.",
        ) from None
    for at, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            table = table.set_column(
                at, column.name, table[column.name].cast(pa.timestamp("ns", "UTC")).cast(pa.int64())
            )
    given = _LIMIT.findall(query)
    limit = min(int(given[-1]) if given else DEFAULT_ROWS, MOST_ROWS)
    cut = (f"The answer has {limit:,} rows, which is its limit: there may be more.",) if len(table) >= limit else ()
    return table, cut
