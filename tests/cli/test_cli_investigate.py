"""`workbench investigate` over the demo: the database burst in one command, quiet hours, and what is refused."""

from __future__ import annotations

import json

import pytest

from workbench.cli.main import main
from workbench.core.settings import Settings

BURST = ("--from", "2026-10-30T14:00", "--to", "2026-10-30T14:25")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(["investigate", *arguments])
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


def test_the_database_burst_is_named_in_one_command(
    demo_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "llm-ab-testing", *BURST, "--check")
    assert code == 1
    assert "Failures began in db.query; most changed log template: GET /api/v1/tests 503" in err
    assert "--operation db.query --status error" in out
    assert "database_connection_failed" in out
    assert "error-rate" in out


def test_json_has_the_rows_their_commands_and_what_else_happened(
    demo_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "llm-ab-testing", *BURST, "--format", "json")
    answer = json.loads(out)
    rows = answer["results"]["changes"]["rows"]
    assert code == 0
    assert answer["status"] == "at_risk"
    assert (rows[0]["kind"], rows[0]["what"], rows[0]["rank"]) == ("failing operation", "db.query", 1)
    assert all(row["command"].startswith("workbench ") for row in rows)
    assert {row["kind"] for row in answer["results"]["happenings"]["rows"]} == {"alert"}


def test_a_quiet_hour_names_nothing(demo_settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "llm-ab-testing", "--from", "2026-10-27T14:00", "--to", "2026-10-27T15:00", "--check")
    assert code == 0
    assert "Nothing differs" in err


def test_an_alert_gives_the_window(demo_settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "llm-ab-testing", "--alert", "database_connection_failed", "--to", "2026-11-01T00:00Z")
    assert code == 0
    assert "Failures began in db.query" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*BURST, "--against", "2026-10-01..2026-10-09"), "longer than two days"),
        (("--alert", "nothing", "--to", "2026-10-31T00:00Z"), "did not fire"),
        (("--alert", "x", "--last", "1h"), "exclude each other"),
        ((*BURST, "--against", "10m"), "overlap"),
    ],
)
def test_what_is_wrong_is_said(
    demo_settings: Settings, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    code, out, err = run(capsys, "llm-ab-testing", *arguments)
    assert (code, out) == (2, "")
    assert words in err


def test_a_slow_release_is_named_though_few_spans_are_kept(
    demo_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(
        capsys, "counterfactual-lab", "--from", "2026-10-30T11:30", "--to", "2026-10-30T13:00", "--check"
    )
    assert code == 1
    assert "the objective latency-p99" in err
    assert "workbench slo attribute counterfactual-lab --slo latency-p99" in out


def test_a_window_without_lines_and_spans_is_investigated_by_its_objectives(
    demo_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "counterfactual-lab", "--from", "2026-10-08T13:20", "--to", "2026-10-08T14:04")
    assert code == 0
    assert "1 of 5 rows differs. Share of bad events changed most in the objective availability." in err
    assert "Note: Objectives are compared with a week before (2026-10-01 13:20" in err
    assert err.count("There are no log lines") == 1
    # Events are counted in whole slices; 14:04 is inside one that is not over.
    assert "Budget spent from 2026-10-08 13:20 to 2026-10-08 14:00 UTC" in out


def test_the_printed_trace_command_shows_the_trace_of_its_system(
    demo_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = run(capsys, "llm-ab-testing", *BURST, "--format", "json")
    command = json.loads(out)["results"]["changes"]["rows"][0]["trace_command"]
    words = [word for word in command.split()[1:] if word not in ("--system", "llm-ab-testing")]
    with pytest.raises(SystemExit) as end:
        main(words)
    shown = capsys.readouterr()
    assert end.value.code == 0
    assert "failure began here" in shown.out
    # Systems of the demo share a source; the trace is that of the system whose services are in it.
    assert shown.err.startswith("llm-ab-testing, 2026-10-30 13:0")


def test_an_attribute_that_no_line_has_is_said(demo_settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["logs", "llm-ab-testing", *BURST, "--count-by", "colour"])
    shown = capsys.readouterr()
    assert "No line has 'colour'." in shown.err
