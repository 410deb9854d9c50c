"""What is monitored: systems, their signals, their promises."""

from workbench.catalog.indicators import (
    CompositeIndicator,
    Indicator,
    Member,
    RatioIndicator,
    RawIndicator,
    RecordsIndicator,
    ThresholdIndicator,
)
from workbench.catalog.load import Catalog, load_catalog
from workbench.catalog.objective import CalendarWindow, Objective
from workbench.catalog.profile import AlertRule, DocumentedQuery, Profile, RecordingRule, Role, Threshold
from workbench.catalog.queries import PlacedQuery, iter_queries

__all__ = [
    "AlertRule",
    "CalendarWindow",
    "Catalog",
    "CompositeIndicator",
    "DocumentedQuery",
    "Indicator",
    "Member",
    "Objective",
    "PlacedQuery",
    "Profile",
    "RatioIndicator",
    "RawIndicator",
    "RecordingRule",
    "RecordsIndicator",
    "Role",
    "Threshold",
    "ThresholdIndicator",
    "iter_queries",
    "load_catalog",
]
