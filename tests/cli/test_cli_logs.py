"""`workbench logs` and `archive sync` over files and a fake Loki, as a user runs them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.query.fake_loki import FakeLoki, Line
from tests.query.served import Served, serving
from tests.query.written_lines import lines
from workbench.archive import Archive
from workbench.cli.main import main
from workbench.core.filters import LogFilter
from workbench.core.timerange import TimeRange, from_ms

NOW_MS = int(time.time() * 1000) // 60_000 * 60_000
PERIOD = ["--from", "2026-10-31T20:00", "--to", "2026-11-01T04:00"]


@pytest.fixture
def fake() -> Iterator[Served]:
    held = [Line(one.time_ns, one.json(), {"service_name": "llm-ab-testing"}) for one in lines()]
    with serving(FakeLoki(held).answer) as served:
        yield served


@pytest.fixture
def config(tmp_path: Path, fake: Served, monkeypatch: pytest.MonkeyPatch) -> Path:
    for scheme in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(scheme, raising=False)
    for number, level in enumerate(("INFO", "WARNING", "ERROR")):
        stamp = from_ms(NOW_MS - (3 - number) * 60_000).isoformat()
        line = {"timestamp": stamp, "level": level, "message": f"user_456 did {number}", "request_id": f"r{number}",
                "user_id": "user_456", "provider": "openai", "logger": "choreoai"}  # fmt: skip
        with (tmp_path / "app.log").open("a") as file:
            file.write(json.dumps(line) + "\n")
    with (tmp_path / "app.log").open("a") as file:
        file.write("no json \x1b[31m and no time\n")
    file = tmp_path / "workbench.toml"
    file.write_text(
        f'home = "home"\n[sources.files]\nkind = "logfiles"\npath = "{tmp_path}/app.log*"\nsystems = ["choreoai"]\n'
        f'[sources.lines]\nkind = "loki"\nurl = "{fake.url}"\nsystems = ["llm-ab-testing"]\n'
        '[sources.demo]\nkind = "archive"\npath = "kept"\n'
    )
    Archive.open(tmp_path / "kept", create=True)
    return file


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


def test_lines_of_files_come_newest_first_with_the_share_understood(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "--config", config, "logs", "choreoai", "--last", "1h", "--format", "json")
    assert code == 0
    assert [row["severity"] for row in json.loads(out)] == ["", "ERROR", "WARN", "INFO"]
    assert "75.00 % of 4 records (4 lines) in 1 file were understood." in err
    assert "1 of 4 records have no time that can be read" in err
    assert "4 lines of files match" in err
    code, out, _ = run(capsys, "--config", config, "logs", "choreoai", "--last", "1h", "--severity", "warn",
                       "--where", "provider=openai", "--count-by", "severity", "--format", "csv")  # fmt: skip
    columns = "severity,lines,estimate,standard_error,low,high,share,share_low,share_high"
    assert (code, out) == (0, f"{columns}\nERROR,1,1.0,0.0,1.0,1.0,0.5,0.5,0.5\nWARN,1,1.0,0.0,1.0,1.0,0.5,0.5,0.5\n")
    code, out, _ = run(capsys, "--config", config, "logs", "choreoai", "--last", "1h")
    assert "\x1b" not in out


@pytest.mark.slow
def test_lines_of_loki_are_counted_there_and_only_the_newest_are_read(
    config: Path, fake: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--config", config, "logs", "llm-ab-testing", *PERIOD, "--limit", "3", "--format", "json"]
    code, out, err = run(capsys, *arguments, "--severity", "ERROR", "--show-query")
    newest = sorted((one for one in lines() if one.severity in ("ERROR", "FATAL")), key=lambda one: -one.time_ns)
    assert code == 0
    assert [row["message"] for row in json.loads(out)] == [one.message for one in newest[:3]]
    assert f"{len(newest)} lines of lines match" in err
    assert 'Query: {service_name=~"llm\\\\-ab\\\\-testing"} | json' in err
    native = ["--native", '{service_name="llm-ab-testing"} |= "card declined"']
    code, out, err = run(capsys, *arguments, *native)
    assert "20 lines of lines match" in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--source", "nobody"], 2, "Sources of log lines: demo, files, lines"),
        (["--severity", "loud"], 2, "is not a severity"),
        (["--where", "x"], 2, "is not a condition"),
        (["--where", "x=~(?=a)"], 2, "RE2"),
        (["--native", "{", "--source", "files"], 2, "no language"),
        (["--native", "{", "--source", "lines"], 9, "parse error"),
        (["--limit", "0"], 2, "0 is not in the range"),
    ],
)
def test_what_is_wrong_is_said_with_its_exit_code(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    found, out, err = run(capsys, "--config", config, "logs", "choreoai", *PERIOD, *arguments)
    assert (found, out) == (code, "")
    assert words in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_a_dead_server_is_unavailable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "workbench.toml"
    file.write_text('home = "home"\n[sources.dead]\nkind = "opensearch"\nurl = "http://127.0.0.1:9"\ntimeout_s = 2\n')
    code, _, err = run(capsys, "--config", file, "logs", "choreoai", "--last", "1h")
    assert code == 3
    assert "refuses the connection" in err


def test_sync_puts_lines_into_the_archive_under_pseudonyms(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = config.parent / "history"
    code, _, err = run(capsys, "--config", config, "archive", "sync", "--back", "1h", "--to", kept, "--no-counts")
    assert code == 0, err
    held = Archive.open(kept).logs(LogFilter(), TimeRange(from_ms(NOW_MS - 3_600_000), from_ms(NOW_MS + 60_000)))
    assert sorted(held["severity"]) == ["", "ERROR", "INFO", "WARN"]
    assert "user_456" not in str(held.to_dict())
    assert held["attributes"].map(lambda each: each.get("user_id", "")).nunique() == 2
    run(capsys, "--config", config, "archive", "sync", "--back", "1h", "--to", kept, "--no-counts", "--again", "1h")
    again = Archive.open(kept).logs(LogFilter(), TimeRange(from_ms(NOW_MS - 3_600_000), from_ms(NOW_MS + 60_000)))
    assert len(again) == len(held)
