"""The schedule for other schedulers, each text read by the parser of its own world."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml
from cronsim import CronSim

from workbench.core.errors import ParameterError
from workbench.report.schedule.export import Command, calendar_texts, cron_text, export
from workbench.studies.schedule.entries import Entry
from workbench.studies.schedule.when import When, read_when

Omit = Callable[[str], NoReturn]


def when(text: str, zone: str = "Europe/Berlin", *holidays: date) -> When:
    return read_when(text, zone=zone, holidays=frozenset(holidays))


TIMES = {
    "monthly": when("3rd working day at 08:00", "Europe/Berlin", date(2026, 12, 25)),
    "weekly": when("30 7 * * MON", "America/New_York"),
    "often": when("*/20 6-8 1,15 jan-mar 1-5", "UTC"),
    "tokyo": when("0 8 1 * *", "Asia/Tokyo"),
}
ENTRIES = tuple(
    Entry(name, "monthly", (), each, "last-month", timedelta(0), timedelta(days=35), ("html",), ())
    for name, each in TIMES.items()
)


def files(target: str, **options: str) -> dict[str, str]:
    return export(ENTRIES, target, Command(**options))


@pytest.mark.parametrize("name", TIMES)
def test_the_cron_text_is_due_whenever_the_schedule_is(name: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    dues = list(takewhile(lambda due: due.year == 2026, islice(TIMES[name].after(start), 400)))
    ours = read_when(cron_text(TIMES[name]), zone=TIMES[name].zone)
    starts = set(takewhile(lambda due: due <= dues[-1], ours.after(start)))
    assert set(dues) <= starts


def test_cron_reads_the_crontab(omit: Omit, tmp_path: Path) -> None:
    (text,) = files("cron").values()
    lines = [line for line in text.splitlines() if re.match(r"[\d*]", line)]
    assert len(lines) == len(ENTRIES)
    for line in lines:
        next(CronSim(" ".join(line.split()[:5]), datetime(2026, 1, 1, tzinfo=UTC)))
    assert text.index("CRON_TZ=America/New_York") < text.index("--once weekly")
    crontab = shutil.which("crontab")
    if crontab is None or "-T" not in subprocess.run([crontab, "-h"], capture_output=True, text=True).stderr:
        pytest.skip("no crontab that checks a file (-T) is there")
    (tmp_path / "tab").write_text(text)
    subprocess.run([crontab, "-T", str(tmp_path / "tab")], check=True)


def test_systemd_verifies_the_units(omit: Omit, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        omit("systemd-analyze is not there (Debian package systemd)")
    for name, text in files("systemd", program="/bin/true").items():
        (tmp_path / name).write_text(text)
    units = sorted(str(path) for path in tmp_path.iterdir())
    checked = subprocess.run([analyze, "verify", "--man=no", *units], capture_output=True, text=True)
    own = [line for line in checked.stderr.splitlines() if "workbench-" in line]
    assert not own, checked.stderr


@pytest.mark.parametrize("name", ["weekly", "often", "tokyo"])
def test_systemd_is_due_when_the_schedule_is(omit: Omit, name: str) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        omit("systemd-analyze is not there (Debian package systemd)")
    base = datetime(2026, 2, 1, tzinfo=UTC)
    due = set()
    for text in calendar_texts(TIMES[name]):
        command = [analyze, "calendar", "--iterations=40", f"--base-time={base:%Y-%m-%d %H:%M:%S} UTC", text]
        shown = subprocess.run(command, capture_output=True, text=True, check=True, env={"TZ": "UTC"}).stdout
        due |= set(re.findall(r"(\d{4}-\d\d-\d\d \d\d:\d\d):\d\d UTC", shown))
    expected = [f"{each:%Y-%m-%d %H:%M}" for each in islice(TIMES[name].after(base), 6)]
    assert sorted(due - {f"{base:%Y-%m-%d %H:%M}"})[:6] == expected


def test_kubernetes_takes_the_cron_jobs() -> None:
    validate: Any = pytest.importorskip("kubernetes_validate")
    (text,) = files("kubernetes").values()
    jobs = list(yaml.safe_load_all(text))
    for job in jobs:
        validate.validate(job, "1.30", strict=True)
    assert [job["spec"]["timeZone"] for job in jobs][:2] == ["Europe/Berlin", "America/New_York"]


def test_airflow_gets_one_graph_for_each_schedule() -> None:
    (text,) = files("airflow").values()
    graphs = [
        {keyword.arg: keyword.value for keyword in node.keywords}
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "DAG"
    ]
    assert [ast.literal_eval(graph["schedule"]) for graph in graphs] == [cron_text(each) for each in TIMES.values()]
    assert all(ast.literal_eval(graph["catchup"]) is False for graph in graphs)


def test_github_starts_the_workbench_at_or_soon_after_every_due_instant() -> None:
    (text,) = files("github-actions").values()
    document = yaml.load(text, Loader=yaml.BaseLoader)  # "on" is a key here, not a truth value
    texts = [item["cron"] for item in document["on"]["schedule"]]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for name, each in TIMES.items():
        for due in islice(each.after(start), 30):
            nearest = min(next(CronSim(cron, due - timedelta(minutes=1))) for cron in texts)
            assert nearest - due <= timedelta(days=1), name


@pytest.mark.parametrize("word", ["work bench", "x;reboot", "$(id)", "a%b", "x\ny"])
def test_a_path_that_others_would_read_in_their_own_way_is_refused(word: str) -> None:
    with pytest.raises(ParameterError, match="in their own way"):
        export(ENTRIES, "cron", Command(program=word))
