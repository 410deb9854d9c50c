"""Copying from real servers: exact, once, and finished by the next run whatever ended the one before."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.servers.fixtures import Omit, release_or_omit
from tests.servers.object_store import fresh_prefix, object_server
from tests.servers.openmetrics import write_openmetrics
from tests.servers.programs import Server
from tests.servers.prometheus import load_blocks, prometheus
from workbench.archive import Archive
from workbench.cli.main import main
from workbench.core.errors import ArchiveError
from workbench.core.filters import LogFilter
from workbench.core.series import SeriesSet, label_key
from workbench.core.settings import load_settings
from workbench.core.timerange import TimeRange
from workbench.promql.parser.matchers import Matcher
from workbench.studies import Context, open_context
from workbench.studies.upkeep.holes import holes
from workbench.studies.upkeep.plan import sync_plan
from workbench.studies.upkeep.sync import sync

pytestmark = [pytest.mark.live, pytest.mark.slow]

LAB = {"system": "counterfactual-lab", "job": "counterfactual-lab"}
DAYS = 4
WORKBENCH = Path(sys.executable).with_name("workbench")


def history(end_ms: int) -> SeriesSet:
    """Counters with resets, gauges and `up` of the Lab, one sample a minute, and a metric nobody asked for."""
    times = np.arange(end_ms - DAYS * 86_400_000, end_ms, 60_000) // 60_000 * 60_000
    rng = np.random.default_rng(11)
    rows = []
    for n in range(12):
        total = np.cumsum(rng.poisson(9, len(times))).astype(float)
        total[len(times) // 2 :] -= total[len(times) // 2]
        labels = {"__name__": "http_requests_total", **LAB, "instance": f"lab-{n % 3}:8000", "n": str(n)}
        rows.append((labels, times, total))
    for name in ("http_request_duration_seconds_sum", "http_request_duration_seconds_count"):  # of one label set
        rows.append(({"__name__": name, **LAB, "instance": "lab-0:8000"}, times, np.cumsum(rng.poisson(9, len(times)))))
    for n in range(3):
        rows.append(({"__name__": "up", **LAB, "instance": f"lab-{n}:8000"}, times, np.ones(len(times))))
        rows.append(({"__name__": "something_else", **LAB, "n": str(n)}, times, rng.normal(5, 1, len(times))))
    return SeriesSet.of(rows)


def wanted(series: SeriesSet) -> dict:
    return {key: each for key, each in held(series).items() if dict(key)["__name__"] != "something_else"}


def held(series: SeriesSet) -> dict:
    return {label_key(labels): (times.tolist(), values.view(np.int64).tolist()) for labels, times, values in series}


@pytest.fixture(scope="module")
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def samples(now: datetime) -> SeriesSet:
    return history(int(now.timestamp()) * 1000)


@pytest.fixture(scope="module")
def blocks(samples: SeriesSet, tmp_path_factory: pytest.TempPathFactory, omit: Omit) -> Path:
    folder = tmp_path_factory.mktemp("sync-blocks")
    write_openmetrics(samples, folder / "samples.om")
    load_blocks(release_or_omit("v3", omit), folder / "samples.om", folder / "data")
    return folder / "data"


@contextmanager
def served(blocks: Path, folder: Path, omit: Omit) -> Iterator[Server]:
    import shutil

    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "data").exists():
        shutil.copytree(blocks, folder / "data", copy_function=os.link)
    with prometheus(release_or_omit("v3", omit), folder) as server:
        yield server


@pytest.fixture(scope="module")
def server(blocks: Path, tmp_path_factory: pytest.TempPathFactory, omit: Omit) -> Iterator[Server]:
    with served(blocks, tmp_path_factory.mktemp("sync-server"), omit) as running:
        yield running


def settings(folder: Path, url: str) -> Path:
    file = folder / "workbench.toml"
    source = f'[sources.prod]\nkind = "prometheus"\nurl = "{url}"\nsystems = ["counterfactual-lab"]\ntimeout_s = 20\n'
    file.write_text(f'home = "home"\n{source}')
    return file


def context(folder: Path, url: str, now: datetime) -> Context:
    found = open_context(load_settings(settings(folder, url)))
    object.__setattr__(found, "clock", lambda: now)
    return found


def run(ctx: Context, archive: Archive, now: datetime, *, days: float = DAYS + 1, again: float = 0) -> list:
    plan = sync_plan(ctx, archive, back=timedelta(days=days), as_of=now, again=timedelta(days=again))
    return list(sync(ctx, archive, plan))


def everything(archive: Archive) -> dict:
    return held(archive.select([], 0, 2**60))


def test_a_copy_is_exact_and_the_next_one_adds_nothing(server, samples, tmp_path, now) -> None:
    ctx, archive = context(tmp_path, server.url, now), Archive.open(tmp_path / "archive", create=True)
    done = run(ctx, archive, now)
    assert {one.way for one in done} == {"remote read"}
    assert not [one.error for one in done if one.error]
    assert everything(archive) == wanted(samples)
    assert sum(one.added for one in done) == archive.rows("samples") == sum(len(t) for t, _ in wanted(samples).values())
    again = run(ctx, archive, now)
    assert [one.stretch.span.end - one.stretch.span.start for one in again] == [timedelta(hours=1)] or len(again) == 2
    assert sum(one.added for one in again) == 0
    assert sum(one.read for one in again) > 0
    assert sum(one.added for one in run(ctx, archive, now, again=2)) == 0
    assert everything(archive) == wanted(samples)


def test_a_copy_into_an_object_store_is_exact_and_the_next_one_adds_nothing(
    server, samples, tmp_path, now, monkeypatch
) -> None:
    with object_server() as address:
        archive = Archive.open(fresh_prefix(address, monkeypatch), create=True)
        ctx = context(tmp_path, server.url, now)
        assert not [one.error for one in run(ctx, archive, now) if one.error]
        again = Archive.open(str(archive.place))
        assert everything(again) == wanted(samples)
        assert sum(one.added for one in run(ctx, again, now)) == 0
        assert everything(again) == wanted(samples)


def test_a_clock_that_was_ahead_loses_no_samples(server, samples, tmp_path, omit, now) -> None:
    """The first copy runs two hours ahead of the newest sample; the next ones have the right time."""
    early = now - timedelta(hours=3)
    archive = Archive.open(tmp_path / "archive", create=True)
    write_openmetrics(history(int(early.timestamp()) * 1000), tmp_path / "early.om")
    load_blocks(release_or_omit("v3", omit), tmp_path / "early.om", tmp_path / "early" / "data")
    with served(tmp_path, tmp_path / "early", omit) as then:
        run(context(tmp_path, then.url, early), archive, early + timedelta(hours=2))
    ctx = context(tmp_path, server.url, now)
    for minutes in (30, 60, 180):
        run(ctx, archive, early + timedelta(minutes=minutes))
    got = everything(archive)
    assert {key: len(set(times) - set(got[key][0])) for key, (times, _) in wanted(samples).items()} == (
        dict.fromkeys(got, 0)
    )


def test_a_gap_between_two_copies_is_found_and_filled(server, samples, tmp_path, now) -> None:
    ctx, archive = context(tmp_path, server.url, now), Archive.open(tmp_path / "archive", create=True)
    run(ctx, archive, now - timedelta(days=2), days=2)
    run(ctx, archive, now, days=0.5)
    assert everything(archive) != wanted(samples)
    done = run(ctx, archive, now)
    assert any(one.stretch.gap for one in done)
    assert everything(archive) == wanted(samples)


def test_a_hole_inside_what_was_copied_is_found_by_its_counts_and_filled(server, samples, tmp_path, now) -> None:
    ctx, archive = context(tmp_path, server.url, now), Archive.open(tmp_path / "archive", create=True)
    run(ctx, archive, now)
    asked = {"back": timedelta(days=DAYS + 1), "as_of": now}
    assert holes(ctx, archive, **asked) == []
    day = int(now.timestamp()) * 1000 // 86_400_000 * 86_400_000 - 2 * 86_400_000
    lost = [Matcher("__name__", "=", "http_requests_total"), Matcher("n", "=", "7")]
    archive.replace_samples(SeriesSet.empty(), day + 36_000_000, day + 39_600_000, matchers=lost)
    archive.replace_samples(SeriesSet.empty(), day, day + 1, matchers=[Matcher("__name__", "=", "up")])
    assert sum(one.added for one in run(ctx, archive, now)) == 0
    found = holes(ctx, archive, **asked)
    assert [(one.subjects, one.span.start_ms) for one in found] == [
        (("up",), day - 86_400_000 + 1),
        (("http_requests_total",), day + 1),
    ]
    done = list(sync(ctx, archive, found))
    assert [one.added for one in done] == [3, 60]
    assert everything(archive) == wanted(samples)
    assert holes(ctx, archive, **asked) == []


def test_samples_that_came_late_are_added_once(server, samples, tmp_path, now) -> None:
    ctx, archive = context(tmp_path, server.url, now), Archive.open(tmp_path / "archive", create=True)
    run(ctx, archive, now)
    lost_ms = int(now.timestamp()) * 1000 - 1_800_000
    archive.replace_samples(SeriesSet.empty(), lost_ms, lost_ms + 600_000)
    assert everything(archive) != wanted(samples)
    assert sum(one.added for one in run(ctx, archive, now)) == 10 * 17
    assert everything(archive) == wanted(samples)


def test_a_server_that_dies_half_way_is_told_and_the_next_run_finishes(blocks, samples, tmp_path, omit, now) -> None:
    archive = Archive.open(tmp_path / "archive", create=True)
    with served(blocks, tmp_path / "server", omit) as server:
        ctx = context(tmp_path, server.url, now)
        object.__setattr__(ctx.sources["prod"]._api, "timeout_s", 3.0)
        plan = sync_plan(ctx, archive, back=timedelta(days=DAYS + 1), as_of=now)
        done = []
        for one in sync(ctx, archive, plan):
            done.append(one)
            if len(done) == 3:
                os.kill(server.pid, signal.SIGKILL)
    assert [bool(one.error) for one in done] == [False] * 3 + [True] * (len(plan) - 3)
    assert {one.exit_code for one in done} == {0, 3}
    assert set(everything(archive).keys()) <= set(wanted(samples).keys())
    with served(blocks, tmp_path / "server", omit) as server:
        done = run(context(tmp_path, server.url, now), archive, now)
    assert not [one.error for one in done if one.error]
    assert everything(archive) == wanted(samples)


def started(folder: Path, *, file_limit: int = 0) -> subprocess.Popen[str]:
    def limited() -> None:
        if file_limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    command = [WORKBENCH, "--config", folder / "workbench.toml", "archive", "sync", "--back", f"{DAYS + 1}d"]
    return subprocess.Popen(
        [*command, "--no-counts", "--format", "json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, preexec_fn=limited,
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, told = process.communicate(timeout=120)
    return process.returncode, told


def is_whole(folder: Path, samples: SeriesSet) -> bool:
    return everything(Archive.open(folder / "home" / "archive")) == wanted(samples)


def test_copies_killed_again_and_again_lose_and_double_nothing(server, samples, tmp_path) -> None:
    settings(tmp_path, server.url)
    chance = np.random.default_rng(int(os.environ.get("SYNC_KILL_SEED", "5")))
    for _ in range(int(os.environ.get("SYNC_KILLS", "4"))):
        process = started(tmp_path)
        deadline = time.monotonic() + 60
        while not (tmp_path / "home" / "archive" / "samples").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(float(chance.uniform(0, 1.0)))
        process.kill()
        process.communicate()
    code, told = ended(started(tmp_path))
    assert code == 0, told
    assert is_whole(tmp_path, samples)
    assert Archive.open(tmp_path / "home" / "archive").rows("samples") == sum(
        len(times) for times, _ in wanted(samples).values()
    )


def test_two_copies_at_once_end_with_one_archive(server, samples, tmp_path) -> None:
    settings(tmp_path, server.url)
    codes = [ended(process) for process in [started(tmp_path), started(tmp_path)]]
    assert sorted(code for code, _ in codes) in ([0, 0], [0, ArchiveError.exit_code]), codes
    assert any("Another process copies" in told for code, told in codes if code) or {code for code, _ in codes} == {0}
    assert is_whole(tmp_path, samples)


def test_a_full_disk_is_told_and_the_next_run_finishes(server, samples, tmp_path) -> None:
    settings(tmp_path, server.url)
    code, told = ended(started(tmp_path, file_limit=12_000))
    assert code == ArchiveError.exit_code, told
    assert "cannot write" in told or "cannot be used" in told
    assert "Traceback" not in told
    code, told = ended(started(tmp_path))
    assert code == 0, told
    assert is_whole(tmp_path, samples)


class Lines:
    """A source of one line, told twice, with a personal field."""

    name = "lines"

    def logs(self, wanted, span):
        frame = pd.DataFrame(
            {
                "time_ns": [span.start_ms * 1_000_000] * 2,
                "severity": "INFO",
                "message": ["hello", "there"],
                "service": "lab",
                "trace_id": "",
                "span_id": "",
                "event_type": "",
                "attributes": [{"user_id": "ada"}] * 2,
            }
        )
        yield frame


def test_lines_are_copied_once_and_only_under_pseudonyms(server, tmp_path, now) -> None:
    ctx, archive = context(tmp_path, server.url, now), Archive.open(tmp_path / "archive", create=True)
    object.__setattr__(ctx, "log_sources", {"lines": Lines()})
    plan = [one for one in sync_plan(ctx, archive, back=timedelta(hours=2), as_of=now) if one.kind == "logs"]
    assert all("user_id" in one.error for one in sync(ctx, archive, plan))
    assert archive.rows("logs") == 0

    def private(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(attributes=[{"user_id": "p-1"}] * len(frame))

    for _ in range(2):
        assert not [one.error for one in sync(ctx, archive, plan, private=private) if one.error]
    span = TimeRange(now - timedelta(hours=3), now)
    found = archive.logs(LogFilter(), span)
    assert len(found) == 2 * len(plan)
    assert {row["user_id"] for row in found["attributes"]} == {"p-1"}


def test_a_server_that_cannot_count_is_told_and_what_can_be_copied_is(tmp_path, capsys) -> None:
    settings(tmp_path, "http://127.0.0.1:9")
    command = ["archive", "sync", "--back", "3d", "--verify", "--no-counts", "--to", str(tmp_path / "archive")]
    with pytest.raises(SystemExit) as ended:
        main(["--config", str(tmp_path / "workbench.toml"), *command])
    assert ended.value.code == 3
    told = capsys.readouterr().err
    assert "Not verified: " in told
    assert "Not copied: " in told
