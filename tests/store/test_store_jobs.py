"""Jobs and the outbox, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from workbench.core.errors import ParameterError
from workbench.core.processes import this_process
from workbench.store import Message, NewJob, Store, message_id

NOW = datetime(2026, 11, 5, 8, tzinfo=UTC)
LASTS = timedelta(seconds=60)
OWN = f"{this_process()}/one"
OTHER = f"{this_process()}/two"
DEAD = "other-host/abc/1/1/x"


def job(name: str, *, due: datetime = NOW, missed: bool = False) -> NewJob:
    return NewJob(message_id(name), "monthly", name, "2026-10", due, due + timedelta(hours=6), missed, {"to": []})


def planned(store: Store, *jobs: NewJob) -> int:
    return store.plan_jobs("monthly", lambda held: jobs, now=NOW)


def message(text: str, channel: str = "mail") -> Message:
    content = {"text": text, "html": "", "files": [{"name": "a.html", "type": "text/html", "sha256": "f" * 64}]}
    return Message(message_id(text), "", "report", channel, "a@example.com", text, content)


def test_two_plannings_up_to_one_instant_make_one_job(store: Store) -> None:
    assert planned(store, job("lab"), job("conduit")) == 2
    assert planned(store, job("lab")) == 0

    def again(held: datetime | None) -> Iterator[NewJob]:
        assert held == NOW
        yield job("lab")

    assert store.plan_jobs("monthly", again, now=NOW + timedelta(hours=1)) == 0
    assert len(store.jobs()) == 2


def test_a_job_is_claimed_by_one_and_taken_over_from_the_dead(store: Store) -> None:
    planned(store, job("lab"))
    first = store.claim_job(DEAD, now=NOW, lasts=LASTS)
    assert first is not None
    assert first.claims == 1
    assert store.claim_job(OWN, now=NOW + timedelta(seconds=30), lasts=LASTS) is None
    second = store.claim_job(OWN, now=NOW + timedelta(seconds=61), lasts=LASTS)
    assert second is not None
    assert (second.id, second.claims, second.begun) == (first.id, 2, first.begun)
    assert store.claim_job(OTHER, now=NOW + timedelta(days=1), lasts=LASTS) is None  # its process lives and renewed


def test_who_lost_a_job_can_neither_end_nor_send(store: Store) -> None:
    planned(store, job("lab"))
    claimed = store.claim_job(DEAD, now=NOW, lasts=LASTS)
    assert claimed is not None
    assert store.claim_job(OWN, now=NOW + timedelta(seconds=61), lasts=LASTS)
    end = {"status": "done", "now": NOW, "run_id": "r"}
    assert not store.end_job(claimed.id, DEAD, messages=[message("late")], **end)  # type: ignore[arg-type]
    assert store.deliveries() == []
    assert store.end_job(claimed.id, OWN, messages=[message("once")], **end)  # type: ignore[arg-type]
    assert not store.end_job(claimed.id, OWN, messages=[message("twice")], **end)  # type: ignore[arg-type]
    assert [each.message.subject for each in store.deliveries()] == ["once"]
    assert store.claim_job(OWN, now=NOW + timedelta(days=2), lasts=LASTS) is None


def test_a_job_that_waits_is_not_claimed_before_its_time(store: Store) -> None:
    planned(store, job("lab"), job("old", missed=True))
    claimed = store.claim_job(OWN, now=NOW, lasts=LASTS)
    assert claimed is not None
    assert store.postpone_job(claimed.id, OWN, until=NOW + timedelta(minutes=5), error="no answer", failed=True)
    assert store.claim_job(OWN, now=NOW + timedelta(minutes=4), lasts=LASTS) is None
    again = store.claim_job(OWN, now=NOW + timedelta(minutes=5), lasts=LASTS)
    assert again is not None
    assert (again.failures, again.error) == (1, "no answer")
    assert {each.system: each.status for each in store.jobs()} == {"lab": "running", "old": "missed"}


def test_a_message_is_put_once_and_sent_by_one(store: Store) -> None:
    assert store.put_messages([message("a")], {"f" * 64: b"page"}, now=NOW) == 1
    assert store.put_messages([message("a")], {"f" * 64: b"page"}, now=NOW) == 0
    taken = store.claim_delivery(DEAD, now=NOW, lasts=LASTS)
    assert taken is not None
    assert store.claim_delivery(OWN, now=NOW, lasts=LASTS) is None
    assert store.hand_over(taken.message.id, DEAD)
    again = store.claim_delivery(OWN, now=NOW + timedelta(minutes=2), lasts=LASTS)
    assert again is not None
    assert (again.in_doubt, again.attempts, again.message.id) == (True, 2, taken.message.id)
    assert not store.end_delivery(taken.message.id, DEAD, status="sent", now=NOW)
    assert store.outbox_file("f" * 64) == b"page"
    assert store.tidy_outbox(now=NOW + timedelta(days=9), older=timedelta(days=1)) == 0
    assert store.end_delivery(taken.message.id, OWN, status="sent", now=NOW)
    assert store.tidy_outbox(now=NOW + timedelta(days=9), older=timedelta(days=1)) == 1
    assert store.outbox_file("f" * 64) is None


def test_only_a_dead_message_is_tried_again(store: Store) -> None:
    store.put_messages([message("a")], {}, now=NOW)
    with pytest.raises(ParameterError, match="only a dead one"):
        store.retry_delivery(message("a").id[:8], now=NOW)
    with pytest.raises(ParameterError, match="begin with"):
        store.retry_delivery("zzz", now=NOW)
    assert store.claim_delivery(OWN, now=NOW, lasts=LASTS)
    assert store.end_delivery(message("a").id, OWN, status="dead", now=NOW, error="refused")
    assert store.retry_delivery(message("a").id[:8], now=NOW).status == "waiting"
