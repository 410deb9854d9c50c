"""What goes wrong between us and a server, over real sockets: each failure has one type, and one number of requests."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from tests.query.served import Asked, Says, error, recorded, vector
from workbench.core.errors import (
    AnswerTruncated,
    AnswerUnreadable,
    CertificateInvalid,
    QueryRejected,
    QueryTooExpensive,
    SourceError,
    SourceUnavailable,
)
from workbench.query import PrometheusSource
from workbench.query.http.transport import ATTEMPTS

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ONE = vector(({}, NOW.timestamp(), "1"))


def ask(url: str, query: str = "up", **options) -> float:
    return float(PrometheusSource("prod", url, **{"timeout_s": 5.0, **options}).instant(query, NOW).values[0, 0])


def in_turn(*answers: Says):
    waiting = list(answers)
    return lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(serve, status: int) -> None:
    served = serve(in_turn(Says(b"busy", status, {"Content-Type": "text/plain"}), ONE))
    assert ask(served.url) == 1.0
    assert len(served.queries()) == 2


def test_a_lost_connection_is_tried_again(serve) -> None:
    served = serve(in_turn(Says(drop=True), ONE))
    assert ask(served.url) == 1.0
    assert len(served.queries()) == 2


@pytest.mark.slow
def test_retry_after_is_waited_for(serve) -> None:
    served = serve(in_turn(error(429, "too_many_requests", "slow down", **{"Retry-After": "1"}), ONE))
    began = time.monotonic()
    assert ask(served.url) == 1.0
    assert time.monotonic() - began >= 1.0


def test_retry_after_beyond_the_deadline_is_not_waited_for(serve) -> None:
    served = serve(lambda _: error(429, "too_many_requests", "slow down", **{"Retry-After": "120"}))
    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match="fewer requests"):
        ask(served.url)
    assert time.monotonic() - began < 2.0
    assert len(served.queries()) == 1


@pytest.mark.slow
def test_a_server_that_stays_down_is_given_up_after_four_attempts(serve) -> None:
    served = serve(lambda _: Says(b"<html><title>Bad gateway</title></html>", 502, {"Content-Type": "text/html"}))
    with pytest.raises(SourceUnavailable, match="Bad gateway"):
        ask(served.url, timeout_s=30)
    assert len(served.queries()) == 4


def test_a_query_that_timed_out_at_the_server_is_never_repeated(serve) -> None:
    served = serve(lambda _: error(503, "timeout", "query timed out in expression evaluation"))
    with pytest.raises(QueryTooExpensive, match="timed out") as caught:
        ask(served.url, "sum(rate(x[30d]))")
    assert caught.value.query == "sum(rate(x[30d]))"
    assert caught.value.source == "prod"
    assert len(served.queries()) == 1


def test_our_own_deadline_is_never_repeated(serve) -> None:
    over = threading.Event()

    def silent(_: Asked) -> Says:
        over.wait(30)
        return ONE

    served = serve(silent)
    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match="within"):
        ask(served.url, timeout_s=0.4)
    assert time.monotonic() - began < 10
    assert len(served.queries()) == 1
    over.set()


@pytest.mark.slow
def test_the_deadline_holds_against_a_server_that_drips(serve) -> None:
    def drip(file) -> None:
        for _ in range(100):
            file.write(b" ")
            file.flush()
            time.sleep(0.05)

    served = serve(lambda _: Says(write=drip))
    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match="within"):
        ask(served.url, timeout_s=0.5)
    assert time.monotonic() - began < 4
    assert len(served.queries()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("secure", [False, True])
def test_the_deadline_holds_against_headers_that_drip(serve, certificates, secure: bool) -> None:
    tls = certificates.context(certificates.server) if secure else None
    served = serve(lambda _: Says(headers_drip_s=4.0), tls=tls)
    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match="within"):
        ask(served.url, timeout_s=0.6, ca_file=certificates.authority)
    assert time.monotonic() - began < 2.0
    assert len(served.queries()) == 1


def test_the_server_is_told_our_deadline(serve) -> None:
    served = serve(lambda _: ONE)
    ask(served.url, timeout_s=7)
    assert served.queries()[0].fields["timeout"] == "7s"


def test_a_server_error_is_not_repeated(serve) -> None:
    served = serve(lambda _: error(500, "internal", "opening storage failed"))
    with pytest.raises(SourceUnavailable, match="opening storage failed"):
        ask(served.url)
    assert len(served.queries()) == 1


@pytest.mark.slow
def test_nobody_listens() -> None:
    with pytest.raises(SourceUnavailable, match="refuses the connection"):
        ask("http://127.0.0.1:9")


def test_a_name_without_an_address() -> None:
    with pytest.raises(SourceUnavailable, match="No address"):
        ask("http://prometheus.invalid:9090")


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials(serve, status: int) -> None:
    served = serve(lambda _: Says(b"Unauthorized\n", status, {"Content-Type": "text/plain"}))
    with pytest.raises(SourceUnavailable, match="credentials") as caught:
        ask(served.url)
    assert "bearer" in caught.value.hint


def test_an_html_page_is_unreadable_and_its_title_is_told(serve) -> None:
    page = b"<!DOCTYPE html><html><head><title>Sign in &amp; go \x1b[31m</title></head></html>"
    served = serve(lambda _: Says(page, 200, {"Content-Type": "text/html"}))
    with pytest.raises(AnswerUnreadable, match=r"HTML page titled 'Sign in & go \[31m'"):
        ask(served.url)


def test_a_login_redirect_is_not_followed_and_its_address_not_told(serve) -> None:
    served = serve(lambda _: Says(b"", 302, {"Location": "https://login.example/start?token=hidden"}))
    with pytest.raises(AnswerUnreadable, match=r"https://login\.example\) for") as caught:
        ask(served.url)
    assert "hidden" not in str(caught.value)
    assert len(served.queries()) == 1


def test_json_cut_in_the_middle_is_truncated(serve) -> None:
    served = serve(lambda _: Says(ONE.body[:-20]))
    with pytest.raises(AnswerTruncated):
        ask(served.url)


@pytest.mark.slow
def test_a_connection_that_ends_within_the_body_is_truncated(serve) -> None:
    half = Says(
        headers={"Content-Type": "application/json", "Content-Length": "500"}, write=lambda file: file.write(b'{"st')
    )
    served = serve(lambda _: half)
    with pytest.raises(AnswerTruncated):
        ask(served.url, timeout_s=30)


@pytest.mark.slow
def test_a_chunked_answer_cut_short_is_truncated(serve) -> None:
    half = Says(
        headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"},
        write=lambda file: file.write(b'a\r\n{"st'),
    )
    served = serve(lambda _: half)
    with pytest.raises(AnswerTruncated):
        ask(served.url, timeout_s=30)


def test_an_unknown_path_asks_for_the_right_address(serve) -> None:
    for name in ("prometheus3/error_unknown", "victoriametrics/error_unknown_path"):
        served = serve(lambda _, name=name: recorded(name)[1])
        with pytest.raises(AnswerUnreadable) as caught:
            ask(served.url)
        assert "path prefix" in caught.value.hint


@pytest.mark.parametrize("name", ["prometheus3/error_too_many_points", "victoriametrics/error_too_many_points"])
def test_too_many_points_is_too_expensive(serve, name: str) -> None:
    served = serve(lambda _: recorded(name)[1])
    with pytest.raises(QueryTooExpensive, match=r"resolution|too many points"):
        ask(served.url)


@pytest.mark.parametrize(
    "text",
    [
        "query processing would load too many samples into memory in query execution",
        "the query exceeded the maximum number of series (limit: 100 series) (err-mimir-max-series-per-query)",
    ],
)
def test_too_many_samples_is_too_expensive(serve, text: str) -> None:
    served = serve(lambda _: error(422, "execution", text))
    with pytest.raises(QueryTooExpensive):
        ask(served.url)


def test_a_wrong_query_is_rejected_with_the_place_in_it(serve) -> None:
    served = serve(lambda _: recorded("prometheus3/error_parse")[1])
    with pytest.raises(QueryRejected) as caught:
        ask(served.url, "sum(rate(x[5m])")
    assert caught.value.position == 15
    assert str(caught.value).splitlines()[1:3] == ["query: sum(rate(x[5m])", " " * 22 + "^"]


def test_a_place_after_letters_of_two_bytes_counts_letters(serve) -> None:
    served = serve(lambda _: error(400, "bad_data", 'invalid parameter "query": 2:6: parse error: unexpected'))
    with pytest.raises(QueryRejected) as caught:
        ask(served.url, '"é"\n"é" ?')
    assert caught.value.position == 4 + 4


@pytest.mark.parametrize(
    "name",
    [
        "prometheus3/error_exec_dup",
        "prometheus3/error_exec_many_to_many",
        "prometheus3/error_range_vector_in_range",
        "prometheus3/error_end_before_start",
        "victoriametrics/error_parse",
        "victoriametrics/error_bad_start",
    ],
)
def test_recorded_refusals_are_rejections_in_the_servers_words(serve, name: str) -> None:
    served = serve(lambda _: recorded(name)[1])
    with pytest.raises(QueryRejected) as caught:
        ask(served.url)
    assert len(caught.value.message) > 20
    assert len(served.queries()) == 1


def test_control_characters_of_a_server_do_not_reach_the_terminal(serve) -> None:
    served = serve(lambda _: error(422, "execution", "bad\x1b]0;title\x07 label\r\nvalue"))
    with pytest.raises(QueryRejected) as caught:
        ask(served.url)
    assert caught.value.message == "bad ]0;title label value"


def test_a_certificate_of_an_unknown_authority_does_not_pass(serve, certificates) -> None:
    served = serve(lambda _: ONE, tls=certificates.context(certificates.server))
    with pytest.raises(CertificateInvalid, match="does not verify"):
        ask(served.url)
    assert served.asked == []


def test_our_own_authority_is_trusted(serve, certificates) -> None:
    served = serve(lambda _: ONE, tls=certificates.context(certificates.server))
    assert ask(served.url, ca_file=certificates.authority) == 1.0


def test_a_certificate_of_another_host_does_not_pass(serve, certificates) -> None:
    served = serve(lambda _: ONE, tls=certificates.context(certificates.other_host))
    with pytest.raises(CertificateInvalid, match=r"127\.0\.0\.1"):
        ask(served.url, ca_file=certificates.authority)


def test_a_client_certificate_is_shown(serve, certificates) -> None:
    served = serve(lambda _: ONE, tls=certificates.context(certificates.server, wants_client=True))
    cert, key = certificates.client
    assert ask(served.url, ca_file=certificates.authority, cert_file=cert, key_file=key) == 1.0
    assert dict(part[0] for part in served.queries()[0].peer["subject"])["commonName"] == "client"


def test_a_missing_client_certificate_is_named(serve, certificates) -> None:
    served = serve(lambda _: ONE, tls=certificates.context(certificates.server, wants_client=True))
    with pytest.raises(SourceUnavailable) as caught:
        ask(served.url, ca_file=certificates.authority)
    assert not isinstance(caught.value, CertificateInvalid)
    assert served.asked == []


def test_https_against_a_server_without_tls(serve) -> None:
    served = serve(lambda _: ONE)
    with pytest.raises(SourceUnavailable, match="does not speak TLS"):
        ask(served.url.replace("http:", "https:"))


def test_a_proxy_that_forbids_post_gets_the_query_in_the_address(serve) -> None:
    served = serve(lambda asked: ONE if asked.method == "GET" else Says(b"no", 405, {"Content-Type": "text/plain"}))
    source = PrometheusSource("prod", served.url)
    source.instant("up", NOW)
    source.instant("up", NOW)
    assert [asked.method for asked in served.queries()] == ["POST", "GET", "GET"]


@pytest.mark.slow
def test_every_error_names_source_and_query(serve) -> None:
    for told in (Says(b"x"), Says(b"", 404), error(400, "bad_data", "no"), error(503, "unavailable", "no")):
        served = serve(lambda _, told=told: told)
        with pytest.raises(SourceError) as caught:
            ask(served.url, "up == 0")
        assert (caught.value.source, caught.value.query) == ("prod", "up == 0")


def test_a_server_is_never_asked_more_than_four_questions_at_once(serve) -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def slow(_: Asked) -> Says:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.1)
        with lock:
            now[0] -= 1
        return ONE

    source = PrometheusSource("prod", serve(slow).url, timeout_s=20)
    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(lambda _: source.instant("up", NOW).values[0, 0], range(12)))
    assert found == [1.0] * 12
    assert 2 <= most[0] <= 4


@pytest.mark.slow
def test_while_a_server_is_known_to_be_away_each_question_tries_it_once(serve) -> None:
    away, again = [Says(drop=True)] * (ATTEMPTS + 2), [ONE, Says(drop=True), ONE]
    served = serve(in_turn(*away, *again))
    source = PrometheusSource("prod", served.url, timeout_s=20)
    source.server()
    for asked in (ATTEMPTS, ATTEMPTS + 1, ATTEMPTS + 2):
        with pytest.raises(SourceUnavailable):
            source.instant("up", NOW)
        assert len(served.queries()) == asked
    for asked in (1, 3):
        assert source.instant("up", NOW).values[0, 0] == 1.0
        assert len(served.queries()) == ATTEMPTS + 2 + asked, "it is back, so a lost answer is asked for again"


@pytest.mark.slow
def test_failed_requests_give_their_turn_back(serve) -> None:
    half = Says(headers={"Content-Length": "500"}, write=lambda file: file.write(b'{"st'))
    served = serve(in_turn(*[half] * 8, ONE))
    source = PrometheusSource("prod", served.url, timeout_s=20)
    for _ in range(2):
        with pytest.raises(AnswerTruncated):
            source.instant("up", NOW)
    assert source.instant("up", NOW).values[0, 0] == 1.0


@pytest.mark.slow
def test_a_question_that_gets_no_turn_says_so(serve, monkeypatch) -> None:
    monkeypatch.setattr("workbench.query.http.timed._TICK_S", 0.0002)  # its clock ends before its turn does
    arrived, answered = threading.Semaphore(0), threading.Event()

    def slow(_: Asked) -> Says:
        arrived.release()
        answered.wait(30)
        return ONE

    url = serve(slow).url
    patient = PrometheusSource("prod", url, timeout_s=60)
    hasty = PrometheusSource("prod", timeout_s=0.05, transport=patient._api.transport)
    with ThreadPoolExecutor(5) as threads:
        waiting = [threads.submit(patient.instant, "up", NOW) for _ in range(4)]
        assert all(arrived.acquire(timeout=30) for _ in waiting)
        for _ in range(20):
            with pytest.raises(SourceUnavailable, match="No turn"):
                hasty.instant("up", NOW)
        answered.set()
        assert all(one.result().values[0, 0] == 1.0 for one in waiting)
