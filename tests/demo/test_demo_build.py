from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from tests.demo.demo_histories import ANCHOR, SMALL, assert_same_history, lab_alone  # noqa: F401
from workbench.archive import Archive
from workbench.core.errors import ArchiveError, ParameterError
from workbench.core.series import SeriesSet
from workbench.core.timerange import to_ms
from workbench.demo import DemoSummary, build_demo
from workbench.demo.engine.lock import building
from workbench.demo.state import State
from workbench.promql import Matcher

#: Each builds a demo.
pytestmark = pytest.mark.slow

#: Over a midnight.
LATER = timedelta(hours=26)


def build(directory: Path, end: datetime, **more: object) -> DemoSummary:
    return build_demo(directory, scenario=SMALL, seed=3, end=end, anchor=ANCHOR, **more)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[timedelta], Path]:
    """A demo built at once up to so long after the anchor, once for all tests; read only."""

    @cache
    def at_once(after: timedelta) -> Path:
        folder = tmp_path_factory.mktemp("built") / "once"
        assert not build(folder, ANCHOR + after).appended
        return folder

    return at_once


@pytest.fixture
def demo(built: Callable[[timedelta], Path], tmp_path: Path) -> Path:
    """A demo up to the anchor, for one test to change."""
    return shutil.copytree(built(timedelta()), tmp_path / "demo")


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param((0, 40), id="within a day"),
        pytest.param((-135, -130, 0, 1), id="up to midnight and over it", marks=pytest.mark.slow),
        pytest.param(
            (-1680, 415, 3200), id="over midnights, from inside the gap, through a crash", marks=pytest.mark.soak
        ),
        pytest.param((0.25, 1.5, 17.75), id="between two minutes", marks=pytest.mark.soak),
    ],
)
def test_an_extended_demo_equals_one_built_at_once_bit_for_bit(
    tmp_path: Path, built: Callable[[timedelta], Path], ends: tuple[float, ...]
) -> None:
    extended = shutil.copytree(built(timedelta(minutes=ends[0])), tmp_path / "demo")
    for minutes in ends[1:]:
        assert build(extended, ANCHOR + timedelta(minutes=minutes)).appended
    assert_same_history(extended, built(timedelta(minutes=ends[-1])))


def test_the_anchor_is_the_midnight_of_the_first_build_and_stays(tmp_path: Path) -> None:
    first = build_demo(tmp_path / "demo", scenario=SMALL, end=ANCHOR + timedelta(hours=5))
    later = build_demo(tmp_path / "demo", scenario=SMALL, end=ANCHOR + timedelta(days=1, hours=1))
    assert first.anchor == later.anchor == ANCHOR
    assert later.range.start == ANCHOR - timedelta(days=3)
    assert later.appended


def test_a_demo_that_already_reaches_the_end_is_left_as_it_is(demo: Path) -> None:
    versions = Archive.open(demo).versions()
    summary = build(demo, ANCHOR - timedelta(hours=3))
    assert summary.range.end == ANCHOR
    assert Archive.open(demo).versions() == versions


def test_another_seed_or_scenario_replaces_the_demo(demo: Path, tmp_path: Path) -> None:
    other = build_demo(demo, scenario=SMALL, seed=4, end=ANCHOR)
    assert not other.appended
    assert json.loads((demo / "truth.json").read_text())["seed"] == 4
    changed = tmp_path / "changed.yaml"
    changed.write_text(SMALL.read_text().replace("magnitude: 0.5", "magnitude: 0.25"))
    assert not build_demo(demo, scenario=changed, seed=4, end=ANCHOR).appended


