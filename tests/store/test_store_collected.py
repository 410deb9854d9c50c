"""One contract over SQLite and PostgreSQL: what the collector writes down."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from workbench.core.frames import EPISODES, check
from workbench.core.processes import Process, this_process
from workbench.core.timerange import TimeRange
from workbench.store import HealthResult, Store

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def episode(starts: datetime, ends: datetime | None, **labels: str) -> dict[str, object]:
    return {
        "alertname": "HighErrorRate",
        "severity": "critical",
        "labels": labels,
        "active_at": starts - MINUTE,
        "starts_at": starts,
        "ends_at": ends,
        "left_censored": False,
        "right_censored": ends is None,
        "unknown_s": 0.0,
    }


def episodes(*rows: dict[str, object]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    for name in ("active_at", "starts_at", "ends_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    return frame


def test_a_lease_is_one_holder_s_until_it_is_given_back_or_runs_out(store: Store) -> None:
    assert store.take_lease("collect", "a", now=NOON, lasts=HOUR)
    assert not store.take_lease("collect", "b", now=NOON + MINUTE, lasts=HOUR)
    assert store.take_lease("collect", "a", now=NOON + MINUTE, lasts=HOUR)
    store.give_lease("collect", "b")
    assert not store.take_lease("collect", "b", now=NOON + MINUTE, lasts=HOUR)
    store.give_lease("collect", "a")
    assert store.take_lease("collect", "b", now=NOON + MINUTE, lasts=HOUR)
    assert store.take_lease("collect", "c", now=NOON + MINUTE + HOUR, lasts=HOUR)
    assert store.take_lease("elsewhere", "a", now=NOON, lasts=HOUR)


def holder(process: Process, mark: str = "1") -> str:
    return f"{process}/{mark}"


@pytest.mark.slow
def test_a_lease_of_a_process_that_ended_is_free_at_once(store: Store) -> None:
    own = this_process()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        started = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]
        living = Process(own.host, own.boot, child.pid, started)
        assert store.take_lease("collect", holder(living), now=NOON, lasts=HOUR)
        assert not store.take_lease("collect", holder(own), now=NOON, lasts=HOUR)
        child.communicate()
    assert store.take_lease("collect", holder(own), now=NOON, lasts=HOUR)


@pytest.mark.parametrize("gone", [{"started": "1"}, {"boot": "another"}])
def test_a_number_used_again_or_another_boot_is_no_holder(store: Store, gone: dict[str, str]) -> None:
    assert store.take_lease("collect", holder(replace(this_process(), **gone)), now=NOON, lasts=HOUR)
    assert store.take_lease("collect", holder(this_process()), now=NOON, lasts=HOUR)


@pytest.mark.slow
@pytest.mark.parametrize("jump", [-2 * HOUR, 2 * HOUR, timedelta(days=-400)])
def test_a_clock_that_jumps_moves_no_lease_of_this_host(store: Store, jump: timedelta) -> None:
    assert store.take_lease("collect", holder(this_process(), "a"), now=NOON, lasts=HOUR)
    assert not store.take_lease("collect", holder(this_process(), "b"), now=NOON + jump, lasts=HOUR)
    store.give_lease("collect", holder(this_process(), "a"))
    assert store.take_lease("collect", holder(this_process(), "b"), now=NOON + jump, lasts=HOUR)


def test_a_lease_of_another_host_ends_also_when_the_clock_went_back(store: Store) -> None:
    other = holder(replace(this_process(), host="other"))
    assert store.take_lease("collect", other, now=NOON, lasts=MINUTE)
    assert not store.take_lease("collect", "b", now=NOON, lasts=MINUTE)
    assert store.take_lease("collect", "b", now=NOON - 2 * HOUR, lasts=MINUTE)


def test_an_answer_is_kept_for_each_revision_of_the_question(store: Store) -> None:
    assert store.kept_answer("standing", "lab", "r1") is None
    store.keep_answer("standing", "lab", "r1", {"firing": []}, as_of=NOON, read_at=NOON + MINUTE)
    store.keep_answer("standing", "lab", "r1", {"firing": ["ü"]}, as_of=NOON + HOUR, read_at=NOON + HOUR)
    kept = store.kept_answer("standing", "lab", "r1")
    assert kept is not None
    assert (kept.document, kept.as_of, kept.read_at) == ({"firing": ["ü"]}, NOON + HOUR, NOON + HOUR)
    assert store.kept_answer("standing", "lab", "r2") is None


@pytest.mark.slow
def test_an_observation_lasts_as_long_as_the_server_says_the_same(store: Store) -> None:
    up, down = [{"instance": "a", "health": "up"}], [{"health": "down", "instance": "a"}]
    said = [store.observe("prod", "targets", each, at=NOON + n * MINUTE) for n, each in enumerate([up, up, down, up])]
    assert said == [True, False, True, True]
    seen = store.observed("prod", "targets")
    assert [(one.document, one.first_seen - NOON, one.last_seen - NOON) for one in seen] == [
        (up, 3 * MINUTE, 3 * MINUTE),
        (down, 2 * MINUTE, 2 * MINUTE),
        (up, 0 * MINUTE, MINUTE),
    ]
    assert [one.first_seen for one in store.observed("prod", "targets", limit=1)] == [NOON + 3 * MINUTE]
    assert store.observed("prod", "rules") == []


def test_a_failed_collection_keeps_the_time_of_the_last_that_worked(store: Store) -> None:
    store.note_collection("prod", "rules", at=NOON, every=5 * MINUTE)
    store.note_collection("prod", "rules", at=NOON + HOUR, every=5 * MINUTE, error="Nobody answers.")
    store.note_collection("away", "rules", at=NOON, every=timedelta(0), error="Nobody answers.")
    away, prod = store.collections()
    assert (prod.tried, prod.succeeded, prod.every_s, prod.error) == (NOON + HOUR, NOON, 300, "Nobody answers.")
    assert (away.subject, away.succeeded, away.every_s) == ("away", None, 0)
    store.note_collection("prod", "rules", at=NOON + 2 * HOUR, every=5 * MINUTE)
    assert store.collections()[1].error == ""


def test_health_is_read_back_in_order_of_time(store: Store) -> None:
    written = [
        HealthResult("lab", "basic", NOON + MINUTE, "unreachable", None, 5.0, "No answer in 5 s."),
        HealthResult("lab", "basic", NOON, "healthy", 200, 0.012, ""),
        HealthResult("other", "basic", NOON, "healthy", 200, 0.012, ""),
    ]
    store.put_health(written)
    store.put_health([])
    assert store.health("lab", TimeRange(NOON, NOON + HOUR)) == [written[1], written[0]]
    assert store.health("lab", TimeRange(NOON, NOON + MINUTE)) == [written[1]]


def test_an_open_episode_is_closed_by_a_later_look(store: Store) -> None:
    first = episodes(episode(NOON, None, instance="a"), episode(NOON, NOON + MINUTE, instance="b"))
    assert store.put_episodes("lab", first) == 2
    store.put_episodes("lab", episodes(episode(NOON, NOON + HOUR, instance="a")))
    found = store.episodes("lab", TimeRange(NOON - HOUR, NOON + HOUR))
    check(found, EPISODES, where="the store")
    ends = {labels["instance"]: end for labels, end in zip(found["labels"], found["ends_at"], strict=True)}
    assert ends == {"a": pd.Timestamp(NOON + HOUR), "b": pd.Timestamp(NOON + MINUTE)}
    assert not found["right_censored"].any()
    later = store.episodes("lab", TimeRange(NOON + 2 * MINUTE, NOON + HOUR))
    assert [labels["instance"] for labels in later["labels"]] == ["a"]


def test_no_episodes_are_an_empty_frame_of_the_contract(store: Store) -> None:
    assert store.put_episodes("lab", episodes(episode(NOON, NOON)).iloc[:0]) == 0
    found = store.episodes("lab", TimeRange(NOON, NOON + HOUR))
    check(found, EPISODES, where="the store")
    assert found.empty


def _grab(url: str, holder: str, begin: multiprocessing.synchronize.Barrier, won: multiprocessing.Queue) -> None:
    begin.wait(120)
    store = Store(url)
    won.put([store.take_lease(f"job-{n}", holder, now=NOON, lasts=HOUR) for n in range(30)])
    store.close()


@pytest.mark.slow
def test_of_two_processes_exactly_one_gets_each_lease(url: str) -> None:
    spawning = multiprocessing.get_context("spawn")
    begin, won = spawning.Barrier(2), spawning.Queue()
    workers = [spawning.Process(target=_grab, args=(url, holder, begin, won)) for holder in ("a", "b")]
    for worker in workers:
        worker.start()
    first, second = won.get(timeout=240), won.get(timeout=240)
    for worker in workers:
        worker.join(60)
    assert [one + other for one, other in zip(first, second, strict=True)] == [1] * 30
