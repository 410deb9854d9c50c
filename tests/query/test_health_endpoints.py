from __future__ import annotations

import asyncio
import socket
import time

import pytest

from tests.query.served import Asked, Says, says, serving
from workbench.core.errors import QueryTooExpensive
from workbench.core.settings import SourceSettings
from workbench.query import PrometheusSource
from workbench.query.http.health import MAX_BYTES, ask_health, judged_body
from workbench.query.metrics.live_state import alerts, rules, silences, targets

HOSTILE = "<script>alert(1)</script>\x1b[31m\n\u202eevil"


@pytest.mark.parametrize(("said", "status"), [("healthy", "healthy"), ("UP", "healthy"), ("degraded", "degraded"),
                                              ("unhealthy", "unhealthy"), ("on fire", "unhealthy")])  # fmt: skip
def test_the_status_of_a_json_body_decides(said: str, status: str) -> None:
    with serving(lambda _: says({"status": said}), versioned=False) as server:
        (answer,) = ask_health([(f"{server.url}/health", 5.0)])
    assert (answer.status, answer.code) == (status, 200)


def test_a_code_other_than_2xx_is_unhealthy_and_no_redirect_is_followed() -> None:
    def answer(asked: Asked) -> Says:
        return Says(b"{}", 503) if asked.path == "/down" else Says(b"", 302, {"Location": "/secret"})

    with serving(answer, versioned=False) as server:
        down, moved = ask_health([(f"{server.url}/down", 5.0), (f"{server.url}/moved", 5.0)])
        assert "/secret" not in [asked.path for asked in server.asked]
    assert (down.status, down.detail, moved.status, moved.code) == (
        "unhealthy",
        "answers with HTTP 503",
        "unhealthy",
        302,
    )


@pytest.mark.slow
def test_an_endpoint_that_drips_or_never_ends_costs_no_more_than_its_deadline() -> None:
    def endless(out: object) -> None:
        while True:
            out.write(b"x" * 4096)

    def answer(asked: Asked) -> Says:
        return Says(headers_drip_s=30.0) if asked.path == "/drip" else Says(headers={}, write=endless)

    began = time.monotonic()
    with serving(answer, versioned=False) as server:
        drip, huge = ask_health([(f"{server.url}/drip", 0.5), (f"{server.url}/huge", 5.0)])
    assert time.monotonic() - began < 5
    assert (drip.status, drip.detail) == ("unreachable", "No whole answer in 0.5 s.")
    assert huge.status == "healthy"


def test_a_dead_server_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        (answer,) = ask_health([(f"http://127.0.0.1:{taken.getsockname()[1]}/health", 2.0)])
    assert (answer.status, answer.code) == ("unreachable", None)
    assert answer.detail


def test_hostile_text_becomes_one_plain_line() -> None:
    status, detail = judged_body(says({"status": HOSTILE, "checks": [{"name": "a\nb", "status": "bad"}]}).body)
    assert status == "unhealthy"
    assert not any(ord(letter) < 32 for letter in detail)
    assert len(detail) <= 201


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"Prometheus Server is Healthy.\n", "healthy"),
        (b"OK", "healthy"),
        (b"ready\n", "healthy"),
        (b'{"database": "ok", "version": "12.1.0"}', "healthy"),
        (b'{"database": "failing", "version": "12.1.0"}', "unhealthy"),
    ],
    ids=["Prometheus", "Alertmanager", "Loki", "Grafana", "Grafana without its database"],
)
def test_the_servers_of_the_monitoring_itself_are_judged(body: bytes, status: str) -> None:
    assert judged_body(body)[0] == status


@pytest.mark.parametrize("body", [b"", b"[" * 60_000, b"\xff\xfe", b"{" * MAX_BYTES, b"null", b'{"status": 3}'])
def test_a_body_that_is_no_document_of_ours_is_judged_by_its_code(body: bytes) -> None:
    assert judged_body(body) == ("healthy", "")


def source(url: str) -> PrometheusSource:
    return PrometheusSource.from_settings("prod", SourceSettings(kind="prometheus", url=url, timeout_s=5))


def test_targets_rules_alerts_and_silences_are_read_as_plain_rows() -> None:
    data = {
        "/api/v1/targets": {
            "activeTargets": [
                {"labels": {"job": "b", "instance": "b:1"}, "health": "down", "lastError": HOSTILE},
                {"labels": {"job": "a", "instance": "a:1"}, "health": "up", "lastScrape": "2026-11-01T00:00:00Z"},
            ]
        },
        "/api/v1/rules": {
            "groups": [{"name": "g", "rules": [{"name": "r", "type": "recording", "query": "up", "health": "ok"}]}]
        },
        "/api/v1/alerts": {"alerts": [{"labels": {"alertname": "Down"}, "state": "firing", "activeAt": "t"}]},
    }
    silence = {"id": "1", "status": {"state": "active"}, "matchers": [{"name": "a", "value": "b"}], "comment": "night"}

    def answer(asked: Asked) -> Says:
        if asked.path == "/api/v2/silences":
            return says([silence, {"id": "2", "status": {"state": "expired"}}])
        return says({"status": "success", "data": data[asked.path]})

    with serving(answer) as server:
        prometheus = source(server.url)
        first, second = targets(prometheus)
        assert (first["instance"], first["health"], second["health"]) == ("a:1", "up", "down")
        assert "\x1b" not in second["error"]
        assert rules(prometheus) == [
            {"group": "g", "name": "r", "type": "recording", "query": "up", "health": "ok", "error": ""}
        ]
        assert alerts(prometheus) == [{"labels": {"alertname": "Down"}, "state": "firing", "active_at": "t"}]
        (one,) = silences(prometheus, server.url)
        assert (one["id"], one["matchers"]) == ("1", [{"name": "a", "value": "b", "regex": False, "equal": True}])


def test_a_notebook_whose_loop_runs_already_can_ask() -> None:
    async def cell(url: str) -> list[str]:
        return [one.status for one in ask_health([(url, 5.0)])]

    with serving(lambda _: says({"status": "ok"}), versioned=False) as server:
        assert asyncio.run(cell(server.url)) == ["healthy"]


def test_a_list_that_is_too_long_is_refused_not_cut() -> None:
    rows = [{"labels": {"alertname": "A", "pod": f"p{number}"}, "state": "firing"} for number in range(5_001)]

    def answer(asked: Asked) -> Says:
        return says({"status": "success", "data": {"alerts": rows}})

    with serving(answer, versioned=False) as server:
        source = PrometheusSource.from_settings("prom", SourceSettings(kind="prometheus", url=server.url))
        with pytest.raises(QueryTooExpensive, match="lists 5,001 rows"):
            alerts(source)
