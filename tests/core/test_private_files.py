"""What is written belongs to its user alone, whatever the umask was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.archive import Archive
from workbench.core.private import private_folder
from workbench.core.series import SeriesSet
from workbench.store import Store


@pytest.fixture(params=[0o000, 0o022, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_folders_that_are_made_are_private_and_others_keep_their_rights(tmp_path: Path, umask: int) -> None:
    tmp_path.chmod(0o755)
    made = private_folder(tmp_path / "a" / "b")
    assert [path.stat().st_mode & 0o777 for path in (made, made.parent, tmp_path)] == [0o700, 0o700, 0o755]


@pytest.mark.parametrize("umask", [0o000, 0o022], indirect=True)
def test_store_and_archive_are_behind_a_private_folder(tmp_path: Path, umask: int) -> None:
    store = Store(f"sqlite:///{tmp_path / 'home' / 'workbench.db'}")
    store.runs()
    store.close()
    archive = Archive.open(tmp_path / "home" / "archive", create=True)
    archive.append_samples(SeriesSet.of([({"__name__": "a"}, [0], [1.0])]))
    assert [path.stat().st_mode & 0o077 for path in (tmp_path / "home", tmp_path / "home" / "archive")] == [0, 0]
    files = [path for path in (tmp_path / "home").iterdir() if path.is_file()]
    assert {path.name: path.stat().st_mode & 0o077 for path in files} == {path.name: 0 for path in files}
