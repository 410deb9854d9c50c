"""Every failure is a message with a next step and an exit code of its own; never a traceback."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.archive import Archive
from workbench.cli.main import COMMANDS, cli, main
from workbench.core.shipped import shipped


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command line in an empty folder; returns exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    for name in ("CONFIG", "HOME", "ZONE", "STORE_URL", "IDENTITY", "DEBUG"):
        monkeypatch.delenv(f"WORKBENCH_{name}", raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(left.value.code or 0), out, err

    return call


@pytest.fixture
def answering() -> Iterator[Callable[[int, str, bytes, dict[str, str]], str]]:
    """Start servers on loopback that give one fixed answer to everything."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(status: int, kind: str, body: bytes, headers: dict[str, str]) -> str:
        class Fixed(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", headers.get("Content-Length", str(len(body))))
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = True

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Fixed)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def settings_for(folder: Path, url: str) -> Path:
    file = folder / "workbench.toml"
    file.write_text(f'[sources.prod]\nkind = "prometheus"\nurl = "{url}"\ntimeout_s = 5\n')
    return file


EMPTY = json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}}).encode()
REJECTED = json.dumps({"status": "error", "errorType": "bad_data", "error": "1:5: parse error: unexpected )"}).encode()
EXPENSIVE = json.dumps(
    {"status": "error", "errorType": "execution", "error": "query processing would load too many samples into memory"}
).encode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "kind", "body", "headers", "code"),
    [
        (200, "application/json", EMPTY, {}, 5),
        (200, "text/html", b"<!doctype html><title>Sign in</title>", {}, 7),
        (422, "application/json", EXPENSIVE, {}, 8),
        (400, "application/json", REJECTED, {}, 9),
        (200, "application/json", EMPTY[:40], {}, 13),
        (401, "text/plain", b"no", {}, 3),
    ],
    ids=["empty", "html", "expensive", "rejected", "truncated", "unauthorised"],
)
def test_each_kind_of_bad_answer_has_its_own_exit_code(run, answering, tmp_path, status, kind, body, headers, code):
    settings_for(tmp_path, answering(status, kind, body, headers))
    left, out, err = run("query", "up", "--at", "now")
    assert (left, out) == (code, "")
    assert err.startswith("Error: ")
    assert "up" in err


@pytest.mark.slow
def test_an_unreachable_server_is_named_and_is_no_zero(run, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    settings_for(tmp_path, url)
    left, out, err = run("query", "up", "--at", "now")
    assert (left, out) == (3, "")
    assert url in err
    left, out, err = run("slo", "status", "counterfactual-lab", "--format", "json")
    assert left == 3
    study = json.loads(out)
    assert study["status"] == "unavailable"
    assert {row["status"] for row in study["results"]["compliance"]["rows"]} == {"unavailable"}
    assert all(row["sli"] is None and row["total"] is None for row in study["results"]["compliance"]["rows"])
    for verb in ("attribute", "burn", "backtest", "whatif"):
        left, out, err = run("slo", verb, "counterfactual-lab", "--slo", "availability", "--last", "1d")
        assert left == 3, err
        assert url in err
        assert " 0.0" not in out
        assert "No data" not in out + err


@pytest.mark.slow
def test_a_period_without_data_is_said_and_is_no_zero(run, tmp_path):
    Archive.open(tmp_path / "home" / "archive", create=True)
    settings = 'home = "home"\n[sources.here]\nkind = "archive"\npath = "home/archive"\n'
    (tmp_path / "workbench.toml").write_text(settings)
    for verb in ("attribute", "burn", "status"):
        left, out, err = run("slo", verb, "counterfactual-lab", "--slo", "availability", "--month", "2020-01")
        assert left == 0, err
        assert "No data" in out + err
        assert "OK" not in out + err
    left, out, err = run("slo", "backtest", "counterfactual-lab", "--slo", "availability", "--month", "2020-01")
    assert (left, out) == (0, "")
    assert "nothing was replayed" in err


def test_a_wrong_profile_is_shown_with_file_line_and_the_nearest_word(run, tmp_path):
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "mine.yaml").write_text("schema: 1\nsystem: mine\ntitel: Mine\n")
    left, out, err = run("catalog", "check", str(folder))
    assert (left, out) == (4, "")
    assert "mine.yaml:3" in err
    assert "title" in err


