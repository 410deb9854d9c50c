"""An incident in order of time: burning budgets, alerts, deploys, restarts, log lines and spans in one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from workbench.charts.slo.spending_tables import places
from workbench.charts.tables import Table
from workbench.core.result import Study
from workbench.core.units import count_text, instant_text, ratio_text, span_text


def timeline_table(studies: Mapping[str, Study]) -> Table:
    """Table of :func:`timeline_rows` that renders itself."""
    return Table(timeline_rows(studies), left=("time", "kind", "what", "detail"))


def timeline_rows(studies: Mapping[str, Study]) -> list[dict[str, str]]:
    """One row of text per thing that began or ended, in order of time.

    Parameters
    ----------
    studies : mapping of str to Study
        ``slo_attribution`` and ``alert_load`` of the same system and period.
    """
    moments = [*_burns(studies.get("slo_attribution")), *_alerts(studies.get("alert_load"))]
    once = {(time, kind, what): detail for time, kind, what, detail in moments}
    return [
        {"time": instant_text(time), "kind": kind, "what": what, "detail": detail}
        for (time, kind, what), detail in sorted(once.items(), key=lambda item: item[0])
    ]


_Moment = tuple[pd.Timestamp, str, str, str]


def _burns(study: Study | None) -> Iterator[_Moment]:
    if study is None or study.status in ("unavailable", "refused"):
        return
    spent, companions = study.results["spending"], study.results["companions"].frame
    where = places(study.results["contributions"])
    for row in spent.frame[spent.frame["kind"] == "episode"].itertuples():
        at = where.get((str(row.objective), int(row.episode)), "everywhere")
        share = f"{ratio_text(row.budget_share, digits=1)} of the budget in {span_text(row.minutes * 60)}"
        yield row.start, "burn begins", str(row.objective), f"{share}, {at}"
        if not row.ongoing:
            yield row.end, "burn ends", str(row.objective), f"{count_text(row.bad)} bad of {count_text(row.total)}"
    for row in companions[companions["kind"] != "alert"].itertuples():
        times = f"{count_text(row.count)} times; {row.detail}" if row.count > 1 else str(row.detail)
        yield row.time, str(row.kind), str(row.what), times


def _alerts(study: Study | None) -> Iterator[_Moment]:
    if study is None or study.status in ("unavailable", "refused"):
        return
    for row in study.results["episodes"].frame.itertuples():
        yield row.starts_at, "alert fires", str(row.alertname), f"{row.severity}; {row.labels}"
        if not row.open and pd.notna(row.ends_at):
            yield row.ends_at, "alert resolves", str(row.alertname), f"after {span_text(row.duration_s)}"
