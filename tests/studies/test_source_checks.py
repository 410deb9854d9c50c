"""``sources check``: what each kind of source is found to have and to lack."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.query.fake_loki import HOUR_NS, FakeLoki, Line
from tests.query.served import Asked, Says, build, says, serving, vector
from tests.servers.given import send
from workbench.archive import Archive
from workbench.core.settings import load_settings
from workbench.studies import open_context, source_checks
from workbench.studies.operations.source_checks import all_sources

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def checked(folder: Path, text: str, *, now: datetime = NOW) -> dict[str, dict[str, list[str]]]:
    """Findings by source: ``check: status: text`` lines, and the state."""
    file = folder / "workbench.toml"
    file.write_text(f'home = "home"\n{text}')
    study = source_checks(open_context(load_settings(file)), as_of=now)
    found: dict[str, dict[str, list[str]]] = {}
    for row in study.results["sources"].frame.itertuples():
        found[row.name] = {"state": [row.status, str(row.exit_code)]}
    for row in study.results["checks"].frame.itertuples():
        found[row.source].setdefault(row.check, []).append(f"{row.status}: {row.text}")
    return found


def prometheus(asked: Asked) -> Says:
    if asked.path.endswith("/status/buildinfo"):
        return build("3.5.3")
    if asked.path.endswith("/label/__name__/values"):
        return says({"status": "success", "data": ["up", "litellm_requests_total"]})
    if asked.path.endswith("/status/flags"):
        return says({"status": "success", "data": {"query.max-samples": "50000000", "query.timeout": "2m0s"}})
    if asked.path.endswith("/status/runtimeinfo"):
        return says({"status": "success", "data": {"storageRetention": "15d"}})
    if asked.path.endswith("/rules"):
        return Says(b"forbidden", 403, {"Content-Type": "text/plain"})
    if asked.path.endswith("/query"):
        old = float(asked.fields.get("time", NOW.timestamp())) < (NOW - timedelta(days=8)).timestamp()
        held = "last_over_time" in asked.fields["query"] and old
        return vector() if held else vector(({}, 0, str(NOW.timestamp())))
    return says({"status": "success", "data": {}})


@pytest.mark.slow
def test_a_prometheus_is_looked_at_from_clock_to_profile(tmp_path: Path) -> None:
    with serving(prometheus, versioned=False) as served:
        found = checked(
            tmp_path, f'[sources.prod]\nkind = "prometheus"\nurl = "{served.url}"\nsystems = ["conduit"]\n'
        )["prod"]  # fmt: skip
    assert found["state"] == ["ok", "0"]
    assert found["clock"] == ["ok: Its clock is ours to within 5 s."]
    assert found["oldest"] == ["ok: It holds samples of 7 days ago, but not 30."]
    assert found["limits"] == ["ok: samples a query 50000000, timeout 2m0s, retention 15d"]
    assert "warning: It refuses us rules and their health (/api/v1/rules)." in found["permissions"]
    (lacking,) = [each for each in found["profile"] if "metrics of Conduit" in each]
    assert lacking.startswith("warning: ")


@pytest.mark.slow
def test_a_clock_that_is_wrong_is_found(tmp_path: Path) -> None:
    ahead = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)

    def answer(asked: Asked) -> Says:
        told = prometheus(asked)
        if asked.path == "/":
            return Says(b"hello", 404, {"Date": ahead, "Content-Type": "text/plain"})
        return told

    with serving(answer, versioned=False) as served:
        found = checked(tmp_path, f'[sources.prod]\nkind = "prometheus"\nurl = "{served.url}"\n')["prod"]
    assert found["clock"][0].startswith("warning: Its clock is ")
    assert "ahead of ours" in found["clock"][0]


@pytest.mark.slow
def test_every_kind_of_source_is_checked_and_a_dead_one_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "deploys.csv").write_text("when,service\n2026-10-31T10:00:00,api\n")
    text = """
