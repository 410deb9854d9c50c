"""Beside prometheus-api-client: checks through it, and its users' sessions through us."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from prometheus_api_client import MetricRangeDataFrame, PrometheusConnect

from tests.query.served import Asked, Says, error, matrix, recorded, vector
from workbench.core.errors import (
    AnswerTruncated,
    AnswerUnreadable,
    CertificateInvalid,
    QueryRejected,
    SourceError,
    SourceUnavailable,
)
from workbench.core.timerange import TimeRange
from workbench.query import PrometheusSource
from workbench.query.checks import details as check
from workbench.query.metrics.api_client import client_records, source_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
MINUTE = 60_000


def real(asked: Asked) -> Says:
    for path, name in (("/targets", "targets"), ("/metadata", "metadata")):
        if asked.path.endswith(path):
            return recorded(f"prometheus3/{name}")[1]
    return vector(({}, 0, "1795292160"))


def test_targets_and_their_health(serve) -> None:
    found = check.targets(PrometheusSource("prod", serve(real).url))
    assert found[["job", "health"]].values.tolist() == [["down", "down"], ["self", "up"]]
    assert "connection refused" in found.loc[0, "error"]
    assert found["last_scrape"].dt.tz is UTC or str(found["last_scrape"].dt.tz) == "UTC"


def test_metadata_is_a_table_sorted_by_metric(serve) -> None:
    found = check.metadata(PrometheusSource("prod", serve(real).url)).set_index("metric")
    assert found.loc["go_gc_duration_seconds", "type"] == "summary"
    assert found.index.is_monotonic_increasing
    assert found.index.is_unique


def test_details_say_what_is_down(serve) -> None:
    found = check.details(PrometheusSource("prod", serve(real).url))
    assert found.state.status == "ok"
    assert found.families > 50
    assert found.notes == ("1 of 2 targets are down.",)


def test_details_of_a_server_without_those_endpoints_are_notes(serve) -> None:
    served = serve(lambda asked: vector(({}, 0, "1")) if asked.path.endswith("/query") else Says(b"no", 404, {}))
    found = check.details(PrometheusSource("prod", served.url))
    assert found.state.status == "ok"
    assert [note.split(":")[0] for note in found.notes] == ["No targets", "No metadata"]


@pytest.mark.slow
def test_details_of_an_absent_server_do_not_raise() -> None:
    found = check.details(PrometheusSource("prod", "http://127.0.0.1:9"))
    assert found.state.status == "unavailable"
    assert found.targets.empty


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (Says(b"<html><title>Sign in</title></html>"), AnswerUnreadable),
        (Says(b'{"status":"success","data":{"activeTargets":[{'), AnswerTruncated),
        (Says(b'{"status":"success"}'), AnswerUnreadable),
        (Says(b"", 401), SourceUnavailable),
        (error(400, "bad_data", "it's wrong"), QueryRejected),
        (error(503, "unavailable", "starting"), SourceUnavailable),
    ],
)
def test_failures_below_the_client_have_our_types(serve, told: Says, kind: type[SourceError]) -> None:
    served = serve(lambda _: told)
    with pytest.raises(kind) as caught:
        check.targets(PrometheusSource("prod", served.url))
    assert caught.value.source == "prod"
    assert len(served.queries()) == 1


def test_the_client_has_our_deadline_and_does_not_repeat(serve) -> None:
    over = threading.Event()

    def silent(_: Asked) -> Says:
        over.wait(30)
        return Says()

    served = serve(silent)
    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match="within"):
        check.targets(PrometheusSource("prod", served.url, timeout_s=0.3))
    assert time.monotonic() - began < 10
    assert len(served.queries()) == 1
    over.set()


def test_the_client_has_our_login(serve, certificates, tmp_path, monkeypatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    served = serve(real, tls=certificates.context(certificates.server, wants_client=True))
    cert, key = certificates.client
    options = {"bearer": "token", "headers": {"X-Scope-OrgID": "a"}, "cert_file": cert, "key_file": key}
    check.targets(PrometheusSource("prod", served.url, ca_file=certificates.authority, **options))
    assert served.queries()[0].headers["Authorization"] == "Bearer token"
    assert served.queries()[0].headers["X-Scope-OrgID"] == "a"
    with pytest.raises(CertificateInvalid):
        check.targets(PrometheusSource("prod", served.url, **options))


def test_a_source_over_a_users_client_gives_the_same_metrics(serve) -> None:
    def answer(asked: Asked) -> Says:
        return recorded("prometheus3/query_range_nan_inf")[1] if "step" in asked.fields else vector()

    served = serve(answer)
    client = PrometheusConnect(served.url, headers={"X-Scope-OrgID": "a"}, auth=("u", "p"))
    span = TimeRange.from_ms(1_795_288_560_000, 1_795_289_760_000)
    theirs = source_of(client).range("weird_values", span, step_ms=300_000)
    ours = PrometheusSource("prod", served.url).range("weird_values", span, step_ms=300_000)
    pd.testing.assert_frame_equal(theirs.frame, ours.frame, check_flags=False)
    sent = served.queries()[0].headers
    assert (sent["X-Scope-OrgID"], sent["Authorization"]) == ("a", "Basic dTpw")


def test_a_users_session_does_not_repeat_a_query_that_timed_out(serve) -> None:
    served = serve(lambda _: error(503, "timeout", "query timed out"))
    with pytest.raises(SourceError, match="timed out"):
        source_of(PrometheusConnect(served.url)).instant("up", NOW)
    assert len(served.queries()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("told", "kind"), [(Says(b"<html>"), AnswerUnreadable), (Says(drop=True), SourceUnavailable)])
def test_failures_of_a_users_session_have_our_types(serve, told: Says, kind: type[SourceError]) -> None:
    with pytest.raises(kind):
        source_of(PrometheusConnect(serve(lambda _: told).url)).instant("up", NOW)


def test_a_users_session_is_held_to_a_deadline(serve) -> None:
    def drip(file) -> None:
        for _ in range(60):
            file.write(b" " * 300_000)
            file.flush()
            time.sleep(0.05)

    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match="within"):
        source_of(PrometheusConnect(serve(lambda _: Says(write=drip)).url), timeout_s=0.4).instant("up", NOW)
    assert time.monotonic() - began < 2.0


@pytest.mark.filterwarnings("ignore:The inplace keyword in MetricRangeDataFrame")
def test_our_metrics_go_into_the_clients_frame(serve) -> None:
    told = matrix(({"job": "a"}, [(0, "0.1"), (60, "NaN"), (120, "+Inf")]), ({"job": "b"}, [(60, "3")]))
    client = PrometheusConnect(serve(lambda _: told).url)
    metrics = source_of(client).range("x", TimeRange.from_ms(0, 2 * MINUTE), step_ms=MINUTE)
    start = datetime(1970, 1, 1, tzinfo=UTC)
    theirs = MetricRangeDataFrame(client.custom_query_range("x", start, datetime(1970, 1, 1, 0, 2, tzinfo=UTC), "60"))
    ours = MetricRangeDataFrame(client_records(metrics))
    pd.testing.assert_frame_equal(pd.DataFrame(ours), pd.DataFrame(theirs))
    assert np.isnan(ours["value"].iloc[1])
