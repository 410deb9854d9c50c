"""The service: its parts run, a dead one comes back, a signal ends all within seconds, and probes say how it stands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3
from prometheus_client.parser import text_string_to_metric_families

from tests.servers.programs import free_port
from workbench.service.health import Service, health_server
from workbench.service.json_log import JsonLog, messages
from workbench.service.supervisor import Part, Supervisor

SLEEP = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"


def part(name: str, code: str, folder: Path) -> Part:
    return Part(name, [sys.executable, "-c", code], folder, dict(os.environ))


@contextmanager
def supervised(*parts: Part, grace_s: float = 5.0) -> Iterator[tuple[Supervisor, list[dict]]]:
    lines: list[dict] = []
    supervisor = Supervisor(parts, JsonLog(write=lambda line: lines.append(json.loads(line))), grace_s=grace_s)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        yield supervisor, lines
    finally:
        supervisor.stopping.set()
        thread.join(30)
        assert not thread.is_alive()


def until(condition, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_a_part_that_dies_is_started_again_and_later_each_time(tmp_path):
    with supervised(part("bad", "raise SystemExit(7)", tmp_path), part("good", SLEEP, tmp_path)) as (one, lines):
        until(lambda: one.running["bad"].restarts >= 2)
        assert one.running["good"].up
        assert one.running["good"].restarts == 0
        deaths = [line["metadata"] for line in lines if "ended with exit code" in line["message"]]
        assert [death["exit_code"] for death in deaths[:2]] == [7, 7]
        assert [death["restart_in_s"] for death in deaths[:2]] == [1.0, 2.0]


@pytest.mark.slow
def test_a_killed_part_comes_back_and_the_others_do_not_notice(tmp_path):
    with supervised(part("a", SLEEP, tmp_path), part("b", SLEEP, tmp_path)) as (one, _):
        until(lambda: one.running["a"].up and one.running["b"].up)
        first, other = one.running["a"].process.pid, one.running["b"].process.pid
        os.kill(first, signal.SIGKILL)
        until(lambda: one.running["a"].up and one.running["a"].process.pid != first)
        assert one.running["b"].process.pid == other


@pytest.mark.slow
def test_a_part_that_does_not_stop_is_killed_with_its_children(tmp_path):
    with supervised(part("deaf", STUBBORN, tmp_path), grace_s=1.0) as (one, lines):
        until(lambda: any(line["message"] == "ready" for line in lines))
        process, began = one.running["deaf"].process, time.monotonic()
        one.stopping.set()
        until(lambda: process.poll() is not None, 5)
    assert time.monotonic() - began < 5
    assert any("did not stop within 1 s: it is killed" in line["message"] for line in lines)


def test_log_lines_are_json_with_one_trace_and_a_span_a_run(tmp_path):
    code = "import sys; print('plain'); print('\\x1b[31mred'); sys.exit(int('x'))"
    with supervised(part("noisy", code, tmp_path)) as (one, lines):
        until(lambda: any("ValueError" in line["message"] for line in lines))
    assert {line["context"]["trace_id"] for line in lines} == {one.log.trace}
    assert len(one.log.trace) == 32
    assert all(len(line["context"]["span_id"]) == 16 for line in lines)
    wanted = {"timestamp", "level", "logger", "message", "event_type", "context", "metadata"}
    assert all(set(line) == wanted for line in lines)
    error = next(line for line in lines if "ValueError" in line["message"])
    assert error["level"] == "ERROR"
    assert error["message"].startswith("Traceback")
    assert "\x1b" not in "".join(line["message"] for line in lines)


def test_a_traceback_is_one_message_and_a_torn_one_is_not_lost():
    assert list(messages(["a\n", "Traceback (most recent call last):\n", '  File "x"\n'])) == [
        "a", 'Traceback (most recent call last):\n  File "x"'
    ]  # fmt: skip


def test_probes_and_metrics_say_what_stands(tmp_path):
    with supervised(part("bad", "raise SystemExit(7)", tmp_path), part("good", SLEEP, tmp_path)) as (one, _):
        until(lambda: one.running["bad"].last_code == 7 and one.running["good"].up)
        with health_server(Service(one, None, "", time.monotonic()), address="127.0.0.1", port=0) as port:

            def ask(path: str) -> urllib3.BaseHTTPResponse:
                return urllib3.request("GET", f"http://127.0.0.1:{port}{path}")

            assert (ask("/healthz").status, ask("/nothing").status) == (200, 404)
            ready = ask("/readyz")
            assert ready.status == 503
            assert {check["name"]: check["status"] for check in ready.json()["checks"]} == {
                "bad": "unhealthy", "good": "healthy"
            }  # fmt: skip
            families = {family.name: family for family in text_string_to_metric_families(ask("/metrics").data.decode())}
            up = {sample.labels["part"]: sample.value for sample in families["workbench_part_up"].samples}
            assert up == {"bad": 0.0, "good": 1.0}
            assert "process_resident_memory_bytes" in families


@pytest.mark.slow
def test_the_service_starts_is_ready_and_stops_on_sigterm_within_seconds(tmp_path):
    port, health = free_port(), free_port()
    (tmp_path / "workbench.toml").write_text('home = "home"\n')
    command = [sys.executable, "-c", "from workbench.cli.main import main; main()", "serve", "--port", str(port),
               "--health-port", str(health)]  # fmt: skip
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, stderr=log, stdout=log)
    try:

        def ready() -> bool:
            try:
                return (
                    urllib3.request("GET", f"http://127.0.0.1:{health}/readyz", retries=False, timeout=5).status == 200
                )
            except urllib3.exceptions.HTTPError:
                return False

        until(ready, 90)
        assert urllib3.request("GET", f"http://127.0.0.1:{port}/").status == 200
        began = time.monotonic()
        process.terminate()
        assert process.wait(20) == 0
        assert time.monotonic() - began < 12
        lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
        assert lines[-1]["message"] == "The service stopped."
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="parts are tied to their supervisor by the Linux kernel")
def test_parts_do_not_outlive_a_supervisor_that_was_killed(tmp_path):
    code = (
        "import sys; from pathlib import Path; from workbench.service.supervisor import *;"
        f"Supervisor([Part('a', [sys.executable, '-c', {SLEEP!r}], Path('.'), {{}})], JsonLog()).run()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    child = json.loads(process.stderr.readline())["metadata"]["pid"]
    time.sleep(1)
    os.kill(child, 0)
    process.kill()
    process.wait()
    process.stderr.close()

    def gone() -> bool:
        try:
            return Path(f"/proc/{child}/stat").read_text().split()[2] == "Z"
        except (FileNotFoundError, ProcessLookupError):
            return True

    until(gone, 10)


@pytest.mark.slow
@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_serving_others_without_sign_in_is_refused(tmp_path, address):
    (tmp_path / "workbench.toml").write_text('home = "home"\n')
    command = [sys.executable, "-c", "from workbench.cli.main import main; main()", "serve", "--address", address]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 4
    assert "without a sign-in" in ended.stderr
