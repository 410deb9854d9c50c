"""Answers come from worker processes; one that is killed over a question is replaced, once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.studies.test_answers import LAB, ctx, question  # noqa: F401
from workbench.core.access.identity import Grant, Identity
from workbench.core.errors import AccessRefused, ParameterError
from workbench.studies import Context
from workbench.studies.answers.asking import ask
from workbench.studies.answers.document import study_bytes, study_of
from workbench.studies.answers.pool import Pool, Turns, WorkerLostError

pytestmark = pytest.mark.slow


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool(1)
    yield made
    made.close()


def workers_of(pool: Pool) -> set[int]:
    return {worker.pid for worker in [*pool._places.idle, *pool._places.busy] if worker.pid is not None}


def family_of(pool: Pool) -> set[int]:
    """What makes the workers, and the workers."""
    process, pids = pool._nursery._process, set[int]()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            group = int(path.read_text().rpartition(")")[2].split()[2])
            if process is not None and group == process.pid:
                pids.add(int(path.parent.name))
    return pids


def test_a_worker_gives_the_answer_of_this_process_and_is_used_again(ctx: Context, pool: Pool):  # noqa: F811
    first = pool.ask(ctx, question())
    assert study_bytes(first) == study_bytes(ask(ctx, question()))
    before = workers_of(pool)
    berlin = replace(ctx, zone="Europe/Berlin")
    assert study_bytes(pool.ask(berlin, question())) == study_bytes(ask(berlin, question()))
    assert workers_of(pool) == before


def test_a_worker_answers_an_identity_within_its_scope_only(ctx: Context, pool: Pool):  # noqa: F811
    ana = ctx.for_identity(Identity("ana", (Grant("viewer", (LAB,)),)))
    assert pool.ask(ana, question()).status == ask(ana, question()).status
    with pytest.raises(AccessRefused):
        pool.ask(ana, question(system="conduit"))
    with pytest.raises(ParameterError, match="There is no system"):
        pool.ask(ctx, question(system="nobody"))


def test_other_limits_than_those_of_the_settings_are_answered_here(ctx: Context, pool: Pool):  # noqa: F811
    tight = replace(ctx, limits=ctx.limits.model_copy(update={"samples": 10}))
    assert pool.ask(tight, question()).warnings == ask(tight, question()).warnings


def test_a_worker_that_was_killed_is_replaced_and_asked_once_more(ctx: Context, pool: Pool):  # noqa: F811
    pool.ask(ctx, question())
    (first,) = workers_of(pool)
    os.kill(first, signal.SIGKILL)
    assert pool.ask(ctx, question()).status == ask(ctx, question()).status
    assert first not in workers_of(pool)


def test_two_workers_killed_over_a_question_are_an_error_that_says_so(ctx: Context, pool: Pool):  # noqa: F811
    done = threading.Event()

    def kill() -> None:
        while not done.wait(0.02):
            for worker in list(pool._places.busy):
                worker.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with pytest.raises(WorkerLostError, match="ended twice"):
            pool.ask(ctx, question())
    finally:
        done.set()
        killer.join()


def test_a_closed_pool_leaves_no_process_behind(ctx: Context, pool: Pool):  # noqa: F811
    def ask_in_vain() -> None:
        with pytest.raises(WorkerLostError):
            pool.ask(ctx, question())

    asking = threading.Thread(target=ask_in_vain)
    asking.start()
    for _ in range(2000):
        if len(pids := family_of(pool)) > 1:
            break
        time.sleep(0.01)
    pool.close()
    asking.join()
    assert len(pids) > 1
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_a_worker_is_replaced_after_some_answers_and_makes_room(ctx: Context, pool: Pool, monkeypatch):  # noqa: F811
    monkeypatch.setattr("workbench.studies.answers.pool.ANSWERS", 2)
    seen = []
    for _ in range(3):
        pool.ask(ctx, question())
        seen.append(workers_of(pool))
    (first,) = seen[0]
    assert seen[1] == set()
    assert seen[2]
    assert seen[2] != {first}
    for _ in range(500):
        if not Path(f"/proc/{first}").exists():
            break
        time.sleep(0.01)
    assert len(family_of(pool)) == 2


def test_workers_are_made_again_by_another_process_where_the_first_was_killed(ctx: Context, pool: Pool):  # noqa: F811
    pool.ask(ctx, question())
    process = pool._nursery._process
    assert process is not None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert pool.ask(ctx, question()).status == ask(ctx, question()).status


def test_short_questions_go_before_long_ones_and_long_ones_wait_not_for_ever():
    now = [0.0]
    turns = Turns(1, clock=lambda: now[0])
    for study, seconds in (("long", 3.0), ("short", 0.5)):
        with turns.turn(study):
            now[0] += seconds
    order: list[str] = []

    def ask(study: str) -> None:
        with turns.turn(study):
            order.append(study)

    def wait(study: str) -> threading.Thread:
        thread, waiting = threading.Thread(target=ask, args=(study,)), len(turns._waiting)
        thread.start()
        while len(turns._waiting) == waiting:
            time.sleep(0.001)
        return thread

    with turns.turn("first"):
        threads = [wait("long"), wait("short")]
        now[0] += 11.0
        threads.append(wait("short"))
    for thread in threads:
        thread.join()
    assert order == ["short", "long", "short"]


def test_work_behind_waits_until_no_reader_asked_for_a_moment(monkeypatch):
    monkeypatch.setattr("workbench.studies.answers.pool.REST_S", 0.2)
    pool = Pool(1)
    assert pool.quiet(0.0)
    with pool._counted(behind=True):
        assert not pool.quiet(0.01)
    begun = time.monotonic()
    assert pool.quiet(5.0)
    assert time.monotonic() - begun < 0.1, "nobody waited for that answer"
    with pool._counted(behind=False):
        pass
    begun = time.monotonic()
    assert pool.quiet(5.0)
    assert time.monotonic() - begun >= 0.19
    with pool._counted(behind=False):
        pass
    assert pool.quiet(0.01), "longer than that is not waited"


def test_the_answer_of_a_worker_is_not_written_again_to_be_kept(ctx: Context, pool: Pool, monkeypatch):  # noqa: F811
    study = pool.ask(ctx, question())
    content = study_bytes(ask(ctx, question()))
    monkeypatch.setattr("workbench.studies.answers.document._taken", lambda study: pytest.fail("written again"))
    assert study_bytes(study) == content
    assert study_of(content) is study, "who reads it later shares it, and what was drawn of it"
