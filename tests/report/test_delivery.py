"""Messages on their way: a real SMTP server with TLS and sign-in, a real web server, a folder."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from workbench.core.errors import ReportError
from workbench.core.processes import this_process
from workbench.core.settings import Settings
from workbench.core.settings.channels import ChannelSettings
from workbench.report.delivery import send_waiting
from workbench.report.delivery.addresses import checked_address
from workbench.report.delivery.failures import SendError
from workbench.report.delivery.files import report_files
from workbench.store import Message, ReportRun, Store, message_id

controller = pytest.importorskip("aiosmtpd.controller")
smtp = pytest.importorskip("aiosmtpd.smtp")

NOW = datetime(2026, 11, 5, 8, tzinfo=UTC)
PAGE, FILE = b"<p>First page: 99.95 %</p>", b"<html>whole report</html>"
FILES = {hashlib.sha256(content).hexdigest(): content for content in (PAGE, FILE)}


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Inbox:
    """What an SMTP server took; ``answers`` are given in place of 250 until they are used up."""

    mails: list[tuple[str, bytes]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answers:
            return self.answers.pop(0)
        self.mails.append((envelope.rcpt_tos[0], envelope.content))
        return "250 OK"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of localhost that signs itself, in one file."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    key = path.with_suffix(".key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", path, "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + key.read_text())
    return path


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture
def mail_server(certificate: Path) -> Iterator[tuple[Inbox, ChannelSettings]]:
    inbox, context = Inbox(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def sign_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        good = (data.login, data.password) == (b"reports", b"hunter2-secret")
        return smtp.AuthResult(success=good, handled=False)

    server = controller.Controller(
        inbox, hostname="127.0.0.1", port=free_port(), tls_context=context, require_starttls=True,
        authenticator=sign_in, auth_required=True,
    )  # fmt: skip
    server.start()
    channel = ChannelSettings(
        kind="email", host="localhost", port=server.port, username="reports",
        password={"env": "TEST_SMTP_PASSWORD"}, sender="Reports <reports@example.com>", ca_file=certificate,
        timeout_s=10,
    )  # type: ignore[arg-type]  # fmt: skip
    yield inbox, channel
    server.stop()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'store.db'}")
    yield opened
    opened.close()


def put(store: Store, channel: str, recipient: str = "", subject: str = "Monthly report of lab, 2026-10") -> Message:
    page, file = FILES
    content = {
        "report": "monthly",
        "system": "lab",
        "period": "2026-10",
        "text": "Objectives met: 5 of 6.",
        "html": page,
        "files": [{"name": "monthly-lab-2026-10.html", "type": "text/html", "sha256": file}],
    }
    message = Message(message_id(channel, recipient), "", "report", channel, recipient, subject, content)
    store.put_messages([message], FILES, now=NOW)
    return message


def attempt(store: Store, channel: ChannelSettings, clock: Clock) -> list[str]:
    return [each.status for each in send_waiting(store, {"out": channel}, clock=clock, limit=10)]


def test_a_mail_has_the_first_page_inline_and_the_report_attached(
    store: Store, mail_server: tuple[Inbox, ChannelSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SMTP_PASSWORD", "hunter2-secret")
    inbox, channel = mail_server
    message = put(store, "out", "cfo@example.com", subject="Report of lab\r\nBcc: spy@example.com")
    assert attempt(store, channel, Clock()) == ["sent"]
    assert attempt(store, channel, Clock()) == []
    ((recipient, raw),) = inbox.mails
    mail = message_from_bytes(raw, policy=default)
    assert recipient == mail["To"] == "cfo@example.com"
    assert mail["Message-ID"] == f"<{message.id}@example.com>"
    assert mail["Bcc"] is None
    assert "Objectives met" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "99.95 %" in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "monthly-lab-2026-10.html"
    assert attached.get_content().strip() == FILE.decode()


@pytest.mark.slow
def test_a_busy_mail_server_is_tried_again_with_the_same_key_and_a_refusal_is_final(
    store: Store, mail_server: tuple[Inbox, ChannelSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SMTP_PASSWORD", "hunter2-secret")
    inbox, channel = mail_server
    clock = Clock()
    inbox.answers = ["451 try later", "250 OK"]
    put(store, "out", "a@example.com")
    assert attempt(store, channel, clock) == ["waiting"]
    assert attempt(store, channel, clock) == []
    clock.now += timedelta(minutes=1)
    assert attempt(store, channel, clock) == ["sent"]
    inbox.answers = ["554 no such thing here"]
    put(store, "out", "b@example.com")
    assert attempt(store, channel, clock) == ["dead"]
    (dead,) = store.deliveries(status="dead")
    assert dead.error == "The mail server says 554 no such thing here"
    store.retry_delivery(dead.message.id, now=clock())
    assert attempt(store, channel, clock) == ["sent"]
    assert message_from_bytes(inbox.mails[-1][1])["Message-ID"] == f"<{dead.message.id}@example.com>"


@pytest.mark.slow
def test_a_wrong_password_and_a_foreign_certificate_send_nothing_and_leak_nothing(
    store: Store, mail_server: tuple[Inbox, ChannelSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SMTP_PASSWORD", "wrong-secret")
    inbox, channel = mail_server
    put(store, "out", "a@example.com")
    assert attempt(store, channel, Clock()) == ["waiting"]
    (waiting,) = store.deliveries()
    assert "535" in waiting.error
    assert "wrong-secret" not in waiting.error
    clock = Clock(NOW + timedelta(hours=1))
    monkeypatch.setenv("TEST_SMTP_PASSWORD", "hunter2-secret")
    assert attempt(store, channel.model_copy(update={"ca_file": None}), clock) == ["waiting"]
    assert "certificate of localhost does not verify" in store.deliveries()[0].error
    assert inbox.mails == []


@pytest.mark.slow
def test_a_server_without_tls_gets_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SMTP_PASSWORD", "hunter2-secret")
    inbox = Inbox()
    server = controller.Controller(inbox, hostname="127.0.0.1", port=free_port())
    server.start()
    channel = ChannelSettings(kind="email", host="127.0.0.1", port=server.port, sender="a@example.com")
    put(store, "out", "b@example.com")
    assert attempt(store, channel, Clock()) == ["waiting"]
    assert "does not offer" in store.deliveries()[0].error
    plain = channel.model_copy(update={"tls": "none"})
    assert attempt(store, plain, Clock(NOW + timedelta(hours=1))) == ["sent"]
    server.stop()


@dataclass
class Hook:
    """A web server that answers with ``statuses`` in turn, then 200, and keeps what it was sent."""

    url: str
    statuses: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def hook() -> Iterator[Hook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            taken.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status, headers = taken.statuses.pop(0) if taken.statuses else (200, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(f"said {self.path}".encode())

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    taken = Hook(f"http://127.0.0.1:{server.server_port}/T0/secret-path")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield taken
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_a_webhook_is_signed_and_repeats_keep_their_key(
    store: Store, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_HOOK", "whsec_" + base64.b64encode(b"k" * 24).decode())
    channel = ChannelSettings(kind="webhook", url=hook.url, secret={"env": "TEST_HOOK"})  # type: ignore[arg-type]
    clock = Clock()
    hook.statuses = [(503, {"Retry-After": "600"})]
    message = put(store, "out")
    assert attempt(store, channel, clock) == ["waiting"]
    clock.now += timedelta(minutes=9)
    assert attempt(store, channel, clock) == []
    clock.now += timedelta(minutes=1)
    assert attempt(store, channel, clock) == ["sent"]
    assert {headers["webhook-id"] for headers, _ in hook.posts} == {message.id}
    headers, body = hook.posts[-1]
    signed = f"{message.id}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"k" * 24, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert json.loads(body)["data"]["files"][0]["name"] == "monthly-lab-2026-10.html"


@pytest.mark.slow
def test_a_chat_gets_text_without_mentions_and_errors_do_not_show_its_address(
    store: Store, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SLACK", hook.url)
    channel = ChannelSettings(kind="slack", url={"env": "TEST_SLACK"})
    hook.statuses = [(404, {})]
    put(store, "out", subject="<!channel> *lab*")
    assert attempt(store, channel, Clock()) == ["dead"]
    assert "&lt;!channel&gt;" in json.loads(hook.posts[0][1])["text"]
    assert store.deliveries()[0].error == "127.0.0.1 refuses with 404 said /T0/secret-path"


@pytest.mark.slow
def test_a_redirect_is_not_followed(store: Store, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_HOOK", "secret")
    channel = ChannelSettings(kind="webhook", url=hook.url, secret={"env": "TEST_HOOK"})  # type: ignore[arg-type]
    hook.statuses = [(302, {"Location": "http://169.254.169.254/"})]
    put(store, "out")
    assert attempt(store, channel, Clock()) == ["dead"]
    assert len(hook.posts) == 1


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "fe80::1", "0.0.0.0", "::ffff:169.254.169.254", "224.0.0.1", "fd00:ec2::254"]
)
def test_no_link_local_or_metadata_address_is_used(host: str) -> None:
    with pytest.raises(SendError, match="nothing is sent"):
        checked_address(host, 443, encrypted=True)


def test_public_addresses_need_tls() -> None:
    with pytest.raises(SendError, match="without TLS"):
        checked_address("1.1.1.1", 80, encrypted=False)
    assert checked_address("1.1.1.1", 443, encrypted=True) == "1.1.1.1"
    assert checked_address("127.0.0.1", 80, encrypted=False) == "127.0.0.1"


@pytest.mark.slow
def test_a_folder_gets_whole_files_under_names_that_cannot_leave_it(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "share"
    channel = ChannelSettings(kind="folder", path=target)
    message = put(store, "out")
    assert attempt(store, channel, Clock()) == ["waiting"]  # the folder is not there: a share that is not mounted
    target.mkdir()
    assert attempt(store, channel, Clock(NOW + timedelta(hours=1))) == ["sent"]
    assert (target / "lab" / "2026-10" / "monthly-lab-2026-10.html").read_bytes() == FILE
    hostile = {**message.content, "system": "../../etc", "files": [{**message.content["files"][0], "name": "../x"}]}
    bad = Message(message_id("hostile"), "", "report", "out", "", "x", hostile)
    store.put_messages([bad], {}, now=NOW)
    assert attempt(store, channel, Clock(NOW + timedelta(hours=2))) == ["sent"]
    assert {path.relative_to(target).parts[0] for path in target.rglob("*") if path.is_file()} == {"lab", "-..-etc"}


@pytest.mark.slow
def test_a_message_whose_sender_died_after_handing_over_is_sent_again_or_held(
    store: Store, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_HOOK", "secret")
    channel = ChannelSettings(kind="webhook", url=hook.url, secret={"env": "TEST_HOOK"})  # type: ignore[arg-type]
    dead = str(this_process()).replace(f"/{this_process().pid}/", "/999999/") + "/x"
    message = put(store, "out")
    for in_doubt, expected in (("hold", ["dead"]), ("repeat", ["sent"])):
        assert store.claim_delivery(dead, now=NOW, lasts=timedelta(minutes=10))
        assert store.hand_over(message.id, dead)
        assert attempt(store, channel.model_copy(update={"in_doubt": in_doubt}), Clock()) == expected
        if expected == ["dead"]:
            assert "may have arrived" in store.deliveries()[0].error
            store.retry_delivery(message.id, now=NOW)
    assert [headers["idempotency-key"] for headers, _ in hook.posts] == [message.id]


@pytest.mark.slow
def test_waits_grow_and_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_HOOK", "secret")
    url = f"http://127.0.0.1:{free_port()}/"
    channel = ChannelSettings(kind="webhook", url=url, secret={"env": "TEST_HOOK"})  # type: ignore[arg-type]
    put(store, "out")
    clock, waits = Clock(), []
    while attempt(store, channel, clock) == ["waiting"]:
        (waiting,) = store.deliveries()
        waits.append((waiting.next - clock.now) / timedelta(minutes=1))
        clock.now = waiting.next
    assert waits == [1, 5, 15, 60, 180, 360, 720]
    assert store.deliveries(status="dead")[0].error == "127.0.0.1 cannot be reached."


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "slack", "url": "https://hooks.slack.com/services/T/B/x"}, "is a secret"),
        ({"kind": "webhook", "url": "https://a.example/?token=1", "secret": {"env": "A"}}, "may not stand in the url"),
        ({"kind": "webhook", "url": "https://a.example/"}, "needs secret"),
        ({"kind": "folder", "path": "x", "host": "y"}, "host means nothing"),
        ({"kind": "email", "host": "x", "sender": "nobody"}, "not an e-mail address"),
        (
            {"kind": "email", "host": "x", "sender": "a@b.c", "username": "u", "password": {"env": "A"}, "tls": "none"},
            "in the clear",
        ),
        ({"kind": "objects", "url": "https://bucket"}, "url is s3://"),
    ],
)
def test_a_channel_that_is_not_sound_is_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ChannelSettings.model_validate(values)


def test_the_first_page_of_a_report_is_the_body_of_its_mail(tmp_path: Path) -> None:
    first = "<section class='first-page'><h1>lab</h1><td><svg role='img'><path/></svg></td><p>5 of 6 met</p></section>"
    page = tmp_path / "reports" / "lab" / "2026-10" / "monthly-1.html"
    page.parent.mkdir(parents=True)
    page.write_text(f"<html><body>{first}<section>tables</section></body></html>")
    page.with_suffix(".md").write_text("# lab\n\n5 of 6 met.\n")
    run = ReportRun(
        id="r", report="monthly", system="lab", period="2026-10", parameters={}, status="done", started_at=NOW,
        version="0", identity="x", path="reports/lab/2026-10/monthly-1.html",
        sha256=hashlib.sha256(page.read_bytes()).hexdigest(),
    )  # fmt: skip
    settings = Settings.model_validate({"home": tmp_path, "sources": {}})
    content = report_files(run, settings, ["html", "md"])
    body = content.files[content.message["html"]].decode()
    assert "5 of 6 met" in body
    assert "tables" not in body
    assert "<svg" not in body
    assert content.message["text"] == "# lab\n\n5 of 6 met."
    assert [file["name"] for file in content.message["files"]] == ["monthly-lab-2026-10.html", "monthly-lab-2026-10.md"]
    page.write_text("other")
    with pytest.raises(ReportError, match="not the report that was made"):
        report_files(run, settings, ["html"])
