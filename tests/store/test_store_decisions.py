"""Exclusions and annotations are revoked and never deleted; every change leaves a line of the audit trail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from workbench.core.errors import ParameterError
from workbench.store import Annotation, Definition, ExclusionRecord, Issue, Store

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MEND = ExclusionRecord(
    "lab",
    "remove_time",
    NOON,
    NOON + HOUR,
    "Database moved",
    NOON + 2 * HOUR,
    "ana",
    labels={"team": "payments"},
    rule="FREQ=WEEKLY",
    duration="1h",
    zone="Europe/Berlin",
)


def test_an_exclusion_is_read_back_and_revoked_but_never_gone(store: Store) -> None:
    kept = store.add_exclusion(MEND)
    other = store.add_exclusion(replace(MEND, starts_at=NOON - HOUR, slo="availability"))
    assert store.exclusions("lab") == [other, kept]
    assert replace(kept, id="") == MEND
    assert store.exclusions("elsewhere") == []
    revoked = store.revoke_exclusion(kept.id, at=NOON + 3 * HOUR, who="ben", why="Customers were affected")
    assert store.exclusions("lab") == [other]
    assert store.exclusions("lab", revoked=True) == [other, revoked]
    assert (revoked.revoked_by, revoked.revoked_at) == ("ben", NOON + 3 * HOUR)
    newest, *_, oldest = store.audit("lab")
    assert (newest.who, newest.action, newest.subject, newest.at) == (
        "ben",
        "exclusion.revoke",
        kept.id,
        NOON + 3 * HOUR,
    )
    assert newest.document == {"why": "Customers were affected"}
    assert (oldest.who, oldest.action, oldest.document["reason"]) == ("ana", "exclusion.add", "Database moved")


def test_what_is_revoked_cannot_be_revoked_again_nor_what_never_was(store: Store) -> None:
    kept = store.add_exclusion(MEND)
    store.revoke_exclusion(kept.id, at=NOON, who="ben", why="no")
    with pytest.raises(ParameterError, match="was revoked at 1 Nov 2026 12:00 UTC by ben"):
        store.revoke_exclusion(kept.id, at=NOON, who="eve", why="again")
    with pytest.raises(ParameterError, match="no exclusion 'x'"):
        store.revoke_exclusion("x", at=NOON, who="eve", why="")
    assert len(store.audit("lab")) == 2


def test_annotations_are_kept_the_same_way(store: Store) -> None:
    moment = store.add_annotation(Annotation("lab", "deploy", NOON, "Release 2.4", NOON, "ana"))
    lasting = store.add_annotation(
        Annotation("lab", "incident", NOON - HOUR, "Outage", NOON, "ana", "quality", NOON, "https://tickets/1")
    )
    assert store.annotations("lab") == [lasting, moment]
    assert moment.ends_at is None
    store.revoke_annotation(moment.id, at=NOON, who="ana", why="Wrong system")
    assert store.annotations("lab") == [lasting]
    assert [entry.action for entry in store.audit("lab")] == ["annotation.revoke", "annotation.add", "annotation.add"]


def test_a_definition_is_noted_once_for_as_long_as_it_stays(store: Store) -> None:
    first = Definition("lab", "availability", NOON, "r1", {"spec": {"target": "0.99"}})
    noted = [replace(first, since=NOON + n * HOUR, revision=name) for n, name in enumerate(["r1", "r1", "r2", "r1"])]
    assert [store.note_definition(one, who="ana") for one in noted] == [True, False, True, True]
    assert store.definitions("lab", "availability") == [noted[0], noted[2], noted[3]]
    assert not store.note_definition(replace(first, revision="r0"), who="ana")  # the past is not rewritten
    assert store.audit("lab")[0].document == {"revision": "r1", "before": "r2"}


def test_issues_are_numbered_and_of_two_with_one_number_only_the_first_is_kept(store: Store) -> None:
    first = Issue("monthly", "lab", "2026-10", 1, NOON, "ana", NOON, "folder", "ab" * 32, {"queries": ["q"]})
    assert store.add_issue(first)
    assert not store.add_issue(replace(first, issued_by="ben"))
    assert not store.add_issue(replace(first, number=3))
    second = replace(first, number=2, issued_at=NOON + HOUR)
    assert store.add_issue(second)
    assert store.add_issue(replace(first, period="2026-11"))
    assert [(one.period, one.number) for one in store.issues(system="lab")] == [
        ("2026-11", 1),
        ("2026-10", 2),
        ("2026-10", 1),
    ]
    assert store.issues(report="monthly", system="lab", period="2026-10") == [second, first]


def test_each_zone_numbers_its_own_issues(store: Store) -> None:
    utc = Issue("monthly", "lab", "2026-10", 1, NOON, "ana", NOON, "folder", "ab" * 32, {"queries": ["q"]})
    berlin = replace(utc, zone="Europe/Berlin")
    assert store.add_issue(utc)
    assert store.add_issue(berlin)
    assert store.issues(period="2026-10", zone="Europe/Berlin") == [berlin]
