"""Writing asks for a role, in every function that writes; the trail is for who may see the system."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from workbench.core.access.identity import Grant, Identity, local_admin
from workbench.core.errors import AccessRefused, ParameterError
from workbench.core.timerange import TimeRange
from workbench.studies import Context, finish_review, system_review, tick_item
from workbench.studies.alerts.tags import tag_alerts
from workbench.studies.decisions.annotations import add_annotation
from workbench.studies.decisions.exclusions import add_exclusion
from workbench.studies.decisions.revoking import revoke_annotation, revoke_exclusion
from workbench.studies.decisions.trail import audit_trail
from workbench.studies.quality.accepted import accept_level

LAB = "counterfactual-lab"
END = datetime(2026, 11, 1, tzinfo=UTC)


def somebody(context: Context, *grants: Grant) -> Context:
    return replace(context, identity=Identity("ana", grants))


def test_a_viewer_writes_nothing(demo_context):
    viewer = somebody(demo_context, Grant("viewer", (LAB,)), Grant("editor", ("conduit",)))
    owner = replace(demo_context, identity=local_admin("ben"))
    note = add_annotation(owner, system=LAB, kind="comment", start=END, text="x")
    window = add_exclusion(owner, system=LAB, start=END, duration="1h", reason="x")
    review = system_review(viewer, system=LAB, review="evening", as_of=END)
    writes = (
        lambda: tick_item(viewer, system=LAB, item="test-disaster-recovery", at=END),
        lambda: finish_review(viewer, review, at=END),
        lambda: add_annotation(viewer, system=LAB, kind="comment", start=END, text="x"),
        lambda: add_exclusion(viewer, system=LAB, start=END, duration="1h", reason="x"),
        lambda: accept_level(viewer, system=LAB, score="quality", at=END, note="x"),
        lambda: tag_alerts(viewer, system=LAB, range=TimeRange(END, END), as_of=END, tag="useful"),
        lambda: revoke_annotation(viewer, id=note.id, why="x"),
        lambda: revoke_exclusion(viewer, id=window.id, why="x"),
    )
    for write in writes:
        with pytest.raises(AccessRefused, match="needs the role editor"):
            write()
    assert demo_context.store is not None
    assert {entry.who for entry in demo_context.store.audit()} == {"ben"}


def test_an_editor_writes_in_their_name_in_their_system_only(demo_context):
    editor = somebody(demo_context, Grant("editor", (LAB,)))
    note = add_annotation(editor, system=LAB, kind="comment", start=END, text="x")
    assert (note.created_by, revoke_annotation(editor, id=note.id, why="wrong").revoked_by) == ("ana", "ana")
    with pytest.raises(AccessRefused):
        add_annotation(editor, system="conduit", kind="comment", start=END, text="x")
    foreign = add_annotation(demo_context, system="conduit", kind="comment", start=END, text="x")
    with pytest.raises(ParameterError, match="no annotation"):
        revoke_annotation(editor, id=foreign.id, why="x")


def test_the_trail_of_all_systems_is_for_admins(demo_context):
    editor = somebody(demo_context, Grant("editor", (LAB,)))
    add_annotation(editor, system=LAB, kind="comment", start=END, text="x")
    assert [entry.who for entry in audit_trail(editor, system=LAB)] == ["ana"]
    assert [entry.who for entry in audit_trail(demo_context)] == ["ana"]
    with pytest.raises(AccessRefused, match="admin for all systems; ana has no role that holds for all of them"):
        audit_trail(editor)
    with pytest.raises(AccessRefused):
        audit_trail(editor, system="conduit")