[sources.spans]
kind = "jaeger"
url = "http://127.0.0.1:9"
[sources.files]
kind = "otlp"
path = "none/*.json"
[sources.alerts]
kind = "alertmanager"
path = "none.jsonl"
[sources.lines]
kind = "loki"
url = "http://127.0.0.1:9"
[sources.deploys]
kind = "table"
path = "deploys.csv"
holds = "deployments"
fields = { time = "when" }
"""
    found = checked(tmp_path, text)
    assert {name: one["state"] for name, one in found.items()} == {
        "spans": ["unavailable", "3"], "files": ["unavailable", "3"], "alerts": ["unavailable", "3"],
        "lines": ["unavailable", "3"], "deploys": ["ok", "0"],
    }  # fmt: skip
    context = open_context(load_settings(tmp_path / "workbench.toml"))
    assert list(all_sources(context)) == ["spans", "files", "alerts", "lines", "deploys"]


@pytest.mark.slow
def test_the_fields_of_a_table_of_records_are_looked_for_in_the_records(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path / "history", create=True)
    frame = pd.DataFrame({"time_ns": [int(NOW.timestamp() - 60) * 10**9], "severity": "INFO", "message": "judged"})
    frame = frame.assign(service="conduit", trace_id="", span_id="", event_type="evaluation")
    archive.append_logs(frame.assign(attributes=[{"eval.score": "0.9", "model": "gpt"}]))

    def rows(event: str, fields: str) -> list[str]:
        text = (
            '[sources.history]\nkind = "archive"\npath = "history"\nsystems = ["conduit"]\n'
            '[sources.judged]\nkind = "table"\nholds = "answers"\nrecords = "logs"\nsystems = ["conduit"]\n'
            f'event = "{event}"\nservice = "conduit"\nfields = {{ {fields} }}\n'
        )
        return checked(tmp_path, text)["judged"]["rows"]

    held = 'score = "eval.score", model = "model"'
    assert rows("evaluation", held) == ["ok: The logs 'evaluation' of the last day have every field; 1 were read."]
    assert rows("evaluation", held + ', segment = "country"') == [
        "warning: No logs 'evaluation' of the last day has the field segment (country); 1 were read."
    ]
    assert rows("judgement", held) == ["warning: No logs 'judgement' of the last day: it gives no row."]


@pytest.mark.slow
def test_credentials_in_the_clear_to_another_machine_are_warned_of(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("PASS_T", "planted")
    text = '[sources.p]\nkind = "tempo"\nurl = "{}"\nusername = "ana"\npassword = {{ env = "PASS_T" }}\n'
    assert "encryption" not in checked(tmp_path, text.format("http://127.0.0.1:9"))["p"]
    found = checked(tmp_path, text.format("http://tempo.invalid:3200"))["p"]
    assert found["encryption"] == ["warning: Credentials are sent unencrypted: use https."]


@pytest.mark.live
def test_a_real_prometheus_is_checked_without_a_surprise(tmp_path: Path, prometheus_v3: Any) -> None:
    found = checked(tmp_path, f'[sources.prod]\nkind = "prometheus"\nurl = "{prometheus_v3.url}"\n')["prod"]
    assert found["clock"] == ["ok: Its clock is ours to within 5 s."]
    assert "retention" in found["limits"][0]
    assert "permissions" not in found


@pytest.mark.slow
def test_a_loki_is_looked_at_from_its_reach_to_its_fields(tmp_path: Path) -> None:
    """Lines of two services over nine days; a profile that wants a third, and a server that hides one endpoint."""
    start_ns = int(NOW.timestamp()) * 10**9
    held = [
        Line(start_ns - hours * HOUR_NS - 60 * 10**9, json.dumps({"message": "m", "level": "info"}), {"app": app})
        for hours in range(0, 9 * 24, 6)
        for app in ("counterfactual-lab", "other")
    ]
    loki = FakeLoki(held)
    config = "limits_config:\n  max_entries_limit_per_query: 5000\n  max_query_length: 30d1h\npassword: planted\n"

    def answer(asked: Asked) -> Says:
        if asked.path == "/config":
            return Says(config.encode(), headers={"Content-Type": "text/plain"})
        return loki.answer(asked)

    with serving(answer) as served, pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.query.logs.loki.source.datetime", FrozenInputs)
        text = f'[sources.lines]\nkind = "loki"\nurl = "{served.url}"\nsystems = ["counterfactual-lab"]\n'
        found = checked(tmp_path, f'{text}selector = \'{{app=~".+"}}\'\nfields = {{ service = "app" }}\n')["lines"]
    assert found["state"] == ["ok", "0"]
    assert found["oldest"] == ["ok: It holds lines of 7 days ago, but none of 30 days ago."]
    assert found["limits"] == ["ok: lines an answer 5000, longest range 30d1h"]
    assert "planted" not in str(found)
    assert any("services with log lines" in one for one in found["profile"])


class FrozenInputs(datetime):
    """A clock that stands at NOW."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return NOW.astimezone(tz)