@pytest.mark.slow
@pytest.mark.parametrize(
    "extension", [pytest.param(False, id="first build", marks=pytest.mark.soak), pytest.param(True, id="extension")]
)
def test_a_build_killed_in_the_middle_is_finished_by_the_next(
    tmp_path: Path, built: Callable[[timedelta], Path], extension: bool
) -> None:
    demo, end = tmp_path / "demo", ANCHOR + LATER
    if extension:
        shutil.copytree(built(timedelta()), demo)
    killed = (
        "import os, signal, sys\n"
        "from datetime import datetime\nfrom pathlib import Path\n"
        "import pytest\nfrom tests.demo.demo_histories import simulate_the_lab_alone\n"
        "from workbench.demo import build_demo\n"
        "simulate_the_lab_alone(pytest.MonkeyPatch())\n"
        "def progress(share):\n"
        "    if share > 0.3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "build_demo(sys.argv[1], scenario=Path(sys.argv[2]), seed=3, progress=progress,\n"
        "    end=datetime.fromisoformat(sys.argv[3]), anchor=datetime.fromisoformat(sys.argv[4]))\n"
    )
    arguments = [str(demo), str(SMALL), end.isoformat(), ANCHOR.isoformat()]
    done = subprocess.run([sys.executable, "-c", killed, *arguments], capture_output=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert demo.exists() == extension, "a first build stands beside the folder until it is whole"
    assert build(demo, end).appended == extension
    assert_same_history(demo, built(LATER))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".demo.lock", "demo"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "hours",
    [
        pytest.param(-1, id="earlier", marks=pytest.mark.soak),
        pytest.param(1, id="before midnight"),
        pytest.param(30, id="after midnight", marks=pytest.mark.soak),
    ],
)
def test_an_extension_killed_before_it_noted_its_state_is_undone(
    demo: Path, built: Callable[[timedelta], Path], monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(State, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            build(demo, ANCHOR + LATER)
    summary = build(demo, ANCHOR + timedelta(hours=hours))
    assert_same_history(demo, built(summary.range.end - ANCHOR))


def test_a_second_builder_waits_for_the_first_and_its_progress_rises_to_one(tmp_path: Path) -> None:
    demo = tmp_path / "demo"
    seen: list[float] = []
    summaries: list[DemoSummary] = []
    with building(demo):
        thread = threading.Thread(target=lambda: summaries.append(build(demo, ANCHOR, progress=seen.append)))
        thread.start()
        thread.join(timeout=1)
        assert thread.is_alive()
        assert not demo.exists()
    thread.join(timeout=120)
    assert summaries[0].samples > 0
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_waiting_ends_with_the_process_that_holds_the_lock(tmp_path: Path) -> None:
    def wait() -> None:
        with building(tmp_path / "demo", patience_s=0.1):
            raise AssertionError("the lock was given twice")

    with building(tmp_path / "demo"):
        caught: list[BaseException] = []

        def run() -> None:
            try:
                wait()
            except ArchiveError as error:
                caught.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert str(os.getpid()) in str(caught[0])


@pytest.mark.slow
def test_readers_see_whole_histories_while_the_demo_is_extended(demo: Path) -> None:
    up = [Matcher("__name__", "=", "process_start_time_seconds"), Matcher("system", "=", "counterfactual-lab")]
    seen: set[int] = set()
    done = threading.Event()

    def now() -> int:
        found = Archive.open(demo).select(up, 0, to_ms(ANCHOR + timedelta(days=9)))
        assert len(found) == 3
        return found.samples

    def read() -> None:
        while not done.is_set():
            seen.add(now())

    known = {now()}
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for hours in (13, 54):
            build(demo, ANCHOR + timedelta(hours=hours))
            known.add(now())
    finally:
        done.set()
        reader.join()
    assert len(known) == 3
    assert seen <= known


def test_a_folder_with_other_things_in_it_is_refused_and_kept(tmp_path: Path) -> None:
    mine = Archive.open(tmp_path / "mine", create=True)
    mine.append_samples(SeriesSet.of([({"__name__": "up"}, [0], [1.0])]))
    with pytest.raises(ArchiveError, match="is not a demo"):
        build(tmp_path / "mine", ANCHOR)
    assert Archive.open(tmp_path / "mine").select([], 0, 1).samples == 1


def test_an_end_before_the_history_starts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="lies before the start"):
        build(tmp_path / "demo", ANCHOR - timedelta(days=9))
    with pytest.raises(ParameterError, match="no time zone"):
        build_demo(tmp_path / "demo", scenario=SMALL, end=datetime(2026, 11, 1))
    assert not (tmp_path / "demo").exists()


def test_the_archive_says_what_it_holds(built: Callable[[timedelta], Path]) -> None:
    archive = Archive.open(built(timedelta()))
    assert archive.newest_ms() == to_ms(ANCHOR)
    assert [deploy["version"] for deploy in archive.meta["deploys"]] == ["1.1.0"]
    assert archive.families["http_requests_total"]["type"] == "counter"
    assert archive.families["http_request_duration_seconds"]["type"] == "histogram"
