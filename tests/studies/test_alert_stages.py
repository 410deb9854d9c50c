"""A recorded run of two Prometheus servers and an Alertmanager, stage by stage; and lines of the event recorder."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.analysis.test_alert_episodes import recorded
from tests.query.served import CAPTURES
from workbench.analysis.alerts.marks import labels_text
from workbench.analysis.alerts.silences import alert_silences, silenced_at_start
from workbench.analysis.alerts.stages import AlertStages, alert_stages
from workbench.analysis.alerts.summary import AlertEpisodes, alert_episodes
from workbench.core.timerange import TimeRange, from_ms
from workbench.query.alerts.records import AlertRecords
from workbench.studies.alerts.messages import AlertLines, lines_of
from workbench.studies.alerts.silences import silences_of

#: Instant from which the run counts its seconds. [ms since the epoch]
T0 = 1_795_290_575_504
SPAN = TimeRange.from_ms(T0 - 10_000, T0 + 260_000)


@pytest.fixture(scope="module")
def run() -> tuple[AlertEpisodes, dict[str, dict[str, str]]]:
    frame = recorded("a", "b", without=("replica",)).drop(columns=["start", "end"])
    for name in ("active_at", "starts_at", "ends_at"):
        frame[name] = (frame[name] + timedelta(milliseconds=T0)).dt.as_unit("ms")
    sets = {labels_text(labels): labels for labels in frame["labels"]}
    return alert_episodes(frame, SPAN, observed_s=SPAN.seconds), sets


def lines(folder: Path, alerts: AlertEpisodes, sets: dict[str, dict[str, str]]) -> AlertLines:
    for name in ("webhook.jsonl", "snapshots.jsonl.gz"):
        shutil.copy(CAPTURES / "alertmanager" / name, folder)
    return lines_of(AlertRecords("am", folder).recorded(), alerts, sets, alone=True)


def counts(stages: AlertStages) -> dict[str, float]:
    return dict(zip(stages.frame["stage"], stages.frame["count"], strict=True))


def test_the_recorded_run_is_counted_stage_by_stage(tmp_path: Path, run) -> None:
    """Flap is silenced from 50 s to 90 s: three of its episodes began then; 63 messages were sent."""
    alerts, sets = run
    found = lines(tmp_path, alerts, sets)
    silences = silences_of(found.silences, SPAN)
    (silence,) = silences
    assert (silence.owner, silence.comment, silence.matchers) == ("lab", "noisy", 'alertname="Flap"')
    matched = np.array([alerts.frame["alertname"] == "Flap"])
    silenced = silenced_at_start(alerts, list(silences), matched)
    hidden = alerts.frame.loc[silenced, "starts_at"].astype("int64") - T0
    assert ((hidden >= 50_000) & (hidden < 90_000)).all()
    table = alert_silences(alerts, list(silences), matched, found.messages).frame.iloc[0]
    assert (table["alerts"], table["sent"], table["faults"]) == (len(hidden), 0, "")
    stages = counts(alert_stages(alerts, silenced=silenced, inhibited=found.quiet["inhibition"],
                                 messages=found.messages))  # fmt: skip
    begun = int(alerts.frame["started"].sum())
    assert stages["alerts begun"] == begun
    assert stages["not silenced"] == begun - len(hidden)
    assert stages["messages sent, with repeats and all clears"] == 63
    told = {row for message in found.messages for row in message.firing}
    assert "Inhibited" in set(alerts.frame.loc[sorted(told), "alertname"])  # told once, before its inhibitor fired
    assert not found.quiet["inhibition"].any()
    burst = alerts.frame.index[alerts.frame["alertname"] == "Burst"]
    assert len(burst) == 12
    assert sum(bool(set(message.firing) & set(burst)) for message in found.messages) == 1


def test_lines_of_the_event_recorder_say_what_was_inhibited_and_told_all_the_same(tmp_path: Path) -> None:
    def stamp(seconds: int) -> str:
        return f"{from_ms(T0 + 1000 * seconds):%Y-%m-%dT%H:%M:%SZ}"

    def event(kind: str, seconds: int, body: object) -> str:
        return json.dumps({"@timestamp": stamp(seconds), "instance": "am", "data": {kind: body}})

    labels = {name: {"alertname": name, "severity": "page", "region": "eu"} for name in ("A", "B", "C")}
    detail = {"labels": labels["A"], "startsAt": stamp(10), "endsAt": stamp(400)}
    sent = {"alerts": [{"hash": "1", "details": detail}], "firingAlerts": [{"hash": "1"}]}
    muted = {"silence": {"id": "s1"}, "mutedAlert": {"labels": labels["B"]}}
    inhibited = {"mutedAlert": {"labels": labels["C"]}, "inhibitingFingerprints": ["77"]}
    text = [
        event("notification", 20, sent),
        event("notification", 120, sent),
        event("silenceMutedAlert", 22, muted),
        event("inhibitionMutedAlert", 23, inhibited),
        event("inhibitionMutedAlert", 130, {**inhibited, "mutedAlert": {"labels": labels["A"]}}),
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(text))
    starts = pd.DatetimeIndex([from_ms(T0 + 10_000)] * 3).as_unit("ms")
    frame = pd.DataFrame(
        {
            "alertname": pd.Series(["A", "B", "C"], dtype="str"),
            "severity": pd.Series(["page"] * 3, dtype="str"),
            "labels": [{}, {}, {}],
            "active_at": starts,
            "starts_at": starts,
            "ends_at": starts + timedelta(seconds=200),
            "left_censored": False,
            "right_censored": False,
            "unknown_s": 0.0,
        }
    )
    alerts = alert_episodes(frame, SPAN, observed_s=SPAN.seconds)
    found = lines_of(AlertRecords("am", tmp_path).recorded(), alerts, {"": {}}, alone=False)
    quiet = found.quiet
    assert (quiet["silence"].tolist(), quiet["inhibition"].tolist()) == ([False, True, False], [False, False, True])
    stages = alert_stages(alerts, silenced=quiet["silence"], inhibited=quiet["inhibition"], messages=found.messages)
    assert stages.frame["count"].tolist() == [3, 2, 1, 1, 1, 2]
    held = {"id": "s2", "startsAt": stamp(60), "endsAt": stamp(200), "createdBy": "", "comment": "x",
            "matchers": [{"name": "alertname", "value": "A", "isRegex": False, "isEqual": True}]}  # fmt: skip
    silences = list(silences_of([held], SPAN))
    row = alert_silences(alerts, silences, np.array([[True, False, False]]), found.messages).frame.iloc[0]
    assert (row["sent"], row["faults"]) == (1, "no owner, notified all the same")
