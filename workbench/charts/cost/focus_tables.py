"""The summary of an export of charges."""

from __future__ import annotations

from workbench.analysis.cost.focus import FocusExport
from workbench.core.money import total


def charge_rows(charges: FocusExport) -> list[dict[str, object]]:
    """Billed cost and rows by provider, service and currency, largest first."""
    groups = charges.frame.groupby(["ProviderName", "ServiceName", "BillingCurrency"], sort=False)
    sums = [(names, total(part["BilledCost"]), len(part)) for names, part in groups]
    return [
        {"provider": names[0], "service": names[1], "billed": f"{billed:,.2f} {names[2]}", "rows": f"{rows:,}"}
        for names, billed, rows in sorted(sums, key=lambda entry: -entry[1])
    ]
