"""Raw samples, names and values of labels, metadata, and what a server is."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import pytest

from tests.query.served import Asked, Says, build, matrix, recorded, says, vector
from workbench.core.errors import ParameterError, QueryRejected, QueryTooExpensive
from workbench.core.settings import Limits
from workbench.core.timerange import TimeRange
from workbench.query import PrometheusSource

MINUTE = 60_000


def ms_of(text) -> int:
    return int(Fraction(str(text)) * 1000)


def replay(serve, name: str) -> tuple[PrometheusSource, dict]:
    request, answer = recorded(name)
    return PrometheusSource("prod", serve(lambda _: answer).url), request["query"]


def raw_server(times: list[int], *, closed: bool):
    """A server of one series that counts range borders as Prometheus 2 (closed) or 3 (left-open)."""

    def answer(asked: Asked) -> Says:
        query, at = asked.fields["query"], ms_of(asked.fields["time"])
        length = int(query[query.index("[") + 1 : query.index("ms]")])
        low = at - length
        inside = [t for t in times if (low <= t if closed else low < t) and t <= at]
        if query.startswith("sum(count_over_time"):
            return vector(({}, at / 1000, str(len(inside) * 400))) if inside else vector()
        return matrix(({"__name__": "up"}, [(t / 1000, str(t)) for t in inside])) if inside else matrix()

    return answer


@pytest.mark.parametrize("closed", [True, False])
def test_raw_samples_come_once_each_and_without_the_left_border(serve, closed: bool) -> None:
    times = list(range(0, 6 * 3_600_000 + 1, 15_000))
    served = serve(raw_server(times, closed=closed))
    found = PrometheusSource("prod", served.url).raw("up", TimeRange.from_ms(times[4], times[-5]).left_open())
    assert sum("count_over_time" not in asked.fields["query"] for asked in served.queries()) > 1
    assert found.labels == ({"__name__": "up"},)
    assert found.times.tolist() == times[5:-4]
    assert found.values.tolist() == [float(t) for t in times[5:-4]]


def test_raw_samples_of_recorded_servers(serve) -> None:
    for name, metric in (
        ("prometheus3/query_matrix", "lab_up"),
        ("victoriametrics/query_instant_range_selector", "up"),
    ):
        request, answer = recorded(name)
        at = ms_of(request["query"]["time"])
        source = PrometheusSource("prod", serve(lambda _, answer=answer: answer).url)
        found = source.raw(metric, TimeRange.from_ms(at - MINUTE, at).left_open())
        assert len(found) == 2
        assert found.times.tolist() == [at - 45_000, at - 30_000, at - 15_000, at] * 2


def test_raw_samples_over_the_limit_are_refused(serve) -> None:
    served = serve(raw_server(list(range(0, 3_600_000, 1000)), closed=False))
    with pytest.raises(QueryTooExpensive, match="More than 1,000 samples"):
        PrometheusSource("prod", served.url, limits=Limits(samples=1000)).raw(
            "up", TimeRange.from_ms(0, 3_600_000).left_open()
        )


def test_raw_of_no_selector_is_rejected(serve) -> None:
    source = PrometheusSource("prod", serve(lambda _: vector(({}, 0, "1"))).url)
    with pytest.raises(QueryRejected, match="plain selector"):
        source.raw("1", TimeRange.from_ms(0, MINUTE).left_open())


def test_series_labels_and_metadata_of_recorded_servers(serve) -> None:
    span = TimeRange.from_ms(1_795_288_560_000, 1_795_292_160_000)
    for backend in ("prometheus3", "victoriametrics"):
        source, _ = replay(serve, f"{backend}/series")
        assert {"__name__": "http_requests_total", "code": "200", "job": "checkout"} in source.series(["x"], span)
        source, _ = replay(serve, f"{backend}/label_values")
        assert list(source.label_values("job", span)) == sorted(source.label_values("job", span)) != []
    source, _ = replay(serve, "prometheus3/metadata")
    assert source.metadata()["go_gc_duration_seconds"]["type"] == "summary"
    source, _ = replay(serve, "victoriametrics/metadata")
    assert source.metadata() == {}


def test_a_label_in_utf8_is_asked_for_by_its_escaped_name(serve) -> None:
    request, answer = recorded("prometheus3/label_values_utf8")
    served = serve(lambda _: answer)
    found = PrometheusSource("prod", served.url).label_values("label.with.dots", TimeRange.from_ms(0, 1))
    assert found == ('x"yé',)
    assert served.queries()[0].path == request["path"]


def test_series_need_a_matcher_and_keep_to_the_limit(serve) -> None:
    found = says({"status": "success", "data": [{"i": str(i)} for i in range(5)]})
    source = PrometheusSource("prod", serve(lambda _: found).url, limits=Limits(series=4))
    with pytest.raises(ParameterError):
        source.series([], TimeRange.from_ms(0, 1))
    with pytest.raises(QueryTooExpensive):
        source.series(["up"], TimeRange.from_ms(0, 1))


@pytest.mark.parametrize(
    ("answer", "held", "engine", "semantics"),
    [
        (build("2.42.0"), "9", "Prometheus 2.42.0", "v2"),
        (build("3.11.3"), "9", "Prometheus 3.11.3", "v3"),
        (recorded("victoriametrics/buildinfo")[1], "1", "VictoriaMetrics", "v3"),
        (
            says(
                {"status": "success", "data": {"version": "2.24.0", "goVersion": "go1"}}, **{"X-Server-Hostname": "vm"}
            ),
            "1",
            "VictoriaMetrics",
            "v3",
        ),
        (
            says(
                {"status": "success", "data": {"application": "Grafana Mimir", "version": "2.17.0", "goVersion": "go1"}}
            ),
            "1",
            "Grafana Mimir 2.17.0",
            "v3",
        ),
        (Says(b"404 page not found\n", 404, {"Content-Type": "text/plain"}), "2", "Prometheus API", "v2"),
    ],
)
def test_semantics_follow_the_version_of_prometheus_and_the_behaviour_of_others(
    serve, answer: Says, held: str, engine: str, semantics: str
) -> None:
    served = serve(lambda asked: answer if asked.path.endswith("buildinfo") else vector(({}, 0, held)), versioned=False)
    source = PrometheusSource("prod", served.url)
    assert (source.server().engine, source.semantics) == (engine, semantics)
    assert PrometheusSource("prod", served.url, semantics="v2").semantics == "v2"


def test_a_proxy_that_lets_only_queries_through_is_still_a_source(serve) -> None:
    def answer(asked: Asked) -> Says:
        return vector(({}, 0, "2")) if asked.path.endswith("/query") else Says(b"no", 403, {})

    source = PrometheusSource("prod", serve(answer, versioned=False).url)
    assert source.semantics == "v2"
    assert source.state().status == "ok"


def test_the_state_says_what_answers_and_how_fresh_it_is(serve) -> None:
    served = serve(lambda _: vector(({}, 0, "1795292160.250")))
    state = PrometheusSource("prod", served.url).state()
    assert (state.status, state.engine, state.semantics, state.kind) == ("ok", "Prometheus 3.5.3", "v3", "prometheus")
    assert state.newest == datetime(2026, 11, 21, 20, 16, 0, 250_000, tzinfo=UTC)


@pytest.mark.slow
def test_the_state_of_an_absent_server_is_unavailable_and_not_an_exception() -> None:
    state = PrometheusSource("prod", "http://127.0.0.1:9").state()
    assert (state.status, state.newest) == ("unavailable", None)
    assert "refuses the connection" in state.detail


@pytest.mark.parametrize(
    ("told", "status", "code"),
    [
        (vector(({}, 0, "1")), "ok", 0),
        (Says(b"<html><title>Sign in</title></html>"), "unavailable", 7),
        (Says(b'{"status":"success","data":{"ver'), "unavailable", 13),
        (Says(b"no", 401, {}), "unavailable", 3),
        (Says(b"no", 500, {}), "unavailable", 3),
        (Says(b"404 page not found\n", 404, {"Content-Type": "text/plain"}), "unavailable", 7),
        (Says(b"", 302, {"Location": "https://login.example/"}), "unavailable", 7),
    ],
)
def test_each_kind_of_failure_has_its_exit_code(serve, told: Says, status: str, code: int) -> None:
    state = PrometheusSource("prod", serve(lambda _: told, versioned=False).url).state()
    assert (state.status, state.exit_code) == (status, code)


def test_a_certificate_that_does_not_verify_has_an_exit_code_of_its_own(serve, certificates) -> None:
    served = serve(lambda _: vector(), tls=certificates.context(certificates.server))
    assert PrometheusSource("prod", served.url).state().exit_code == 6