def test_tempo_and_alertmanager_say_how_far_back_they_reach_and_what_they_refuse(tmp_path: Path) -> None:
    def tempo(asked: Asked) -> Says:
        if asked.path.endswith("/buildinfo"):
            return says({"version": "2.6.0"})
        if asked.path == "/api/search":
            old = int(asked.fields["end"]) <= (NOW - timedelta(days=2)).timestamp()
            return says(
                {"traces": [] if old else [{"traceID": "1", "startTimeUnixNano": asked.fields["start"] + "0" * 9}]}
            )
        if asked.path == "/status/config":
            return Says(b"forbidden", 403, {"Content-Type": "text/plain"})
        if asked.path == "/api/v2/search/tags":
            return Says(b"forbidden", 403, {"Content-Type": "text/plain"})
        return says({"tagValues": [{"type": "string", "value": "other"}]})

    def alertmanager(asked: Asked) -> Says:
        if asked.path == "/api/v2/status":
            return says({"versionInfo": {"version": "0.28.1"}, "cluster": {"status": "disabled"}})
        return Says(b"no", 403, {"Content-Type": "text/plain"}) if "silences" in asked.path else says([])

    with serving(tempo) as one, serving(alertmanager) as two:
        found = checked(
            tmp_path,
            f'[sources.spans]\nkind = "tempo"\nurl = "{one.url}"\nsystems = ["counterfactual-lab"]\n'
            f'[sources.alerts]\nkind = "alertmanager"\nurl = "{two.url}"\n',
        )
    spans, alerts = found["spans"], found["alerts"]
    assert spans["oldest"] == ["ok: It holds traces of the last day, but none of 7 days ago."]
    assert spans["limits"] == ["unknown: It does not tell its limits (/status/config)."]
    assert spans["permissions"] == ["warning: It refuses us names of attributes (/api/v2/search/tags)."]
    assert [one for one in spans["profile"] if one.startswith("warning: ") and "traced services" in one]
    assert alerts["oldest"] == ["unknown: Alertmanager keeps no history: it knows now only."]
    assert alerts["permissions"] == ["warning: It refuses us silences (/api/v2/silences)."]


@pytest.mark.live
def test_a_real_opensearch_and_a_real_alertmanager_are_checked_without_a_surprise(
    tmp_path: Path, opensearch_node: Any, alertmanager: Any
) -> None:
    url = opensearch_node.url
    record = {"@timestamp": (NOW - timedelta(minutes=3)).isoformat(), "message": "m", "service": "api"}
    send(f"{url}/checked-1/_doc?refresh=true", json.dumps(record))
    text = f'[sources.lines]\nkind = "opensearch"\nurl = "{url}"\nindex = "checked-*"\nsystems = ["choreoai"]\n'
    found = checked(tmp_path, f'{text}[sources.alerts]\nkind = "alertmanager"\nurl = "{alertmanager.url}"\n')
    lines = found["lines"]
    assert lines["oldest"] == ["ok: It holds lines of the last day, but none of 7 days ago."]
    assert "buckets an answer 65535" in lines["limits"][0]
    assert lines["health"][0].startswith("ok: Its health is ")
    assert [one for one in lines["profile"] if one.startswith("warning: ") and "fields of log lines" in one]
    assert "check" not in lines
    assert "permissions" not in found["alerts"]
