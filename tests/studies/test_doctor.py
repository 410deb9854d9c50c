"""Each kind of harm is named, with the file and a next step."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from tests.studies.conftest import SYSTEM, lab_series
from tests.studies.test_backup import settings_of
from workbench.archive import Archive
from workbench.cli.main import main
from workbench.core.series import SeriesSet
from workbench.report.issue.issue import issue_report
from workbench.store import Message, message_id, open_store
from workbench.store.jobs import NewJob
from workbench.store.store import HistoryKey
from workbench.studies import open_context
from workbench.studies.decisions.exclusions import add_exclusion
from workbench.studies.upkeep.doctor import Diagnosis, diagnose

NOW = datetime(2026, 11, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("whole") / "home"
    archive = Archive.open(home / "archive", create=True)
    archive.append_samples(lab_series())
    archive.append_samples(SeriesSet.of([({"__name__": "more"}, [0, 60_000], [1.0, 2.0])]))
    archive.note_covered("prom", ["x"], 0, 60_000)
    issue_report(system=SYSTEM, period="2026-10", settings=settings_of(home), now=NOW)
    with closing(sqlite3.connect(home / "workbench.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return home


@pytest.fixture
def home(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "home")
    (tmp_path / "home").chmod(0o700)
    return tmp_path / "home"


def found(home: Path) -> list[Diagnosis]:
    return list(diagnose(settings_of(home), now=NOW, whole=True))


@pytest.mark.slow
def test_a_whole_home_is_well(home: Path) -> None:
    diagnoses = [one for one in found(home) if one.part != "disk"]
    assert {one.status for one in diagnoses} == {"ok"}
    parts = {"store", "archive", "reports", "schedule", "delivery", "permissions", "clock", "versions"}
    assert {one.part for one in diagnoses} == parts


@pytest.mark.slow
def test_a_report_that_was_not_made_and_a_dead_message_are_named(home: Path) -> None:
    lasts = timedelta(minutes=1)
    with closing(open_store(settings_of(home))) as store:
        for number, end in enumerate(("failed", "done", "failed")):
            due = NOW - timedelta(days=3 - number)
            name = "mended" if number < 2 else "broken"
            job = NewJob(f"job-{number}", name, SYSTEM, f"2026-W4{number}", due, due, False, {"template": "monthly"})
            store.plan_jobs(name, lambda held, job=job: (job,), now=due)
            assert store.claim_job("h", now=due, lasts=lasts) is not None
            assert store.end_job(
                job.id, "h", status=end, run_id="", error="The kernel died." * (end == "failed"), now=due
            )
        message = Message(message_id("a"), "", "report", "mail", "a@example.com", "October", {"text": "", "files": []})
        store.put_messages([message], {}, now=NOW)
        assert store.claim_delivery("h", now=NOW, lasts=lasts) is not None
        assert store.end_delivery(message.id, "h", status="dead", now=NOW, error="Refused by the server.")
    schedule, delivery = ([one for one in found(home) if one.part == part] for part in ("schedule", "delivery"))
    (unmade,), (dead,) = schedule, delivery
    assert (unmade.status, dead.status) == ("warning", "warning")
    assert f"Schedule broken, system {SYSTEM}: report of 2026-W42 failed. The kernel died." in unmade.text
    assert unmade.next_step == f"workbench report run monthly --system {SYSTEM} --period 2026-W42"
    assert "Refused by the server." in dead.text
    assert dead.next_step.endswith(f"workbench delivery retry {message.id[:12]}")


def test_an_empty_home_is_well(tmp_path: Path) -> None:
    assert {one.status for one in found(tmp_path / "none") if one.part != "disk"} == {"ok"}


def cut_off(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path: Path) -> None:
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    path.write_bytes(bytes(content))


HARMS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "data lost": ("archive/samples/*/*.parquet", Path.unlink),
    "data cut off": ("archive/samples/*/*.parquet", cut_off),
    "data emptied": ("archive/samples/*/*.parquet", lambda path: (path.chmod(0o600), path.write_bytes(b""))),
    "labels lost": ("archive/series/*.parquet", Path.unlink),
    "coverage cut off": ("archive/coverage/*.parquet", cut_off),
    "oldest commit lost": ("archive/samples/_delta_log/*01.json", Path.unlink),
    "newest commit lost": ("archive/samples/_delta_log/*02.json", Path.unlink),
    "commit emptied": ("archive/samples/_delta_log/*02.json", lambda path: path.write_bytes(b"")),
    "commit scrambled": ("archive/samples/_delta_log/*02.json", lambda path: path.write_bytes(b"{]")),
    "log lost": ("archive/coverage/_delta_log", shutil.rmtree),
    "document scrambled": ("archive/archive.json", lambda path: path.write_bytes(b"{")),
    "counts scrambled": ("archive/commits.json", lambda path: path.write_bytes(b"[]")),
    "store lost": ("workbench.db", Path.unlink),
    "store emptied": ("workbench.db", lambda path: path.write_bytes(b"")),
    "store scrambled": ("workbench.db", lambda path: path.write_bytes(b"scrambled" * 9_000)),
    "store cut off": ("workbench.db", cut_off),
    "figures changed": ("issued/**/figures.json", flipped),
    "page lost": ("issued/**/report.html", Path.unlink),
    "inputs changed": ("issued/**/events.parquet", flipped),
    "issue lost": ("issued/*/*/*", shutil.rmtree),
}


@pytest.mark.slow
@pytest.mark.parametrize("harm", sorted(HARMS))
def test_each_harm_is_named_with_its_file_and_a_next_step(home: Path, harm: str) -> None:
    pattern, do = HARMS[harm]
    paths = [path for path in sorted(home.glob(pattern)) if "_delta_log" not in path.name or path.is_dir()]
    for beside in ("-wal", "-shm"):
        (home / f"workbench.db{beside}").unlink(missing_ok=True)
    do(paths[-1])
    broken = [one for one in found(home) if one.status == "broken"]
    assert broken, harm
    assert all(one.next_step for one in broken)
    assert any(paths[-1].name in one.text for one in broken), broken


def scattered(path: Path) -> None:
    content, chance = bytearray(path.read_bytes()), random.Random(3)
    for _ in range(400):
        content[chance.randrange(len(content) // 3, len(content))] ^= 0x41
    path.write_bytes(bytes(content))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "do"),
    [
        ("archive/commits.json", Path.unlink),
        ("archive/commits.json", lambda path: path.write_text("{}")),
        ("archive/samples/_delta_log/*02.json", cut_off),
        ("archive/samples/_delta_log/*01.json", Path.unlink),
        ("issued/**/manifest.json", cut_off),
        ("issued/**/manifest.json", Path.unlink),
        ("workbench.db", scattered),
    ],
)
def test_the_file_itself_is_named(home: Path, pattern: str, do: Callable[[Path], object]) -> None:
    (path,) = home.glob(pattern)
    do(path)
    assert any(path.name in one.text for one in found(home) if one.status == "broken"), found(home)


def test_an_exclusion_that_is_not_what_was_written_is_named(home: Path) -> None:
    start = NOW - timedelta(days=3)
    add_exclusion(open_context(settings_of(home)), system=SYSTEM, start=start, duration="2h", reason="Exchange")
    with closing(sqlite3.connect(home / "workbench.db")) as connection:
        connection.execute("UPDATE exclusions SET ends_at = '2026-11-01 05:00:00.000000'")
        connection.commit()
    (broken,) = [one for one in found(home) if one.status == "broken"]
    assert "is not what was written" in broken.text
    assert "workbench.db" in broken.text


def test_stored_counts_that_are_not_what_was_written_are_named(home: Path) -> None:
    counts = pd.DataFrame(
        {"time": pd.date_range(NOW, periods=3, freq="5min"), "good": 1.0, "total": 2.0, "covered": 1.0}
    )
    with closing(open_store(settings_of(home))) as store:
        store.put_slices(HistoryKey(SYSTEM, "availability", "r"), counts, method="exact", read_at=NOW)
    with closing(sqlite3.connect(home / "workbench.db")) as connection, connection:
        connection.execute("UPDATE count_days SET content = CAST(substr(content, 1, 99) || x'41' AS BLOB)")
    (store,) = (diagnosis for diagnosis in found(home) if diagnosis.part == "store")
    assert store.status == "broken"
    assert "The stored counts of availability" in store.text
    assert "workbench restore" in store.next_step


def test_a_lost_write_ahead_log_is_named(home: Path) -> None:
    (home / ".workbench.db.made").write_text('{"changes": 1000}')
    (broken,) = [one for one in found(home) if one.status == "broken" and one.part == "store"]
    assert "workbench.db-wal was lost" in broken.text
    assert "workbench restore" in broken.next_step


def test_an_open_home_is_a_warning_with_the_command(home: Path) -> None:
    home.chmod(0o755)
    (warning,) = [one for one in found(home) if one.status == "warning" and one.part == "permissions"]
    assert warning.next_step == f"chmod 700 {home}"


def test_the_command_prints_and_ends_with_eleven_where_something_is_broken(home: Path, capsys) -> None:
    cut_off(next(home.glob("archive/samples/*/*.parquet")))
    with pytest.raises(SystemExit) as left:
        main(["--home", str(home), "doctor", "--format", "json"])
    assert left.value.code == 11
    rows = json.loads(capsys.readouterr().out)
    assert {"part", "status", "text", "next_step"} == set(rows[0])