def test_a_check_counts_what_is_the_readers_own_apart_from_what_is_shipped(run, tmp_path):
    folder = tmp_path / "profiles"
    folder.mkdir()
    assert "Yours: 0 systems, 0 objectives, 0 queries. Shipped: 4 systems," in run("catalog", "check", str(folder))[2]
    (folder / "mine.yaml").write_text("schema: 1\nsystem: mine\ntitle: Mine\n")
    shutil.copy(shipped("data", "systems", "conduit.yaml"), folder)
    assert "Yours: 2 systems, 0 objectives, " in (err := run("catalog", "check", str(folder))[2])
    assert "Shipped: 3 systems," in err


def test_a_missing_demo_says_how_to_make_one(run):
    left, _, err = run("query", "up", "--at", "now")
    assert left != 0
    assert "workbench demo" in err


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("slo", "status", "counterfactual-labb"), 2, "counterfactual-lab"),
        (("slo", "status", "counterfactual-lab", "--slo", "availabilty"), 2, "availability"),
        (("slo", "status", "counterfactual-lab", "--last", "5 days"), 2, "30d"),
        (("slo", "status", "counterfactual-lab", "--month", "2026-10", "--last", "1d"), 2, "exclude each other"),
        (("report", "run", "montly", "--system", "counterfactual-lab"), 2, "monthly"),
        (("--zone", "Mars/Olympus", "slo", "status", "counterfactual-lab"), 4, "Mars/Olympus"),
        (("--config", "nothing.toml", "sources", "check"), 4, "nothing.toml"),
        (("sources", "check", "prodd"), 2, "demo"),
        (("slot",), 2, "Did you mean 'slo'?"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_one(run, arguments, code, expected):
    left, out, err = run(*arguments)
    assert (left, out) == (code, "")
    assert expected in err


def test_a_full_pipe_or_an_interrupt_is_no_fault(run, monkeypatch):
    import workbench.cli.catalog as command

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command.list_, "callback", interrupted)
    left, _, err = run("catalog", "list")
    assert left == 130
    assert "interrupted" in err


def test_every_command_of_the_table_is_there_under_its_name():
    import click

    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        assert command.name == name


@pytest.mark.parametrize("given", [["--last", "0d"], ["--from", "2026-10-01", "--to", "2026-10-01"]])
def test_a_period_without_length_is_refused(run, given):
    code, out, err = run("cost", "status", "conduit", *given)
    assert (code, out) == (2, "")
    assert "The period is empty" in err


@pytest.mark.slow
@pytest.mark.parametrize("question", ["cost", "performance", "quality", "capacity", "alerts"])
def test_an_empty_archive_gives_no_zeros_and_says_that_there_is_no_data(run, tmp_path, monkeypatch, question):
    from workbench.archive import Archive

    Archive.open(tmp_path / "archive", create=True)
    file = tmp_path / "workbench.toml"
    file.write_text('home = "home"\n[sources.a]\nkind = "archive"\npath = "archive"\n')
    monkeypatch.setenv("WORKBENCH_CONFIG", str(file))
    code, out, err = run(question, "status", "counterfactual-lab", "--month", "2026-10")
    assert code == 0
    assert not re.search(r"\b0(\.0+)? (USD|tokens)|\s0\s", out)
    assert any(words in err for words in ("no data", "nothing of", "no samples"))


def test_a_forecast_of_no_days_is_refused(run):
    code, out, err = run("capacity", "status", "conduit", "--month", "2026-10", "--horizon", "-5")
    assert (code, out) == (2, "")
    assert "A horizon of -5 days" in err
