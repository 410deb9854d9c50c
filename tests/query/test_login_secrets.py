"""Credentials reach the server and nothing else: no message, no repr, no address."""

from __future__ import annotations

import base64
import subprocess
import threading
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.query.served import Says, error, vector
from workbench.core.errors import ParameterError, SettingsError, SourceError
from workbench.core.settings import SourceSettings
from workbench.core.settings.secrets import Secret
from workbench.query import PrometheusSource
from workbench.query.http.login import Login, checked_url

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SECRET = "correct-horse-battery"
ONE = vector(({}, NOW.timestamp(), "1"))


def sent_by(serve, **options) -> dict[str, str]:
    served = serve(lambda _: ONE)
    PrometheusSource("prod", served.url, **options).instant("up", NOW)
    return {name.lower(): value for name, value in served.queries()[0].headers.items()}


def test_basic_authentication_takes_letters_of_all_kinds(serve) -> None:
    pair = sent_by(serve, username="jürgen", password="pä:ss")["authorization"].removeprefix("Basic ")
    assert base64.b64decode(pair).decode() == "jürgen:pä:ss"


def test_a_secret_of_the_settings_is_revealed_to_the_server(serve, monkeypatch) -> None:
    monkeypatch.setenv("PROM_PASSWORD", SECRET)
    settings = SourceSettings(kind="prometheus", url="http://x:1", username="u", password=Secret(env="PROM_PASSWORD"))
    served = serve(lambda _: ONE)
    source = PrometheusSource.from_settings("prod", settings.model_copy(update={"url": served.url}))
    source.instant("up", NOW)
    sent = served.queries()[0].headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == f"u:{SECRET}"


@pytest.mark.parametrize("way", ["bearer_file", "bearer"])
def test_a_rotated_token_file_counts_at_the_next_request(serve, tmp_path: Path, way: str) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    served = serve(lambda _: ONE)
    option = file if way == "bearer_file" else Secret(file=str(file))
    source = PrometheusSource("prod", served.url, **{way: option})
    source.instant("up", NOW)
    file.write_text("second\n")
    source.instant("up", NOW)
    assert [asked.headers["Authorization"] for asked in served.queries()] == ["Bearer first", "Bearer second"]


def test_a_tenant_header_is_sent(serve) -> None:
    assert sent_by(serve, headers={"X-Scope-OrgID": "team-a|team-b"})["x-scope-orgid"] == "team-a|team-b"


def test_a_path_prefix_comes_before_the_api(serve) -> None:
    served = serve(lambda _: ONE)
    PrometheusSource("prod", f"{served.url}/prometheus/").instant("up", NOW)
    assert {asked.path for asked in served.asked} == {"/prometheus/api/v1/query", "/prometheus/api/v1/status/buildinfo"}


def test_a_long_query_travels_in_the_body(serve) -> None:
    query = "up" + " or up" * 5000
    served = serve(lambda _: ONE)
    PrometheusSource("prod", served.url).instant(query, NOW)
    asked = served.queries()[0]
    assert (asked.method, asked.path, asked.fields["query"]) == ("POST", "/api/v1/query", query)


def test_gzip_is_asked_for_only_when_set(serve) -> None:
    assert sent_by(serve)["accept-encoding"] == "identity"
    assert sent_by(serve, gzip=True)["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    "url",
    [
        f"http://user:{SECRET}@prometheus:9090",
        f"http://{SECRET}@prometheus:9090",
        f"https://prometheus/?token={SECRET}",
        f"https://prometheus/#{SECRET}",
        f"ftp://{SECRET}/",
        f"http://prometheus:{SECRET}/",
        f"//{SECRET}",
        f"http://[{SECRET}",
    ],
)
def test_an_address_with_credentials_or_parameters_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        PrometheusSource("prod", url)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.slow
def test_no_secret_is_in_a_repr_or_an_error(serve, tmp_path: Path) -> None:
    def refuses(_) -> Says:
        return Says(b"denied", 401, {"Content-Type": "text/plain"})

    answers = [refuses, lambda _: error(500, "internal", "no"), lambda _: Says(drop=True), lambda _: Says(b"<html>")]
    for answer in answers:
        for login in ({"username": "u", "password": SECRET}, {"bearer": SECRET}, {"headers": {"X-Key": SECRET}}):
            source = PrometheusSource("prod", serve(answer).url, timeout_s=2, **login)
            with pytest.raises(SourceError) as caught:
                source.instant("up", NOW)
            shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(source)
            assert SECRET not in shown + repr(source.login) + str(source.state())
            assert base64.b64encode(f"u:{SECRET}".encode()).decode() not in shown


