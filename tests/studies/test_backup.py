"""The drill: back up, delete, restore, and make every issued report again bit for bit."""

from __future__ import annotations

import json
import re
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.studies.conftest import END, SYSTEM, lab_series
from workbench.archive import Archive
from workbench.archive import snapshot as snapshot_module
from workbench.archive.snapshot import copy_archive, put
from workbench.archive.storage.layout import LAYOUTS
from workbench.archive.storage.place import LocalFolder
from workbench.cli.main import main
from workbench.core.errors import ArchiveError, ParameterError
from workbench.core.series import SeriesSet
from workbench.core.settings import Settings, SourceSettings
from workbench.core.units import instant_text
from workbench.report.issue.issue import issue_report
from workbench.report.issue.reproduce import find_issue, issued_rows, reproduce
from workbench.store import open_store
from workbench.studies import open_context
from workbench.studies.decisions.exclusions import add_exclusion
from workbench.studies.upkeep import backup as backup_module
from workbench.studies.upkeep.backup import MANIFEST, back_up, restore

NOW = datetime(2026, 11, 4, tzinfo=UTC)


def settings_of(home: Path, **more: object) -> Settings:
    source = SourceSettings(kind="archive", path=home / "archive", systems=(SYSTEM,))
    return Settings(home=home, sources={"history": source}, **more)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an archive, an exclusion and two issues of a report."""
    home = tmp_path_factory.mktemp("made") / "home"
    Archive.open(home / "archive", create=True).append_samples(lab_series())
    settings = settings_of(home)
    issue_report(system=SYSTEM, period="2026-10", settings=settings, now=NOW)
    add_exclusion(
        open_context(settings),
        system=SYSTEM,
        start=END - timedelta(days=3),
        duration="2h",
        reason="Model was exchanged",
    )
    issue_report(system=SYSTEM, period="2026-10", settings=settings, now=NOW + timedelta(hours=1))
    return home


@pytest.fixture
def settings(made: Path, tmp_path: Path) -> Settings:
    shutil.copytree(made, tmp_path / "home")
    return settings_of(tmp_path / "home")


def issues(settings: Settings) -> list[bool]:
    return [
        reproduce(settings, find_issue(settings, system=SYSTEM, period="2026-10", number=row["issue"])).whole
        for row in issued_rows(settings)
    ]


@pytest.mark.slow
def test_the_drill(settings, tmp_path, capsys):
    before = Archive.open(settings.home / "archive").select([], 0, 2**60)
    back_up(settings, tmp_path / "backup", now=NOW)
    shutil.rmtree(settings.home)
    restore(settings, tmp_path / "backup", now=NOW)
    assert issues(settings) == [True, True]
    after = Archive.open(settings.home / "archive").select([], 0, 2**60)
    assert np.array_equal(before.values, after.values, equal_nan=True)
    assert len(open_store(settings).exclusions(SYSTEM)) == 1
    elsewhere = settings_of(tmp_path / "elsewhere")
    restore(elsewhere, tmp_path / "backup", now=NOW)
    assert issues(elsewhere) == [True, True]
    with pytest.raises(SystemExit) as left:
        main(["--home", str(tmp_path / "third"), "restore", str(tmp_path / "backup")])
    said = capsys.readouterr()
    assert left.value.code == 0, said.err
    assert "2 of 2 issued reports are the same to the last byte" in said.err
    assert f"Restored the backup of {instant_text(NOW)}: " in said.err


@pytest.mark.slow
def test_a_second_backup_copies_only_what_is_new(settings, tmp_path):
    first = back_up(settings, tmp_path / "backup", now=NOW)
    Archive.open(settings.home / "archive").append_samples(SeriesSet.of([({"__name__": "new"}, [0], [1.0])]))
    second = back_up(settings, tmp_path / "backup", now=NOW + timedelta(hours=1))
    assert second.fresh < first.fresh
    assert second.samples > first.samples
    elsewhere = settings_of(tmp_path / "elsewhere")
    restore(elsewhere, tmp_path / "backup", now=NOW)
    assert Archive.open(elsewhere.home / "archive").series_count() == Archive.open(
        settings.home / "archive"
    ).series_count()  # fmt: skip


def tried_at(settings: Settings, backup: Path, step: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Back up with a disk that is full from the n-th file on; say whether it ended well all the same."""
    written = []

    def full(place: object, name: str, content: bytes) -> None:
        written.append(name)
        if len(written) >= step:
            raise ArchiveError("The archive cannot write: No space left on device.")
        put(place, name, content)

    with monkeypatch.context() as patch:
        for module in (backup_module, snapshot_module):
            patch.setattr(module, "put", full)
        try:
            back_up(settings, backup, now=NOW + timedelta(hours=1))
        except ArchiveError:
            return False
    return True


