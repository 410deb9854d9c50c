"""Delivery metrics to the minute of Apache DevLake's own tests, and four deployments of which one failed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from workbench.analysis.operations.delivery import caused_by, delivery_metrics, deployments_of, lead_times
from workbench.core.timerange import TimeRange

DATA = Path(__file__).with_name("devlake")


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(DATA / f"{name}.csv")


def commits(name: str, scopes: set[str]) -> pd.DataFrame:
    rows = table(name)
    rows = rows[rows["cicd_scope_id"].isin(scopes)]
    finished = pd.to_datetime(rows["finished_date"], utc=True)
    return rows.assign(deployment=rows["cicd_deployment_id"], finished=finished)


def test_lead_times_are_those_of_devlake_to_the_minute() -> None:
    requests, deployed = table("pull_requests"), commits("cicd_deployment_commits", {"cicd1", "cicd2"})
    requests = requests[requests["merged_date"].notna()].set_index("id")
    created, merged = (pd.to_datetime(requests[f"{name}_date"], utc=True) for name in ("created", "merged"))
    authored = table("pull_request_commits")
    authored["at"] = pd.to_datetime(authored["commit_authored_date"], utc=True)
    comments = table("pull_request_comments")
    comments["at"] = pd.to_datetime(comments["created_date"], format="mixed", utc=True)
    own = comments["account_id"] == comments["pull_request_id"].map(requests["author_id"])
    diffs = table("commits_diffs").dropna(subset="old_commit_sha").set_index("commit_sha")["new_commit_sha"]
    fine = deployed[(deployed["result"] == "SUCCESS") & (deployed["environment"] == "PRODUCTION")]
    live = requests["merge_commit_sha"].map(diffs).map(fine.set_index("commit_sha")["finished"])
    parts = lead_times(
        pd.DataFrame(
            {
                "first_commit": authored.groupby("pull_request_id")["at"].min().reindex(requests.index),
                "created": created,
                "first_review": comments[~own].groupby("pull_request_id")["at"].min().reindex(requests.index),
                "merged": merged,
                "deployed": live,
            }
        )
    )
    golden = table("project_pr_metrics").set_index("id")
    for part in ("coding", "pickup", "review", "deploy", "cycle"):
        np.testing.assert_array_equal(parts[part].loc[golden.index], golden[f"pr_{part}_time"], err_msg=part)


def test_incidents_are_linked_to_the_deployments_that_devlake_links() -> None:
    incidents, mapping = table("incidents"), table("project_mapping")
    known = mapping[mapping["project_name"] == "project1"]
    scopes = set(zip(known["table"], known["row_id"], strict=True))
    inside = [pair in scopes for pair in zip(incidents["table"], incidents["scope_id"], strict=True)]
    incidents = incidents[inside]
    incidents = incidents.assign(created=pd.to_datetime(incidents["created_date"], utc=True)).set_index("id")
    linked = caused_by(commits("incident_commits", {"cicd1", "cicd2"}), incidents)
    golden = table("project_incident_deployment_relationships").set_index("id")["deployment_id"]
    assert linked.to_dict() == golden.to_dict()


def window(days: int) -> TimeRange:
    start = pd.Timestamp("2026-10-01", tz="UTC")
    return TimeRange(start.to_pydatetime(), (start + pd.Timedelta(days=days)).to_pydatetime())


def four(**more: object) -> pd.DataFrame:
    days = pd.to_datetime(["2026-10-01", "2026-10-02", "2026-10-04", "2026-10-06"], utc=True)
    whole = {"deployment": list("abcd"), "finished": days, "result": "SUCCESS", "environment": "PRODUCTION"}
    return pd.DataFrame({**whole, **more})


def test_four_deployments_one_failed_is_25_percent_and_days_without_one_are_rows() -> None:
    at = pd.to_datetime(["2026-10-02 01:00", "2026-10-02 02:00", "2026-09-30 00:00"], utc=True)
    ends = pd.to_datetime(["2026-10-02 03:00", None, "2026-09-30 05:00"], utc=True)
    incidents = pd.DataFrame({"created": at, "resolved": ends})
    metrics, days = delivery_metrics(four(), incidents, pd.Series([10.0, np.nan, 30.0, 20.0]), window(10))
    row = metrics.frame.set_index("metric")
    assert row.loc["fail_rate", "value"] == 0.25, "two incidents of one deployment are one failed deployment"
    assert row.loc["recovery", ["value", "of", "detail"]].tolist() == [120.0, 1, "1 still open"]
    assert row.loc["lead_time", ["value", "of"]].tolist() == [20.0, 3]
    assert row.loc["frequency", "value"] == 0.4
    assert days.frame["deployments"].tolist() == [1, 1, 0, 1, 0, 1, 0, 0, 0, 0]
    assert np.isnan(row.loc["rework", "value"]), "nothing says which were unplanned"
    assert "2023" in metrics.notes[0]


def test_failed_and_staging_deployments_do_not_count_and_none_is_not_zero_percent() -> None:
    rows = four(result=["SUCCESS", "FAILURE", "SUCCESS", "SUCCESS"], environment=["PRODUCTION"] * 3 + ["STAGING"])
    assert deployments_of(rows)["deployment"].tolist() == ["a", "c"]
    none = pd.DataFrame({"created": pd.to_datetime([], utc=True), "resolved": pd.to_datetime([], utc=True)})
    metrics, _ = delivery_metrics(rows.iloc[:0], none, pd.Series(dtype="float64"), window(5))
    values = metrics.frame.set_index("metric")["value"]
    assert values["frequency"] == 0
    assert values.drop("frequency").isna().all()
