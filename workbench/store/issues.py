"""Issued reports: numbered by period, written once, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from workbench.store.connection import Connected
from workbench.store.models import issues


@dataclass(frozen=True)
class Issue:
    """One issue of a report: ``folder`` (below home) holds its files, ``manifest`` says from what they were made."""

    report: str
    system: str
    period: str
    number: int
    issued_at: datetime
    issued_by: str
    as_of: datetime
    folder: str
    figures_sha256: str
    manifest: Mapping[str, Any]
    zone: str = "UTC"


class Issues(Connected):
    """The part of the store that keeps issued reports."""

    def add_issue(self, issue: Issue) -> bool:
        """Write an issue down; False where another process issued this number first.

        Numbers follow one another: one that is not the next is not written either.
        """
        self._may_write(issue.system)
        key = [issues.c[name] == getattr(issue, name) for name in ("report", "system", "period", "zone")]
        with self._writing() as connection:
            if connection.dialect.name == "postgresql":
                name = f"{issue.report}/{issue.system}/{issue.period}/{issue.zone}"
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))
            newest = connection.execute(select(func.max(issues.c.number)).where(*key)).scalar() or 0
            if issue.number != newest + 1:
                return False
            connection.execute(insert(issues).values(**asdict(issue)))
        return True

    def issues(
        self,
        *,
        report: str | None = None,
        system: str | None = None,
        period: str | None = None,
        zone: str | None = None,
    ) -> list[Issue]:
        """Return issues, newest period first and in it the highest number first."""
        conditions = {"report": report, "system": system, "period": period, "zone": zone}
        chosen = [issues.c[name] == value for name, value in conditions.items() if value is not None]
        query = select(issues).where(*chosen, *self._visible_rows(issues.c.system))
        order = (issues.c.period.desc(), issues.c.system, issues.c.report, issues.c.zone, issues.c.number.desc())
        with self._reading() as connection:
            return [Issue(**row._asdict()) for row in connection.execute(query.order_by(*order))]
