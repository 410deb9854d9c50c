"""Questions to monitored backends over the network; today servers that speak the API of Prometheus."""

from workbench.query.metrics.prometheus import PrometheusSource, require_series

__all__ = ["PrometheusSource", "require_series"]
