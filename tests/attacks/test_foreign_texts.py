"""Files of others, changed anywhere: a typed error or an answer, and never a fault of the workbench."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.attacks.foreign_texts import READERS
from tests.catalog.test_catalog_sound import PROFILE
from workbench.core.errors import WorkbenchError
from workbench.studies.authoring import imports

GONE = object()
VALUES: list[Any] = [
    None, True, 0, -1, 1.5, 10**30, 1e308, float("inf"), float("nan"), "", " ", "x", "\ud800", "1e999999999",
    "\x00", "\x1b[31m", "1e400",
    "9" * 5_000, "9999-12-31T23:59:59Z", "0001-01-01", "2026-02-30", "-5m", "999999999999d", "{{.window}}",
    "sum(", "a" * 3_000,
    "a/../b", "=1+1", "NaN", [], {}, [None], {"": 1}, {"a": {"a": {"a": []}}}, [[[[]]]], {"x": float("nan")}, GONE,
]  # fmt: skip
PIECES = [
    b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\n", b"\r\n", b"\x0c", b"\xe2\x80\xa8", b",", b";", b"\t", b'"', b"'",
    b"[", b"{", b"]", b"}", b":", b": ", b"- ", b"*a", b"&a ", b"!!python/object:os.system ", b"<<: ", b"%", b"\\",
    b"\\ud800", b"1e999", b"-", b"0", b"9" * 400, b"NaN", b"inf", b"null", b"~", b"2026-13-45", b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd", b"[" * 3_000,
    b"\xff" * 9, b"\x7f", b"\x01", b"(", b")", b"|", b"=~", b"true", b"#", b"---\n", b"..", b"\xed\xa0\x80",
]  # fmt: skip
PLACES = st.integers(0, 2**31)
CHANGE = st.tuples(PLACES, st.integers(0, 12), st.integers(0, len(VALUES) * len(PIECES)))
CHANGES = st.tuples(PLACES, st.lists(CHANGE, max_size=4))
SHAKEN = settings(suppress_health_check=list(HealthCheck), deadline=None, database=None, max_examples=30)


def nodes(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a document: what holds it, and under which key."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from nodes(value[key])


def changed(seed: Any, changes: list[tuple[int, int, int]]) -> bytes:
    """Put other values at places of a document, or other bytes at places of a text."""
    if isinstance(seed, bytes):
        for place, cut, piece in changes:
            at = place % (len(seed) + 1)
            seed = seed[:at] + PIECES[piece % len(PIECES)] + seed[at + cut :]
        return bytes(seed)
    seed = [copy.deepcopy(seed)]
    for place, _, value in changes:
        places = list(nodes(seed))
        if not places:
            break
        holder, key = places[place % len(places)]
        if VALUES[value % len(VALUES)] is GONE:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(VALUES[value % len(VALUES)])
    return "\n".join(json.dumps(part, default=str) for part in seed).encode()


def read_or_refused(name: str, folder: Path, change: tuple[int, list[tuple[int, int, int]]]) -> None:
    file, seeds, read = READERS[name]
    path = folder / file
    path.write_bytes(changed(seeds[change[0] % len(seeds)], change[1]))
    with contextlib.suppress(WorkbenchError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a library's word about odd values is no fault
        read(path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile" / "a.yaml").write_text(PROFILE.format(name="a"))
    monkeypatch.setattr(imports, "shipped", lambda *_: tmp_path / "profile")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
@SHAKEN
@example(change=(0, []))
@given(change=CHANGES)
def test_a_file_that_was_changed_is_read_or_refused(name, folder, change) -> None:
    read_or_refused(name, folder, change)


#: What the ten thousand found, so that it stays mended.
KNOWN = [
    ("chunks", (0, [(1, 6, 4), (36, 0, 1195)])),
    ("Parquet table", (0, [(24, 2, 2)])),
    ("Parquet table", (0, [(404, 2, 2)])),
    ("Parquet table", (0, [(404, 3, 51)])),
    ("rows of Parquet", (0, [(24, 2, 2)])),
]


@pytest.mark.parametrize(("name", "change"), KNOWN)
def test_what_once_ended_otherwise_is_read_or_refused(name, folder, change) -> None:
    read_or_refused(name, folder, change)


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", READERS)
@settings(SHAKEN, max_examples=int(os.environ.get("WORKBENCH_EXAMPLES", "10000")))
@given(change=CHANGES)
def test_ten_thousand_changed_files(name, folder, change) -> None:
    read_or_refused(name, folder, change)