@pytest.mark.slow
def test_a_backup_that_is_broken_off_leaves_the_one_before(settings, tmp_path, monkeypatch):
    back_up(settings, tmp_path / "backup", now=NOW)
    context = open_context(settings)
    add_exclusion(context, system=SYSTEM, start=END - timedelta(days=4), duration="1h", reason="After the backup")
    Archive.open(settings.history).append_samples(SeriesSet.of([({"__name__": "new"}, [0], [1.0])]))
    (settings.home / "reports").mkdir(exist_ok=True)
    (settings.home / "reports" / "draft.html").write_text("new")
    steps = 0
    while not tried_at(settings, tmp_path / "backup", steps + 1, monkeypatch):
        steps += 1
        elsewhere = settings_of(tmp_path / f"elsewhere-{steps}")
        restore(elsewhere, tmp_path / "backup", now=NOW)
        assert len(open_store(elsewhere).exclusions(SYSTEM)) == 1
    assert steps >= 5
    after = settings_of(tmp_path / "after")
    restore(after, tmp_path / "backup", now=NOW)
    assert len(open_store(after).exclusions(SYSTEM)) == 2
    assert (after.home / "reports" / "draft.html").read_text() == "new"
    names = {path.relative_to(tmp_path / "backup").as_posix() for path in (tmp_path / "backup").rglob("*")
             if path.is_file()}  # fmt: skip
    manifest = json.loads((tmp_path / "backup" / MANIFEST).read_text())
    assert names - {MANIFEST, "backup.lock"} == {manifest["stored"].get(name, name) for name in manifest["files"]}


def test_a_first_backup_that_was_broken_off_is_none_and_can_go_on(settings, tmp_path, monkeypatch):
    assert not tried_at(settings, tmp_path / "backup", 6, monkeypatch)
    with pytest.raises(ParameterError, match="was not finished"):
        restore(settings_of(tmp_path / "elsewhere"), tmp_path / "backup", now=NOW)
    assert not (tmp_path / "elsewhere").exists()
    back_up(settings, tmp_path / "backup", now=NOW)
    restore(settings_of(tmp_path / "elsewhere"), tmp_path / "backup", now=NOW)


@pytest.mark.parametrize("step", [1, 5, 1_000])
def test_a_home_that_is_half_restored_gives_no_figures(settings, tmp_path, monkeypatch, step):
    """Without the exclusions of the store a figure would be wrong and say nothing of it."""
    made = back_up(settings, tmp_path / "backup", now=NOW)
    elsewhere, written = settings_of(tmp_path / "elsewhere"), []

    def killed(place: object, name: str, content: bytes) -> None:
        written.append(name)
        if len(written) == min(step, made.files - 2):  # without the manifest, and the store, which is last
            raise KeyboardInterrupt
        put(place, name, content)

    monkeypatch.setattr(backup_module, "put", killed)
    with pytest.raises(KeyboardInterrupt):
        restore(elsewhere, tmp_path / "backup", now=NOW)
    monkeypatch.undo()
    with pytest.raises(ArchiveError, match="was there before"):
        open_store(elsewhere).exclusions(SYSTEM)
    restore(elsewhere, tmp_path / "backup", now=NOW, replace=True)
    assert len(open_store(elsewhere).exclusions(SYSTEM)) == 1


