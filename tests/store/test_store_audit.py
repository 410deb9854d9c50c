"""The audit trail has both sides of every change, and the second of two editors is asked before anything is written."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from workbench.core.errors import ChangedMeanwhile
from workbench.store import AlertTag, Annotation, ExclusionRecord, Store
from workbench.store.reviews import ReviewNote

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
NOTE = Annotation("lab", "comment", NOON, "Release", NOON, "ana")
WINDOW = ExclusionRecord("lab", "remove_time", NOON, NOON + timedelta(hours=1), "Move", NOON, "ana")
TICK = ReviewNote("lab", "week", "week/restore", NOON, "ana", "took 22 min")
TAG = AlertTag("lab", "QueueLong", "job=a", 0, "useful", "", NOON, "ana")


def test_what_stood_there_before_and_after_is_kept(store: Store) -> None:
    kept = store.add_exclusion(WINDOW)
    store.revoke_exclusion(kept.id, at=NOON, who="ben", why="Customers were affected")
    revoked, added = store.audit("lab")
    assert (added.before, added.after["reason"], added.after["id"]) == (None, "Move", kept.id)
    assert (revoked.before["revoked_by"], revoked.after["revoked_by"]) == (None, "ben")
    assert {**revoked.after, "revoked_at": None, "revoked_by": None, "revoked_why": None} == revoked.before


def test_a_tag_that_replaces_another_keeps_the_one_before(store: Store) -> None:
    store.put_alert_tags([TAG])
    store.put_alert_tags([replace(TAG, tag="no action", tagged_by="ben")])
    newest = store.audit("lab")[0]
    assert [(row["tag"], row["tagged_by"]) for row in newest.before] == [("useful", "ana")]
    assert [(row["tag"], row["tagged_by"]) for row in newest.after] == [("no action", "ben")]


def test_a_tick_after_another_keeps_the_one_before(store: Store) -> None:
    store.add_review_note(TICK)
    store.add_review_note(replace(TICK, who="ben", note="failed"))
    newest, first = store.audit("lab")
    assert first.before is None
    assert (newest.before["who"], newest.before["note"]) == ("ana", "took 22 min")
    assert (newest.after["who"], newest.after["note"], newest.subject) == ("ben", "failed", "week/restore")


@pytest.mark.slow
def test_the_trail_is_of_all_systems_one_person_or_since_an_instant(store: Store) -> None:
    store.add_annotation(NOTE)
    store.add_annotation(replace(NOTE, system="gateway", created_by="ben", created_at=NOON + timedelta(days=1)))
    assert [entry.system for entry in store.audit()] == ["gateway", "lab"]
    assert [entry.system for entry in store.audit(who="ana")] == ["lab"]
    assert [entry.system for entry in store.audit(since=NOON + timedelta(hours=1))] == ["gateway"]
    assert [entry.system for entry in store.within(("lab",)).audit()] == ["lab"]


@pytest.mark.slow
def test_the_second_editor_sees_the_change_of_the_first_and_writes_when_they_have_seen_it(store: Store) -> None:
    seen = store.newest_change("lab")
    first = store.add_annotation(NOTE, seen=seen)
    writes = (
        lambda seen: store.add_annotation(replace(NOTE, created_by="ben"), seen=seen),
        lambda seen: store.add_exclusion(replace(WINDOW, created_by="ben"), seen=seen),
        lambda seen: store.put_alert_tags([replace(TAG, tagged_by="ben")], seen=seen),
        lambda seen: store.add_review_note(replace(TICK, who="ben"), seen=seen),
        lambda seen: store.revoke_annotation(first.id, at=NOON, who="ben", why="No", seen=seen),
    )
    for write in writes:
        before = len(store.audit())
        with pytest.raises(ChangedMeanwhile, match="Nothing was written: 1 change of lab") as met:
            write(seen)
        assert "ana, annotation.add" in met.value.changes[0]
        assert len(store.audit()) == before
    for write in writes:
        write(store.newest_change("lab"))
    assert len(store.audit()) == 6


def test_a_change_of_another_system_asks_nobody(store: Store) -> None:
    seen = store.newest_change("lab")
    store.add_annotation(replace(NOTE, system="gateway"))
    store.add_annotation(NOTE, seen=seen)


def test_of_two_who_write_at_once_one_is_asked(store: Store) -> None:
    seen, met = store.newest_change("lab"), list[str]()
    ready = threading.Barrier(4)

    def write(who: str) -> None:
        ready.wait()
        try:
            store.add_annotation(replace(NOTE, created_by=who), seen=seen)
        except ChangedMeanwhile:
            met.append(who)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("ana", "ben", "eve", "dan")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(met) == 3
    assert len(store.annotations("lab")) == 1
