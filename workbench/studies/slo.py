"""Are we keeping our promises? Compliance, burn-down and burn rates of a system's objectives."""

from __future__ import annotations

from datetime import datetime

from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.studies.context import Context


def slo_compliance(
    ctx: Context, *, system: str, range: TimeRange | None = None, as_of: datetime, slo: str | None = None
) -> Study:
    """Compliance of a system with its objectives.

    Parameters
    ----------
    ctx : Context
    system : str
        System of the catalog.
    range : TimeRange, optional
        Period judged, e.g. a calendar month; by default each objective's own rolling window that ends at ``as_of``.
    as_of : datetime
        Aware instant up to which history is read; good and total are read at this one instant.
    slo : str, optional
        One objective only.

    Returns
    -------
    Study
        ``results``: ``compliance`` (:class:`workbench.analysis.slo.ComplianceResult`), ``budget``
        (:class:`workbench.analysis.burn.BudgetHistory`, hourly) and ``burn``
        (:class:`workbench.analysis.burn.BurnRates`).

    Raises
    ------
    ParameterError
        Unknown system or objective. A failing source is a status of the study, never an exception.
    """
    raise NotImplementedError
