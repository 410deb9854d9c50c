"""Links out of the dashboard: a query in Grafana's Explore where one is set, else in the Prometheus that was asked."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import streamlit as st

from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.ui.parts import load

#: Queries of one study that get a link. [count]
SHOWN = 3

#: Studies whose queries are of log lines, in the language of their source.
_OF_LINES = ("log_overview", "investigate")


def grafana_url(url: str, datasource: str, query: str, span: TimeRange, *, kind: str = "prometheus") -> str:
    """Return the address of Grafana's Explore with a query and a period.

    Examples
    --------
    >>> from workbench.core.timerange import from_ms
    >>> grafana_url("https://g.example", "p", "up", TimeRange(from_ms(0), from_ms(60_000)))[:65]
    'https://g.example/explore?schemaVersion=1&orgId=1&panes=%7B%22a%2'
    """
    source = {"type": kind, "uid": datasource}
    pane = {
        "datasource": datasource,
        "queries": [{"refId": "A", "expr": query, "datasource": source}],
        "range": {"from": str(span.start_ms), "to": str(span.end_ms)},
    }
    return f"{url}/explore?" + urlencode({"schemaVersion": 1, "orgId": 1, "panes": json.dumps({"a": pane})})


def prometheus_url(url: str, query: str, span: TimeRange) -> str:
    """Return the address of a query and a period in the pages of a Prometheus.

    Examples
    --------
    >>> from workbench.core.timerange import from_ms
    >>> prometheus_url("http://p:9090/", "up", TimeRange(from_ms(0), from_ms(60_000)))
    'http://p:9090/graph?g0.expr=up&g0.tab=0&g0.range_input=60s&g0.end_input=1970-01-01+00%3A01%3A00'
    """
    until = f"{span.end:%Y-%m-%d %H:%M:%S}"
    fields = {"g0.expr": query, "g0.tab": 0, "g0.range_input": f"{span.seconds:.0f}s", "g0.end_input": until}
    return f"{url.rstrip('/')}/graph?" + urlencode(fields)


def queries(study: Study) -> None:
    """Draw a link for each of the first queries of a study, where there is a server with pages that take them."""
    grafana, given = load.settings().grafana, load.context().given.get(study.provenance.source)
    kind, lines = given.kind if given is not None else "", study.name in _OF_LINES
    opened = grafana.opens(kind, lines=lines) if grafana else None
    own = given.url if given is not None and kind == "prometheus" and not grafana else ""
    if not study.range.seconds or not (opened or own):
        return
    with st.container(horizontal=True, gap="small"):
        for number, query in enumerate(study.provenance.queries[:SHOWN], start=1):
            if grafana and opened:
                url, name = grafana_url(grafana.url, opened[1], query, study.range, kind=opened[0]), "Grafana"
            else:
                url, name = prometheus_url(own, query, study.range), "Prometheus"
            st.link_button(f"Query {number} in {name}", url, icon=":material/open_in_new:", type="tertiary")
