"""Alertmanager: its API, what it wrote down, and what neither knows."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.query.served import CAPTURES
from tests.query.traced import web_of
from workbench.core.errors import AnswerUnreadable, SourceUnavailable
from workbench.core.timerange import TimeRange
from workbench.query.alerts.alertmanager import AlertmanagerSource
from workbench.query.alerts.records import AlertRecords

START = datetime(2026, 11, 21, 19, 49, tzinfo=UTC)
RUN = TimeRange(START, START + timedelta(minutes=10))


@pytest.fixture(scope="module")
def webhooks() -> AlertRecords:
    return AlertRecords("hooks", CAPTURES / "alertmanager" / "webhook.jsonl")


def test_sixty_three_notifications_are_thirty_one_episodes(webhooks: AlertRecords) -> None:
    """Counts of the run: a standing alert is one episode though told eight times, a burst twelve told twice."""
    counts = webhooks.episodes(RUN).groupby("alertname").size().to_dict()
    assert counts == {
        "Burst": 12, "Flap": 8, "FlapKeepFiring": 1, "Inhibited": 1, "LabelChurn": 2, "RestartLongFor": 1,
        "RestartPending": 1, "RestartShortFor": 1, "ScrapeGap": 2, "Simple": 1, "Standing": 1,
    }  # fmt: skip
    sent = webhooks.notifications(RUN)
    groups = sent.groupby("group").size()
    assert len(sent) == 63
    assert groups['{}:{alertname="Standing"}'] == 8
    assert groups['{}:{alertname="Burst"}'] == 2


def test_an_episode_whose_end_was_silenced_is_censored_not_prolonged(webhooks: AlertRecords) -> None:
    """A silence hid the end of the third Flap; the next notice is of one that began half a minute later."""
    flaps = webhooks.episodes(RUN).query("alertname == 'Flap'")
    assert flaps["right_censored"].tolist() == [False, False, True, False, False, False, False, False]
    seconds = (flaps["ends_at"] - flaps["starts_at"]).dt.total_seconds()
    assert seconds.max() == 7
    assert "not in them" in webhooks.episodes(RUN).attrs["warnings"][0]


def test_a_standing_alert_is_open(webhooks: AlertRecords) -> None:
    (standing,) = webhooks.episodes(RUN).query("alertname == 'Standing'").to_dict(orient="records")
    assert standing["ends_at"] is not standing["starts_at"]
    assert standing["right_censored"]
    assert standing["severity"] == "info"
    assert standing["labels"]["case"] == "standing"


def test_episodes_are_those_that_overlap_the_range(webhooks: AlertRecords) -> None:
    late = TimeRange(datetime(2026, 11, 21, 19, 52, 40, tzinfo=UTC), RUN.end)
    assert "Simple" not in set(webhooks.episodes(late)["alertname"])
    assert "Standing" in set(webhooks.episodes(late)["alertname"])


def event(kind: str, body: dict[str, Any], at: str) -> dict[str, Any]:
    return {"@timestamp": at, "instance": "am-0", "data": {kind: body}, "clusterPosition": 0}


def recorded(pairs: bool) -> list[dict[str, Any]]:
    labels = {"alertname": "Slow", "severity": "page", "job": "api"}
    told: Any = {"labels": [{"key": k, "value": v} for k, v in labels.items()]} if pairs else labels
    firing = {"fingerprint": "1", "name": "Slow", "labels": told, "startsAt": "2026-11-21T19:50:00Z",
              "endsAt": "2026-11-21T19:54:00Z"}  # fmt: skip
    over = {**firing, "endsAt": "2026-11-21T19:51:30.250Z", "resolved": True}
    group = {"groupKey": "{}:{}", "receiverName": "pager"}
    notice = {"alerts": [{"hash": "1", "details": firing}], "firingAlerts": [{"hash": "1"}], "groupInfo": group,
              "reason": "NOTIFY_REASON_FIRST_NOTIFICATION", "integration": {"name": "pagerduty"}}  # fmt: skip
    return [
        event("alertmanagerStartupEvent", {"version": "0.35.0"}, "2026-11-21T19:49:00Z"),
        event("alertCreated", {"alert": firing}, "2026-11-21T19:50:00.5Z"),
        event(
            "alertGrouped", {"alert": {"hash": "1", "details": firing}, "groupInfo": group}, "2026-11-21T19:50:00.6Z"
        ),
        event("notification", notice, "2026-11-21T19:50:30Z"),
        event("silenceMutedAlert", {"mutedAlert": {"labels": told}}, "2026-11-21T19:50:40Z"),
        event("alertResolved", {"alert": {"hash": "1", "details": over}, "groupInfo": group}, "2026-11-21T19:52:00Z"),
    ]


@pytest.mark.parametrize("pairs", [True, False], ids=["0.33 and 0.34", "0.35"])
def test_the_event_recorder_gives_one_episode_and_its_notification(tmp_path: Path, pairs: bool) -> None:
    lines = "\n".join(json.dumps(one) for one in [*recorded(pairs), *recorded(pairs)]) + "\n{broken\n[]\n7\n"
    (tmp_path / "events.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    records = AlertRecords("events", tmp_path / "*.gz")
    (episode,) = records.episodes(RUN).to_dict(orient="records")
    assert (episode["alertname"], episode["severity"], episode["labels"]) == ("Slow", "page", {"job": "api"})
    assert (episode["ends_at"] - episode["starts_at"]).total_seconds() == 90.25
    assert not episode["right_censored"]
    first = records.notifications(RUN).iloc[0]
    assert (first.receiver, first.integration, first.reason) == ("pager", "pagerduty", "first_notification")
    assert (first.firing, first.resolved, first.muted) == (1, 0, 0)
    assert records.episodes(RUN).attrs["warnings"] == (
        "3 lines are no event and no webhook of Alertmanager, and are left out.",
    )  # fmt: skip


def test_records_that_are_not_there_are_a_state(tmp_path: Path) -> None:
    away = AlertRecords("events", tmp_path / "none.jsonl")
    assert (away.state().status, away.state().exit_code) == ("unavailable", 3)
    with pytest.raises(SourceUnavailable, match="no file at"):
        away.episodes(RUN)
    (tmp_path / "empty.jsonl").write_text("\n")
    assert AlertRecords("events", tmp_path / "empty.jsonl").state().status == "no_data"


def test_another_service_at_the_address_is_no_alertmanager() -> None:
    source = AlertmanagerSource("am", web_of(lambda _: httpx.Response(200, json={"hello": 1}), api="Alertmanager"))
    assert source.state().exit_code == AnswerUnreadable.exit_code
    with pytest.raises(AnswerUnreadable, match="is no list"):
        source.alerts()


@pytest.mark.live
def test_a_real_alertmanager_tells_alerts_groups_silences_and_its_version(alertmanager: Any) -> None:
    from workbench.query.http.client import BackendClient
    from workbench.query.http.transport import HttpTransport

    now = datetime.now(UTC)
    stamp = (now - timedelta(minutes=5)).isoformat()
    labels = [{"alertname": "Slow", "severity": "page", "pod": name} for name in ("a", "b")]
    with httpx.Client(base_url=alertmanager.url, trust_env=False) as client:
        client.post("/api/v2/alerts", json=[{"labels": each, "startsAt": stamp} for each in labels]).raise_for_status()
        matcher = {"name": "pod", "value": "a.*", "isRegex": True, "isEqual": True}
        client.post(
            "/api/v2/silences",
            json={"matchers": [matcher], "startsAt": now.isoformat(), "createdBy": "ana", "comment": "a\x1b[31mb",
                  "endsAt": (now + timedelta(hours=1)).isoformat()},
        ).raise_for_status()  # fmt: skip
    source = AlertmanagerSource("am", BackendClient("am", HttpTransport(alertmanager.url), 10, api="Alertmanager"))
    alerts = source.alerts()
    assert alerts["alertname"].tolist() == ["Slow", "Slow"]
    assert {row["pod"] for row in alerts["labels"]} == {"a", "b"}
    assert source.groups()["alerts"].sum() == 2
    (silence,) = source.silences().to_dict(orient="records")
    assert (silence["matchers"], silence["created_by"]) == ('pod=~"a.*"', "ana")
    assert "\x1b" not in silence["comment"]
    episodes = source.episodes(TimeRange(now - timedelta(hours=1), now + timedelta(minutes=1)))
    assert len(episodes) == 2
    assert episodes["ends_at"].isna().all()
    assert "keeps no history" in episodes.attrs["warnings"][0]
    state = source.state()
    assert state.status == "ok"
    assert state.engine.startswith("Alertmanager 0.")


DAY = TimeRange(datetime(2026, 11, 7, tzinfo=UTC), datetime(2026, 11, 8, tzinfo=UTC))
ZERO = "0001-01-01T00:00:00Z"


def alert(start: str = "10:00:00", end: str = "", status: str = "") -> dict[str, Any]:
    status = status or ("resolved" if end else "firing")
    ends = f"2026-11-07T{end}Z" if end else ZERO
    return {"status": status, "labels": {"alertname": "A"}, "startsAt": f"2026-11-07T{start}Z", "endsAt": ends}


def hook(*alerts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"version": "4", "groupKey": "{}", "receiver": "r", "alerts": list(alerts), **more}


def lived(folder: Path, text: str) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    (folder / "hooks.json").write_text(text)
    records = AlertRecords("hooks", folder / "hooks.json")
    assert records.state().status in ("ok", "no_data")
    frame = records.episodes(DAY)
    return [(f"{row.starts_at:%H:%M:%S}", "" if row.ends_at != row.ends_at else f"{row.ends_at:%H:%M:%S}")
            for row in frame.itertuples()], frame.attrs["warnings"]  # fmt: skip


@pytest.mark.parametrize("write", [
    lambda hooks: "\n".join(map(json.dumps, hooks)),
    lambda hooks: "\n".join(json.dumps(each, indent=2) for each in hooks),
    lambda hooks: "\ufeff" + json.dumps(hooks),
    lambda hooks: json.dumps(hooks, indent=1),
    lambda hooks: "\n".join(json.dumps({"received_at": 1_794_045_600_123, "body": json.dumps(each)}) for each in hooks),
    lambda hooks: "a line of a log\n" + json.dumps(hooks[0]) + "\n{cut off\n" + json.dumps(hooks[1]),
])  # fmt: skip
def test_webhooks_are_read_however_they_were_written_down(tmp_path: Path, write: Any) -> None:
    episodes, warnings = lived(tmp_path, write([hook(alert()), hook(alert(end="10:30:00"))]))
    assert ("2 lines are no event and no webhook of Alertmanager, and are left out." in warnings) == (
        "{cut off" in (tmp_path / "hooks.json").read_text()
    )
    assert episodes == [("10:00:00", "10:30:00")]


def test_answers_of_the_api_in_a_file_are_read(tmp_path: Path) -> None:
    found = {**alert(), "status": {"state": "active"}, "endsAt": "2026-11-07T10:05:00Z",
             "updatedAt": "2026-11-07T10:01:00Z"}  # fmt: skip
    for text in (json.dumps([found]), json.dumps({"status": "success", "data": [found]})):
        assert lived(tmp_path, text)[0] == [("10:00:00", "")]


def test_alerts_that_a_message_left_out_are_said(tmp_path: Path) -> None:
    _, warnings = lived(tmp_path, json.dumps(hook(alert(), truncatedAlerts=12)))
    assert warnings[0] == "12 alerts were cut from messages (max_alerts of the receiver) and are not here."


def test_two_senders_whose_clocks_differ_are_one_episode(tmp_path: Path) -> None:
    times = [("10:00:10", alert()), ("10:05:10", alert("10:00:07")), ("10:10:10", alert()),
             ("10:30:10", alert(end="10:30:00")), ("11:00:10", alert("11:00:00"))]  # fmt: skip
    text = "\n".join(json.dumps({"received_at": f"2026-11-07T{at}Z", "payload": hook(one)}) for at, one in times)
    assert lived(tmp_path, text)[0] == [("10:00:00", "10:30:00"), ("11:00:00", "")]