@pytest.mark.slow
def test_a_backup_is_whole_while_others_write(settings, tmp_path):
    archive, over, turns = Archive.open(settings.home / "archive"), threading.Event(), []

    def write() -> None:
        while not over.is_set():
            turn = len(turns)
            labels = {"__name__": "busy", "turn": str(turn)}
            archive.append_samples(SeriesSet.of([(labels, [turn * 60_000], [float(turn)])]))
            archive.note_covered("prom", ["busy"], turn * 60_000, (turn + 1) * 60_000)
            turns.append(turn)
            if turn % 10 == 9:
                archive.compact(whole=True)

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for number in range(3):
            to = LocalFolder(tmp_path / f"copy-{number}")
            done = len(turns)
            copied = copy_archive(Archive.open(settings.home / "archive"), to)
            there = Archive.open(to.path)
            held = {int(labels["turn"]) for labels in there.series([]) if labels["__name__"] == "busy"}
            assert held >= set(range(done))
            (stretch,) = there.covered("prom").get("busy", [(0, 0)])
            assert set(range(stretch[1] // 60_000)) <= held
            rows = {layout.name: there.state_of(layout) for layout in LAYOUTS}
            assert {name: state for name, state in rows.items() if state} == copied.tables
    finally:
        over.set()
        writing.join()


@pytest.mark.slow
@pytest.mark.parametrize("part", ["store.db", "archive/samples/*/*.parquet", "archive/samples/_delta_log/*.json",
                                  "archive/archive.json", "home/issued/**/figures.json", "backup.json"])  # fmt: skip
@pytest.mark.parametrize("harm", ["lost", "changed"])
def test_a_damaged_backup_is_refused_and_names_the_file(settings, tmp_path, part, harm):
    back_up(settings, tmp_path / "backup", now=NOW)
    path = next(iter((tmp_path / "backup").glob(part)))
    path.chmod(0o600)
    path.unlink() if harm == "lost" else path.write_bytes(path.read_bytes()[:-1] + b"#")
    elsewhere = settings_of(tmp_path / "elsewhere")
    with pytest.raises((ArchiveError, ParameterError), match=f"no backup|{re.escape(path.name)}"):
        restore(elsewhere, tmp_path / "backup", now=NOW)
    assert not (elsewhere.home / "archive").exists()
    assert not (elsewhere.home / "workbench.db").exists()


def test_nothing_is_overwritten(settings, tmp_path):
    back_up(settings, tmp_path / "backup", now=NOW)
    with pytest.raises(ParameterError, match="is not empty"):
        restore(settings, tmp_path / "backup", now=NOW)
    restore(settings, tmp_path / "backup", now=NOW, replace=True)
    (aside,) = settings.home.glob("replaced-*")
    assert {path.name for path in aside.iterdir()} >= {"archive", "issued", "workbench.db"}
    assert len(issued_rows(settings)) == 2
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("")
    for wrong in (tmp_path / "other", settings.home / "inside"):
        with pytest.raises(ParameterError):
            back_up(settings, wrong, now=NOW)


def test_a_manifest_that_points_outside_is_refused(settings, tmp_path):
    back_up(settings, tmp_path / "backup", now=NOW)
    path = tmp_path / "backup" / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["files"]["home/../../evil"] = "0"
    path.chmod(0o600)
    path.write_text(json.dumps(manifest))
    with pytest.raises(ArchiveError, match="no file of a backup"):
        restore(settings_of(tmp_path / "elsewhere"), tmp_path / "backup", now=NOW)


@pytest.mark.live
def test_a_store_on_postgresql_is_backed_up_and_restored(settings, tmp_path, postgres_url):
    import uuid

    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url

    base = make_url(postgres_url)
    names = [f"backup_{uuid.uuid4().hex}" for _ in range(2)]
    server = create_engine(base, isolation_level="AUTOCOMMIT")
    urls = []
    for name in names:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        urls.append(base.set(database=name).render_as_string(hide_password=False))
    teams = [settings.model_copy(update={"store_url": url}) for url in urls]
    contexts = [open_context(team) for team in teams]
    add_exclusion(contexts[0], system=SYSTEM, start=END, duration="2h", reason="Move")
    back_up(teams[0], tmp_path / "backup", now=NOW)
    restore(teams[1], tmp_path / "backup", now=NOW, replace=True)
    assert contexts[1].store.exclusions(SYSTEM) == contexts[0].store.exclusions(SYSTEM)
    add_exclusion(contexts[1], system=SYSTEM, start=END, duration="3h", reason="Ids go on")
    for context in contexts:
        context.store.close()
    for name in names:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()
