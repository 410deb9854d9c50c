"""``sources check``: what each kind of source is found to have and to lack."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.query.served import Asked, Says, build, says, serving, vector
from workbench.core.settings import load_settings
from workbench.studies import open_context, source_checks
from workbench.studies.source_checks import all_sources

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
    (lacking,) = [each for each in found["profile"] if "metrics of conduit" in each]
    assert lacking.startswith("warning: ")


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
