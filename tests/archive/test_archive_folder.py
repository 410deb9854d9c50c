from __future__ import annotations

import json
import os

import numpy as np
import pytest

from workbench.archive import Archive
from workbench.archive.storage.layout import HISTOGRAMS, LAYOUTS, SAMPLES
from workbench.core.errors import ArchiveError
from workbench.core.series import SeriesSet

NOVEMBER = 1_793_491_200_000


def one(value: float = 1.0) -> SeriesSet:
    return SeriesSet.of([({"__name__": "up"}, NOVEMBER + np.arange(5) * 1000, np.full(5, value))])


def test_a_missing_folder_says_how_to_get_an_archive(tmp_path):
    with pytest.raises(ArchiveError, match=r"No archive in .*\n.*workbench demo build"):
        Archive.open(tmp_path / "nowhere")


def test_a_foreign_folder_is_neither_opened_nor_filled(tmp_path):
    (tmp_path / "thesis.doc").write_text("dear")
    with pytest.raises(ArchiveError, match=r"not empty: it holds thesis\.doc"):
        Archive.open(tmp_path, create=True)
    assert sorted(path.name for path in tmp_path.iterdir()) in (["thesis.doc"], ["archive.lock", "thesis.doc"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is damaged"),
        ("[]", "does not describe an archive"),
        ('{"format": "other"}', "does not describe an archive"),
        ('{"format": "workbench-archive", "schema": 99}', "has format 99; this workbench reads 1 to 2"),
    ],
)
def test_a_document_that_is_not_ours_is_named(tmp_path, text, message):
    (tmp_path / "archive.json").write_text(text)
    with pytest.raises(ArchiveError, match=message):
        Archive.open(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_an_archive_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="cannot be opened"):
        Archive.open(tmp_path / "file", create=True)
    with pytest.raises(ArchiveError):
        Archive.open(tmp_path / "file")


def test_an_interrupted_creation_can_be_finished(tmp_path):
    Archive.open(tmp_path / "a", create=True)
    (tmp_path / "a" / "archive.json").unlink()
    with pytest.raises(ArchiveError):
        Archive.open(tmp_path / "a")
    Archive.open(tmp_path / "a", create=True).append_samples(one())


def test_a_damaged_data_file_is_named_and_other_months_stay_readable(tmp_path):
    archive = Archive.open(tmp_path / "a", create=True)
    archive.append_samples(one())
    archive.append_samples(SeriesSet.of([({"__name__": "up"}, [NOVEMBER - 1], [7.0])]))
    broken = next(file for file in archive.files(SAMPLES) if file.month == "2026-11")
    path = archive.root / "samples" / broken.path
    path.chmod(0o644)
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(ArchiveError, match=rf"{broken.path.split('/')[-1]} of the archive cannot be read"):
        Archive.open(archive.root).select([], NOVEMBER, NOVEMBER)
    assert Archive.open(archive.root).select([], 0, NOVEMBER - 1).values.tolist() == [7.0]
    path.unlink()
    with pytest.raises(ArchiveError, match="cannot be read"):
        Archive.open(archive.root).select([], NOVEMBER, NOVEMBER)


def test_a_missing_table_is_an_archive_error(tmp_path):
    archive = Archive.open(tmp_path / "a", create=True)
    os.rename(archive.root / "samples", tmp_path / "moved")
    with pytest.raises(ArchiveError, match="There is no table in"):
        Archive.open(archive.root).newest_ms()


def test_the_document_keeps_what_was_set(tmp_path):
    archive = Archive.open(tmp_path / "a", create=True)
    archive.update_meta({"seed": 7, "anchor": "2026-11-01T00:00:00Z"})
    archive.update_meta({"seed": 8})
    archive.update_families({"up": {"type": "gauge", "help": "Is it?", "unit": ""}})
    again = Archive.open(archive.root)
    assert again.meta == {"seed": 8, "anchor": "2026-11-01T00:00:00Z"}
    assert again.families == {"up": {"type": "gauge", "help": "Is it?", "unit": ""}}
    assert json.loads((archive.root / "archive.json").read_text())["format"] == "workbench-archive"
    assert not list(archive.root.glob(".archive.json*"))


def test_vacuum_removes_orphans_and_nothing_that_is_read(tmp_path):
    archive = Archive.open(tmp_path / "a", create=True)
    archive.append_samples(one())
    archive.append_samples(one(2.0))
    archive.replace_samples(one(3.0), NOVEMBER, NOVEMBER + 10_000)
    orphan = archive.root / "samples" / "month=2026-11" / "orphan.parquet"
    orphan.write_bytes(b"half")
    assert archive.vacuum() == 0
    assert archive.vacuum(hours=0) >= 3
    assert not orphan.exists()
    assert archive.select([], 0, 2**60).values.tolist() == [3.0] * 5
    assert Archive.open(archive.root).select([], 0, 2**60).samples == 5


@pytest.mark.slow
def test_many_commits_stay_quick_to_open_by_checkpoints(tmp_path):
    archive = Archive.open(tmp_path / "a", create=True)
    for minute in range(45):
        archive.append_samples(SeriesSet.of([({"__name__": "up"}, [NOVEMBER + minute * 60_000], [1.0])]))
    assert list((archive.root / "samples" / "_delta_log").glob("*.checkpoint.parquet"))
    assert Archive.open(archive.root).select([], 0, 2**60).samples == 45


def test_other_engines_find_plain_delta_tables(tmp_path):
    from deltalake import DeltaTable

    archive = Archive.open(tmp_path / "a", create=True)
    archive.append_samples(one())
    for layout in set(LAYOUTS) - {HISTOGRAMS}:
        assert DeltaTable(archive.root / layout.name).schema() is not None
    table = DeltaTable(archive.root / "samples")
    assert table.count() == 5
    assert len(table.file_uris(file_pruning_predicate=[("ts", ">", NOVEMBER + 10**9)])) == 0


def test_an_open_archive_follows_when_its_folder_is_built_anew(tmp_path):
    first = Archive.open(tmp_path / "a", create=True)
    first.append_samples(one(1.0))
    assert first.select([], 0, 2**60).values[0] == 1.0
    before = first.versions()
    fresh = Archive.open(tmp_path / "b", create=True)
    fresh.append_samples(SeriesSet.of([({"__name__": "other"}, [NOVEMBER], [2.0])]))
    os.rename(tmp_path / "a", tmp_path / "old")
    os.rename(tmp_path / "b", tmp_path / "a")
    found = first.select([], 0, 2**60)
    assert (found.labels[0]["__name__"], found.values.tolist()) == ("other", [2.0])
    assert all(first.versions()[name] != version for name, version in before.items() if version)
