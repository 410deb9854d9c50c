"""Deployments from the versions that a system says it runs, where nobody records deployments."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

#: A version that was silent for longer, while another one ran, has been deployed again. [s]
SILENT = timedelta(minutes=15)


def version_deployments(seen: pd.DataFrame, *, started: bool) -> pd.DataFrame:
    """Return when versions began to run.

    Parameters
    ----------
    seen : DataFrame
        ``time`` [UTC] and ``version`` (str): a sample of a metric with the version as a label, or a line that says a
        version has started. Any order.
    started : bool
        Whether the first row is a start. A sample is none: its version may have run before.

    Returns
    -------
    DataFrame
        ``deployment`` (version and instant), ``finished`` [UTC], oldest first. A version that returns after another
        one, e.g. of a rollback, is deployed again; replicas that change one after the other are one deployment.

    Examples
    --------
    >>> times = pd.date_range("2026-10-01", periods=5, freq="h", tz="UTC")
    >>> seen = pd.DataFrame({"time": times, "version": ["1", "2", "2", "1", "1"]})
    >>> version_deployments(seen, started=False)["deployment"].tolist()
    ['2 at 2026-10-01 01:00', '1 at 2026-10-01 03:00']
    """
    ordered = seen.sort_values("time", kind="stable")
    fresh = ordered["version"] != ordered["version"].shift()
    runs = ordered.assign(run=fresh.cumsum()).groupby("run").agg(
        version=("version", "first"), first=("time", "min"), last=("time", "max")
    )  # fmt: skip
    ended: dict[str, pd.Timestamp] = {}
    rows = []
    for number, (version, first, last) in enumerate(runs.itertuples(index=False)):
        before = ended.get(version)
        if (started or number > 0) if before is None else first - before > SILENT:
            rows.append((f"{version} at {first:%Y-%m-%d %H:%M}", first))
        ended[version] = last
    table = pd.DataFrame(rows, columns=["deployment", "finished"])
    return table.assign(finished=pd.to_datetime(table["finished"], utc=True))
