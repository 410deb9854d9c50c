"""Sign-in with a real provider and behind a proxy: who is nobody sees nothing, who is somebody sees their systems."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import urllib3

from tests.pages.browsing import dashboard, visiting
from tests.pages.lab import build_lab
from tests.pages.test_allowed_hosts import websocket
from tests.servers.programs import free_port
from tests.servers.provider import provider
from workbench.core.errors import SettingsError
from workbench.core.settings import load_settings
from workbench.core.settings.access import ProxySettings
from workbench.ui.access.doors import proxy_headers

pytestmark = [pytest.mark.live, pytest.mark.slow]

PEOPLE = (
    {"sub": "ana", "email": "ana@example.com", "email_verified": True, "groups": ["lab-team"]},
    {"sub": "eve", "email": "ana@example.com", "email_verified": False, "groups": []},
    {"sub": "ben", "email": "ben@example.com", "email_verified": True, "groups": ["strangers"]},
)

SOURCES = '[sources.lab]\nkind = "archive"\npath = "demo"\n'
GROUPS = '[access.groups.lab-team]\nsystems = ["counterfactual-lab"]\nmembers = ["ana@example.com"]\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sign-in")
    build_lab(folder / "demo", datetime.now(UTC).replace(second=0, microsecond=0))
    return folder


@pytest.fixture(scope="module")
def with_provider(folder: Path) -> Iterator[str]:
    port = free_port()
    with provider(folder, *PEOPLE) as issuer:
        (folder / "oidc.toml").write_text(
            f'home = "home"\n[access]\nsign_in = "oidc"\n[access.oidc]\nclient_id = "workbench"\n'
            f'client_secret = {{ env = "OIDC_SECRET" }}\ncookie_secret = {{ env = "COOKIE_SECRET" }}\n'
            f'metadata_url = "{issuer}/.well-known/openid-configuration"\n'
            f'redirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n{GROUPS}{SOURCES}'
        )
        given = {"WORKBENCH_CONFIG": str(folder / "oidc.toml"), "OIDC_SECRET": "s3cret", "COOKIE_SECRET": "c" * 40}
        with dashboard(folder, port=port, **given) as address:
            yield address


def signed_in(page, subject: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/oauth2/authorize**", timeout=30_000)
    page.get_by_label("sub").or_(page.locator("input[name=sub]")).first.fill(subject)
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url("**/127.0.0.1:*/**", timeout=30_000)


def test_nobody_sees_nothing_but_the_way_in(chromium, with_provider):
    with visiting(chromium, with_provider) as visit:
        for path in ("", "slo", "cost", "sources"):
            page = visit.open(path, system="counterfactual-lab")
            page.get_by_role("button", name="Sign in").wait_for(timeout=30_000)
            text = visit.settle().inner_text("body")
            assert "Counterfactual" not in text
            assert "availability" not in text.lower()
        assert visit.strangers == []


def test_a_member_sees_their_system_and_can_leave(chromium, with_provider):
    with visiting(chromium, with_provider) as visit:
        page = visit.open()
        signed_in(page, "ana")
        visit.settle()
        page.get_by_text("ana@example.com").wait_for()
        text = page.inner_text("body")
        assert "What to do today" in text
        assert "Conduit" not in text
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/oauth2/end_session**", timeout=30_000)
        visit.open().get_by_role("button", name="Sign in").wait_for(timeout=30_000)


@pytest.mark.parametrize(("subject", "said"), [("eve", "not verified your e-mail address"), ("ben", "is in no group")])
def test_somebody_without_a_group_or_a_proven_address_is_told_so(chromium, with_provider, subject, said):
    with visiting(chromium, with_provider) as visit:
        page = visit.open()
        signed_in(page, subject)
        page.get_by_text(said).first.wait_for(timeout=30_000)
        text = visit.settle().inner_text("body")
        assert "Availability" not in text


def test_a_forged_cookie_signs_nobody_in(chromium, with_provider):
    with visiting(chromium, with_provider) as visit:
        forged = '{"email": "ana@example.com", "is_logged_in": true, "origin": "' + with_provider + '"}'
        visit.page.context.add_cookies([{"name": "_streamlit_user", "value": forged, "url": with_provider}])
        visit.open().get_by_role("button", name="Sign in").wait_for(timeout=30_000)


@pytest.fixture(scope="module")
def behind_proxy(folder: Path) -> Iterator[str]:
    (folder / "proxy.toml").write_text(
        f'home = "home"\n[access]\nsign_in = "proxy"\n[access.proxy]\naddresses = ["127.0.0.1"]\n{GROUPS}{SOURCES}'
    )
    with dashboard(folder, WORKBENCH_CONFIG=str(folder / "proxy.toml")) as address:
        yield address


def test_without_the_proxys_header_everything_is_refused(behind_proxy):
    own = urlsplit(behind_proxy).netloc
    for path in ("/", "/slo", "/media/x.csv", "/_stcore/host-config"):
        assert urllib3.request("GET", behind_proxy + path).status == 401
        assert (
            urllib3.request("GET", behind_proxy + path, headers={"X-Workbench-User": "ana@example.com"}).status == 401
        )
    assert b"403" in websocket(behind_proxy, Host=own, Origin=behind_proxy)
    assert b"101" in websocket(behind_proxy, Host=own, Origin=behind_proxy, **{"X-Forwarded-User": "ana@example.com"})
    assert urllib3.request("GET", behind_proxy + "/_stcore/health").status == 200


@pytest.mark.parametrize(("user", "sees"), [("ana@example.com", True), ("ben@example.com", False)])
def test_the_user_of_the_proxy_sees_what_their_groups_may(chromium, behind_proxy, user, sees):
    with visiting(chromium, behind_proxy) as visit:
        visit.page.context.set_extra_http_headers({"X-Forwarded-User": user})
        page = visit.open("slo", system="counterfactual-lab")
        page.get_by_text(user).wait_for(timeout=30_000)
        text = visit.settle().inner_text("body")
        assert ("Availability" in text) is sees
        assert user in text
        assert ("is in no group" in text) is not sees


PROXY = ProxySettings(addresses=("10.0.0.5",))
USER = (b"x-forwarded-user", b"ana")


@pytest.mark.parametrize(
    ("peer", "headers", "named"),
    [
        ("10.0.0.5", [USER], True),
        ("10.0.0.5", [(b"X-Forwarded-User", b"ana")], True),
        ("10.0.0.6", [USER], False),
        ("127.0.0.1", [USER, (b"x-forwarded-for", b"10.0.0.5")], False),
        ("", [USER], False),
        ("10.0.0.5", [USER, USER], False),
        ("10.0.0.5", [(b"x-forwarded-user", b" ")], False),
        ("10.0.0.5", [USER, (b"x-forwarded-groups", b"a"), (b"x-forwarded-groups", b"admins")], False),
        ("10.0.0.5", [], False),
    ],
)
def test_a_name_counts_from_the_proxy_only_and_only_once(peer, headers, named):
    assert bool(proxy_headers(PROXY, peer, headers)) is named


def test_listening_for_others_without_sign_in_is_refused_unless_said_in_words(tmp_path, monkeypatch):
    file = tmp_path / "workbench.toml"
    file.write_text('home = "home"\n')
    closed = load_settings(file).access
    for address in ("127.0.0.1", "::1", "localhost", "127.0.0.2"):
        closed.check_address(address)
    for address in ("0.0.0.0", "::", "", "10.0.0.1", "slo.example.com", "localhost.example.com"):
        with pytest.raises(SettingsError, match="without a sign-in"):
            closed.check_address(address)
    file.write_text('home = "home"\n[access]\nopen = true\n')
    load_settings(file).access.check_address("0.0.0.0")
