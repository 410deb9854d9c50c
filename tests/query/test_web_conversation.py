"""Backends that are not Prometheus: their words in our errors, redirects without credentials, users' httpx clients."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.query.served import Asked, Says, says
from workbench.core.errors import (
    AnswerTruncated,
    AnswerUnreadable,
    QueryRejected,
    QueryTooExpensive,
    SourceError,
    SourceUnavailable,
)
from workbench.query.http.client import BackendClient, in_parallel
from workbench.query.http.httpx_transport import HttpxTransport
from workbench.query.http.login import Login
from workbench.query.http.transport import HttpTransport

PLAIN = {"Content-Type": "text/plain; charset=utf-8"}


def web(url: str, *, timeout_s: float = 5, login: Login | None = None) -> BackendClient:
    return BackendClient("traces", HttpTransport(url, login), timeout_s, api="Tempo")


@pytest.mark.parametrize(
    ("told", "kind", "words"),
    [
        (Says(b"invalid TraceQL query: parse error at line 1", 400, PLAIN), QueryRejected, "parse error at line 1"),
        (Says(b"range specified by start and end exceeds 168h0m0s.", 400, PLAIN), QueryTooExpensive, "168h"),
        (says({"data": None, "errors": [{"code": 400, "msg": "no service"}]}, 400), QueryRejected, "no service"),
        (says({"error": {"httpCode": 400, "message": "malformed"}}, 400), QueryRejected, "malformed"),
        (Says(b"404 page not found", 404, PLAIN), AnswerUnreadable, "is this a Tempo API"),
        (Says(b"<html><title>Sign in</title></html>", 200, {"Content-Type": "text/html"}), AnswerUnreadable, "Sign in"),
        (Says(b'{"traces": [{"traceID"', 200), AnswerTruncated, "stops in the middle"),
        (Says(b"no org id", 401, PLAIN), SourceUnavailable, "refuses our credentials"),
    ],
)
def test_words_of_a_backend_reach_the_reader(serve, told: Says, kind: type[SourceError], words: str) -> None:
    with pytest.raises(kind) as failure:
        web(serve(lambda _: told).url).document("/api/search", [("q", "{}")], query="{}")
    assert words in str(failure.value)
    assert failure.value.source == "traces"


def test_a_storm_of_429_and_503_is_survived(serve) -> None:
    answers = [Says(b"slow down", 429, {**PLAIN, "Retry-After": "0"}), Says(b"busy", 503, PLAIN), says([1])]
    assert web(serve(lambda _: answers.pop(0)).url).document("/api/search") == [1]


def test_a_redirect_is_not_followed_and_no_credential_leaves(serve) -> None:
    elsewhere = serve(lambda _: says([]))
    told = Says(b"", 302, {"Location": f"{elsewhere.url}/login?next=1"})
    with pytest.raises(AnswerUnreadable, match="sends us elsewhere"):
        web(serve(lambda _: told).url, login=Login("ana", "planted-secret")).document("/api/search")
    assert elsewhere.asked == []


def test_a_server_that_drips_headers_ends_in_the_timeout(serve) -> None:
    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match=r"within 0\.4"):
        web(serve(lambda _: Says(headers_drip_s=20)).url, timeout_s=0.4).document("/api/search")
    assert time.monotonic() - began < 3


def test_a_body_goes_as_json_and_headers_of_the_login_count_more(serve) -> None:
    served = serve(lambda _: says({}))
    login = Login(headers={"X-Scope-OrgID": "team-a"})
    web(served.url, login=login).document(
        "/x", [("a", "b c")], method="POST", body={"q": 1}, headers={"X-Scope-OrgID": "other", "Accept": "a/b"}
    )
    (asked,) = served.asked
    assert (asked.headers["X-Scope-OrgID"], asked.headers["Accept"]) == ("team-a", "a/b")
    assert asked.headers["Content-Type"] == "application/json"


def test_a_users_httpx_client_is_asked_with_its_own_headers(serve) -> None:
    def answer(asked: Asked) -> Says:
        return says({"who": asked.headers["X-Team"], "fields": asked.fields, "method": asked.method})

    with httpx.Client(headers={"X-Team": "a"}, trust_env=False) as client:
        conversation = BackendClient("t", HttpxTransport(serve(answer).url, client), 5, api="Tempo")
        assert conversation.document("/a", [("q", "x y")]) == {"who": "a", "fields": {"q": "x y"}, "method": "GET"}
        assert conversation.document("/a", [("q", "é&")], method="POST")["fields"] == {"q": "é&"}


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (httpx.ConnectError("no"), "No connection to http://traces.example"),
        (httpx.ReadTimeout("slow"), "within 5 s"),
        (httpx.RemoteProtocolError("cut"), "was lost"),
    ],
)
def test_failures_of_httpx_are_ours(failure: httpx.RequestError, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.query.http.transport._FIRST_WAIT_S", 0.0)

    def refuse(_: httpx.Request) -> httpx.Response:
        raise failure

    with httpx.Client(transport=httpx.MockTransport(refuse)) as client:
        conversation = BackendClient("t", HttpxTransport("http://traces.example", client), 5, api="Tempo")
        with pytest.raises(SourceUnavailable, match=words):
            conversation.document("/a")


def test_results_of_parallel_questions_come_in_order_and_the_first_error_ends_them() -> None:
    assert list(in_parallel(lambda n: n * 2, [3, 1, 2])) == [6, 2, 4]

    def fail(number: int) -> int:
        raise QueryRejected(str(number))

    with pytest.raises(QueryRejected, match="1"):
        list(in_parallel(fail, [1, 2, 3]))
