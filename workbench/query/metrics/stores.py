"""Metric stores that imitate Prometheus: which one answers, what it must be asked with, and where it differs.

=================  ===========================================  ==============================================
store              told by                                      asked with
=================  ===========================================  ==============================================
Prometheus 2, 3    version of its build information             nothing more
Thanos             ``/api/v1/stores``                           dedup, partial_response, max_source_resolution
Mimir, Cortex      ``application`` of its build information     the header ``X-Scope-OrgID``
VictoriaMetrics    the header ``X-Server-Hostname``             deny_partial_response
=================  ===========================================  ==============================================

References
----------
.. [1] Thanos, Querier, components/query.md, version 0.37: partial response, deduplication, auto downsampling.
.. [2] VictoriaMetrics, Cluster version, multi-level query: partial responses.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.core.settings import SourceSettings
from workbench.query.http.transport import Fields

#: Sentences on what an answer of a store means otherwise than one of Prometheus.
DIFFERENCES = {
    "Thanos": (
        "A store that does not answer makes a partial answer with a warning; raw samples are then refused.",
        "Replicas are merged by its replica labels; a counter of two replicas may step back where they change.",
    ),
    "Grafana Mimir": ("Ranges and series are limited per tenant.",),
    "Cortex": ("Ranges and series are limited per tenant.",),
    "VictoriaMetrics": (
        "A gap is filled for about three scrapes, not for five minutes; NaN samples are lost.",
        "rate() and increase() look at the sample before the range and do not extrapolate.",
        "Values next to very large ones can be rounded.",
    ),
}


@dataclass(frozen=True)
class StoreOptions:
    """What is asked of a store of several servers.

    Attributes
    ----------
    partial : bool
        Whether an answer without a part of the servers is taken, with a warning.
    resolution : str
        Coarsest samples that Thanos may take: ``raw``, ``5m``, ``1h``, or ``auto`` for a fifth of the step.
    replica_labels : tuple of str
        Labels that tell replicas apart, where Thanos does not know them itself.
    """

    partial: bool = True
    resolution: str = "raw"
    replica_labels: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: SourceSettings) -> StoreOptions:
        """Return what the settings of a source say."""
        return cls(settings.partial_response, settings.max_source_resolution, settings.replica_labels)

    def fields(self, product: str) -> Fields:
        """Return the fields that go with every query to a product.

        Examples
        --------
        >>> dict(StoreOptions(replica_labels=("replica",)).fields("Thanos"))
        {'dedup': 'true', 'partial_response': 'true', 'max_source_resolution': '0s', 'replicaLabels[]': 'replica'}
        >>> StoreOptions().fields("Prometheus")
        []
        """
        if product == "Thanos":
            coarsest = "0s" if self.resolution == "raw" else self.resolution
            return [
                ("dedup", "true"),
                ("partial_response", "true" if self.partial else "false"),
                ("max_source_resolution", coarsest),
                *(("replicaLabels[]", name) for name in self.replica_labels),
            ]
        if product == "VictoriaMetrics" and not self.partial:
            return [("deny_partial_response", "1")]
        return []