def test_a_line_break_in_a_secret_is_named_by_its_header_only(serve) -> None:
    source = PrometheusSource("prod", serve(lambda _: ONE).url, headers={"X-Key": f"{SECRET}\r\nHost: other"})
    with pytest.raises(SettingsError, match="X-Key") as caught:
        source.instant("up", NOW)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ca_file"):
        PrometheusSource("prod", "https://127.0.0.1:9", ca_file=tmp_path / "absent.pem")
    (tmp_path / "not.pem").write_text("nothing")
    with pytest.raises(SettingsError, match="cert_file"):
        PrometheusSource("prod", "https://127.0.0.1:9", cert_file=tmp_path / "not.pem", key_file=tmp_path / "not.pem")
    source = PrometheusSource("prod", "http://127.0.0.1:9", bearer_file=tmp_path / "absent")
    with pytest.raises(SettingsError, match="bearer file"):
        source.instant("up", NOW)
    assert source.state().status == "unavailable"


def test_an_encrypted_key_is_an_error_and_not_a_prompt(certificates, tmp_path: Path) -> None:
    locked = tmp_path / "locked.key"
    cert, key = certificates.client
    subprocess.run(
        ["openssl", "ec", "-in", key, "-aes256", "-passout", "pass:x", "-out", locked], check=True, capture_output=True
    )
    with pytest.raises(SettingsError, match="key_file"):
        PrometheusSource("prod", "https://127.0.0.1:9", cert_file=cert, key_file=locked)


def test_logins_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(SettingsError):
        Login(username="u", bearer="t")
    with pytest.raises(SettingsError):
        Login(cert_file=Path("a"))
    with pytest.raises(SettingsError):
        Login(headers={"a b": "c"})
    with pytest.raises(ParameterError):
        PrometheusSource("prod", "http://x", semantics="v4")
    with pytest.raises(ParameterError):
        PrometheusSource("prod", "http://x", timeout_s=0)


def test_an_address_keeps_its_port_and_prefix() -> None:
    assert checked_url("https://[::1]:9090/a/b//") == "https://[::1]:9090/a/b"


def test_requests_go_through_the_proxy_of_the_environment_unless_it_is_excepted(serve, monkeypatch) -> None:
    proxy, direct = serve(lambda _: ONE, versioned=False), serve(lambda _: ONE)
    monkeypatch.setenv("http_proxy", proxy.url.replace("http://", f"http://me:{SECRET}@"))
    PrometheusSource("prod", "http://prometheus.invalid:9090", semantics="v3").instant("up", NOW)
    assert proxy.asked[0].headers["Host"] == "prometheus.invalid:9090"
    sent = {name.lower(): value for name, value in proxy.asked[0].headers.items()}
    pair = sent["proxy-authorization"].removeprefix("Basic ")
    assert base64.b64decode(pair).decode() == f"me:{SECRET}"
    seen = len(proxy.asked)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    PrometheusSource("prod", direct.url).instant("up", NOW)
    assert len(proxy.asked) == seen
    assert direct.queries()


def test_one_source_serves_several_threads(serve) -> None:
    served = serve(lambda _: ONE)
    source = PrometheusSource("prod", served.url)
    found: list[float] = []
    threads = [threading.Thread(target=lambda: found.append(source.instant("up", NOW).values[0, 0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1.0] * 8
