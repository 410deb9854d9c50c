"""The service graph: who calls whom, how often, how long, how often in vain; servers without spans stand outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analysis.counting.sampled import sampled_counts, sampled_shares, weighted_quantiles
from workbench.analysis.traces.origin import NO_ROW
from workbench.analysis.traces.population import Population
from workbench.analysis.traces.red import QUANTILES, UNKNOWN_RATES
from workbench.core.result import Result
from workbench.core.timerange import TimeRange

#: Attributes of a client span that name the server it called, the first that is there counts.
PEERS = ("peer.service", "service.peer.name", "db.system.name", "db.system", "messaging.system",
         "gen_ai.provider.name", "gen_ai.system", "provider", "model_provider", "rpc.service", "server.address",
         "net.peer.name", "http.host", "url.host")  # fmt: skip

#: Attributes of the parent that name the server where the client span itself does not.
PROVIDERS = ("gen_ai.provider.name", "gen_ai.system", "provider", "model_provider")

#: Attributes that make the peer a database or a queue.
DATABASE, QUEUE = ("db.system.name", "db.system"), ("messaging.system",)

#: Caller of spans that begin a trace from outside.
OUTSIDE = "(clients)"


@dataclass(frozen=True, eq=False, repr=False)
class ServiceGraph(Result):
    """Calls between services; one row per caller, called and kind of call, most calls first.

    Columns of ``frame``: ``caller``, ``called`` (service, or the name of what is outside), ``kind`` (``call``,
    ``message``, ``database``, ``external`` for a server without spans, ``entry`` for callers outside, ``unmarked``
    where the kinds of the spans do not say), ``outside`` (bool), ``kept``, ``count``, ``error``, ``low``, ``high``
    (estimated calls, standard error, 95 % interval) [count], ``per_s`` [1/s], ``error_share``, ``error_low``,
    ``error_high`` [ratio], ``p50_ms``, ``p95_ms``, ``p99_ms`` (as the caller saw it). [ms]
    """

    range: TimeRange
    #: Client spans without a server span, whose peer no attribute names; consumers whose producer is not there. [count]
    unnamed: int
    unpaired: int


def service_graph(of: Population, range: TimeRange) -> ServiceGraph:
    """Pair clients with servers and producers with consumers.

    Parameters
    ----------
    of : Population
        Whole traces of the window.
    range : TimeRange
        Window in which the traces began, for rates.

    Notes
    -----
    A server span below a client span is one call; so is a consumer below a producer, and any child of another service
    (``unmarked``). A client span without a server below calls what its attributes name; where they name nothing, the
    operation stands for it and is counted in ``unnamed``.
    """
    trees, spans = of.forest, of.forest.spans
    kinds = spans["kind"].astype("str").to_numpy()
    services = spans["service"].astype("str").to_numpy()
    parent = trees.parent
    below = parent != NO_ROW
    above = np.where(below, parent, 0)
    served = below & np.isin(kinds, ("server", "consumer"))
    paired = served & np.isin(kinds[above], ("client", "producer"))
    unmarked = below & ~paired & (services[above] != services)
    calls = np.flatnonzero(paired | unmarked)
    answered = np.zeros(len(kinds), np.bool_)
    answered[above[calls]] = True
    leaves = np.flatnonzero(np.isin(kinds, ("client", "producer")) & ~answered)
    entries = np.flatnonzero(~below & np.isin(kinds, ("server", "consumer")))
    attributes = spans["attributes"].to_numpy()
    peers = [_peer(attributes[row], attributes[parent[row]] if below[row] else {}) for row in leaves.tolist()]
    names = spans["operation"].astype("str").to_numpy()
    table = pd.concat(
        [
            pd.DataFrame({
                "row": np.where(paired[calls], above[calls], calls),
                "caller": services[above[calls]],
                "called": services[calls],
                "kind": np.where(~paired[calls], "unmarked", np.where(kinds[calls] == "consumer", "message", "call")),
                "failed": trees.failed[calls] | (paired[calls] & trees.failed[above[calls]]),
            }),
            pd.DataFrame({
                "row": leaves,
                "caller": services[leaves],
                "called": [name or f"({names[row]})" for row, (name, _) in zip(leaves.tolist(), peers, strict=True)],
                "kind": [kind for _, kind in peers],
                "failed": trees.failed[leaves],
            }),
            pd.DataFrame({
                "row": entries, "caller": OUTSIDE, "called": services[entries], "kind": "entry",
                "failed": trees.failed[entries],
            }),
        ],
        ignore_index=True,
    )  # fmt: skip
    groups, keys = pd.factorize(pd.MultiIndex.from_frame(table[["caller", "called", "kind"]]))
    frame = pd.DataFrame(list(keys), columns=["caller", "called", "kind"], dtype="str")
    frame["outside"] = frame["kind"].isin(["database", "external", "entry"])
    rows, size = table["row"].to_numpy(np.int64), len(frame)
    weight, units = of.weight[of.trace[rows]], of.trace[rows]
    frame = pd.concat([frame, sampled_counts(weight, groups, units, size=size)], axis=1)
    frame["per_s"] = frame["count"] / range.seconds
    shares = sampled_shares(weight, table["failed"].to_numpy(np.bool_), groups, units, size=size)
    frame[["error_share", "error_low", "error_high"]] = shares.to_numpy()
    durations, wanted = trees.duration[rows] / 1e6, np.array(list(QUANTILES.values()))
    order = np.argsort(groups, kind="stable")
    cuts = np.cumsum(np.bincount(groups, minlength=size))[:-1]
    parts = (
        [weighted_quantiles(durations[part], weight[part], wanted) for part in np.split(order, cuts)] if size else []
    )
    frame[list(QUANTILES)] = np.array(parts).reshape(size, len(wanted))
    notes: tuple[str, ...] = ()
    if not of.rates_known:
        frame[["count", "error", "low", "high", "per_s", "error_share", "error_low", "error_high"]] = np.nan
        notes = (UNKNOWN_RATES,)
    return ServiceGraph(
        frame.sort_values(["kept", "caller", "called"], ascending=[False, True, True], ignore_index=True),
        range=range,
        unnamed=sum(not name for name, _ in peers),
        unpaired=int((~below & (kinds == "consumer")).sum()),
        notes=notes,
    )


def _peer(own: Mapping[str, str], parent: Mapping[str, str]) -> tuple[str, str]:
    """Name of what a client span called, and what it is; the parent's provider counts where the span names none."""
    for attributes, names in (
        (own or {}, PEERS),
        (parent or {}, ("gen_ai.provider.name", "gen_ai.system", "provider")),
    ):
        for name in names:
            if attributes.get(name):
                return attributes[name], "database" if name in DATABASE else "message" if name in QUEUE else "external"
    return "", "external"
