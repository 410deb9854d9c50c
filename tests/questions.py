"""The studies of questions 2 to 6, by the word of their command."""

from __future__ import annotations

from collections.abc import Callable

from workbench.core.result import Study
from workbench.studies import alert_load, capacity_forecast, quality_drift, service_performance, spend_and_tokens

QUESTIONS: dict[str, Callable[..., Study]] = {
    "performance": service_performance,
    "cost": spend_and_tokens,
    "quality": quality_drift,
    "capacity": capacity_forecast,
    "alerts": alert_load,
}
