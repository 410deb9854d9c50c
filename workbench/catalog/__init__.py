"""What is monitored: systems, their signals, their objectives."""

from workbench.catalog.load import Catalog, load_catalog, sound_catalog
from workbench.catalog.profile.model import AlertRule, DocumentedQuery, Profile, RecordingRule, Role, Threshold
from workbench.catalog.profile.queries import PlacedQuery, iter_queries
from workbench.catalog.slo.indicators import (
    CompositeIndicator,
    Indicator,
    Member,
    RatioIndicator,
    RawIndicator,
    RecordsIndicator,
    ThresholdIndicator,
)
from workbench.catalog.slo.objective import CalendarWindow, Objective

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
    "sound_catalog",
]
