"""What is monitored: systems, their signals, their promises."""

from workbench.catalog.load import Catalog, load_catalog
from workbench.catalog.profile import AlertRule, DocumentedQuery, Profile, RecordingRule, Role, Threshold
from workbench.catalog.queries import PlacedQuery, iter_queries
from workbench.catalog.slo import CalendarWindow, Objective, RatioIndicator, RawIndicator, ThresholdIndicator

__all__ = [
    "AlertRule",
    "CalendarWindow",
    "Catalog",
    "DocumentedQuery",
    "Objective",
    "PlacedQuery",
    "Profile",
    "RatioIndicator",
    "RawIndicator",
    "RecordingRule",
    "Role",
    "Threshold",
    "ThresholdIndicator",
    "iter_queries",
    "load_catalog",
]
