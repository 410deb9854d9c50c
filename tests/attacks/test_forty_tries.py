"""Tries to see or do what one may not, each in one line; a try succeeds when it gives something back, and none does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from workbench import studies
from workbench.archive.source import ArchiveSource
from workbench.core.access.identity import Grant, Identity
from workbench.core.errors import WorkbenchError
from workbench.core.filters import LogFilter, Native, SpanFilter
from workbench.core.settings import Settings, load_settings
from workbench.core.settings.access import AccessSettings, ProxySettings
from workbench.core.timerange import TimeRange
from workbench.store import Annotation
from workbench.studies import Context
from workbench.studies.alerts.tags import tag_alerts
from workbench.studies.decisions.annotations import add_annotation
from workbench.studies.decisions.exclusions import add_exclusion
from workbench.studies.decisions.revoking import revoke_annotation
from workbench.studies.decisions.trail import audit_trail
from workbench.studies.logs.lines import find_logs
from workbench.studies.operations.ask import find_spans, query_metrics
from workbench.studies.operations.sql import query_sql
from workbench.ui.access.doors import AllowedHosts, ProxyUsers, may_ask
from workbench.ui.parts import reader
from workbench.ui.parts.exports import csv_text, file_name

OWN, OTHER = "counterfactual-lab", "conduit"
END = datetime(2026, 11, 1, tzinfo=UTC)
DAY = TimeRange(END - timedelta(days=1), END)
EVE = Identity("eve", (Grant("viewer", (OWN,)),))
PROXY = ProxySettings(addresses=("10.0.0.5",))
USER = (b"x-forwarded-user", b"ana@example.com")
GROUP = '[access.groups.admins]\nrole = "admin"\nsystems = ["*"]\nmembers = ["ana@example.com"]\n'


@dataclass(frozen=True)
class Stage:
    """Where a try is made: the context of Eve, who may see one system, that of an admin, and a folder."""

    eve: Context
    admin: Context
    folder: Path

    def settings(self, text: str) -> Settings:
        file = self.folder / "workbench.toml"
        file.write_text(text)
        return load_settings(file)

    @property
    def access(self) -> AccessSettings:
        return self.settings(
            '[access]\nsign_in = "oidc"\n[access.oidc]\nmetadata_url = "https://sso.example/x"\nclient_id = "w"\n'
            'client_secret = { env = "A" }\ncookie_secret = { env = "B" }\n'
            f'redirect_uri = "https://slo.example/oauth2callback"\n{GROUP}'
        ).access

    def claims(self, **claims: Any) -> object:
        """Systems of whoever has these claims."""
        return reader._of_claims(SimpleNamespace(access=self.access), {"is_logged_in": True, **claims}).scope != ()  # type: ignore[arg-type]


def let_in(peer: str, *headers: tuple[bytes, bytes], path: str = "/", kind: str = "http") -> bool:
    """Whether the doors let a request through as somebody."""
    seen: list[dict] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["headers"]))

    async def ask() -> None:
        scope = {"type": kind, "path": path, "client": (peer, 1), "headers": [(b"host", b"localhost"), *headers]}
        await AllowedHosts(ProxyUsers(app, PROXY), frozenset({"localhost"}))(scope, None, _nothing)  # type: ignore[arg-type]

    asyncio.run(ask())
    return bool(seen)


async def _nothing(_message: Any) -> None:
    return None


def series(stage: Stage, promql: str, **more: Any) -> bool:
    """Whether PromQL of Eve gives series of another system."""
    answer = query_metrics(stage.eve, promql, at=END, range=DAY, **{"system": OWN, **more})
    return any(labels.get("system", OWN) != OWN for labels in answer.labels) or "leak" in answer.frame.attrs


def note_of(stage: Stage) -> Annotation:
    assert stage.admin.store is not None
    return stage.admin.store.add_annotation(Annotation(OTHER, "comment", END, "secret", END, "ben"))


def run_of(stage: Stage) -> str:
    assert stage.admin.store is not None
    given = {"report": "monthly", "period": "2026-10", "parameters": {}, "started_at": END, "version": "0"}
    return stage.admin.store.start_run(system=OTHER, identity="ben", **given).id  # type: ignore[arg-type]


def trace_of(stage: Stage) -> str:
    return str(find_spans(stage.admin, system=OTHER, range=DAY, wanted=SpanFilter(), limit=1)[0][0]["trace_id"])


def foreign(stage: Stage) -> tuple[str, ...]:
    return stage.admin.services_of(OTHER)


TRIES: dict[str, Callable[[Stage], object]] = {
    # At the doors
    "another site's name points here": lambda _: may_ask("evil.example", "", frozenset({"localhost"})),
    "a name before an at sign": lambda _: may_ask("localhost@evil.example", "", frozenset({"localhost"})),
    "a name that begins like ours": lambda _: may_ask("localhost.evil.example", "", frozenset({"localhost"})),
    "a websocket of another origin": lambda _: may_ask("localhost", "http://evil.example", frozenset({"localhost"})),
    "a websocket of a sandboxed frame": lambda _: may_ask("localhost", "null", frozenset({"localhost"})),
    "no header of the proxy": lambda _: let_in("10.0.0.5"),
    "a header of the proxy from elsewhere": lambda _: let_in("10.0.0.6", USER),
    "a forwarded address of the proxy": lambda _: let_in("127.0.0.1", USER, (b"x-forwarded-for", b"10.0.0.5")),
    "our own header": lambda _: let_in("127.0.0.1", (b"x-workbench-user", b"ana@example.com")),
    "our own header through the proxy": lambda _: let_in("10.0.0.5", (b"X-Workbench-User", b"ana@example.com")),
    "the header twice": lambda _: let_in("10.0.0.5", (b"x-forwarded-user", b"eve"), USER),
    "groups twice": lambda _: let_in("10.0.0.5", USER, (b"x-forwarded-groups", b"a"), (b"x-forwarded-groups", b"b")),
    "a header with an underscore": lambda _: let_in("10.0.0.5", (b"x_forwarded_user", b"ana@example.com")),
    "a blank name": lambda _: let_in("10.0.0.5", (b"x-forwarded-user", b"  ")),
    "a websocket without a name": lambda _: let_in("127.0.0.1", kind="websocket", path="/_stcore/stream"),
    "a path that ends like the probe": lambda _: let_in("127.0.0.1", path="/media/a.csv/_stcore/health"),
    "a path around the probe": lambda _: let_in("127.0.0.1", path="/_stcore/health/../../media/a.csv"),
    # Who somebody is
    "an address that was not verified": lambda s: s.claims(email="ana@example.com", email_verified=False),
    "no address": lambda s: s.claims(groups=["admins"]),
    "claims without a sign-in": lambda s: s.claims(email="ana@example.com", is_logged_in=False),
    "another case of a member's name": lambda s: s.claims(email="Ana@example.com"),
    "a letter that looks the same": lambda s: s.claims(email="\u0430na@example.com"),
    "everybody as a group": lambda s: s.claims(email="eve@example.com", groups=["*"]),
    "groups as an object": lambda s: s.claims(email="eve@example.com", groups={"admins": True}),
    "a group in a longer name": lambda s: s.claims(email="eve@example.com", groups=["admins-not", "admin"]),
    "a group in one's own name": lambda s: s.claims(email="eve@example.com,admins"),
    # By the settings
    "listening on all addresses": lambda s: [s.settings("").access.check_address("0.0.0.0")],
    "listening under a name like localhost": lambda s: [s.settings("").access.check_address("localhost.evil.example")],
    "a proxy that is everybody": lambda s: s.settings(
        f'[access]\nsign_in = "proxy"\n[access.proxy]\naddresses = ["::/0"]\n{GROUP}'
    ),
    "an admin of one system": lambda s: s.settings('[access.groups.a]\nrole = "admin"\nsystems = ["lab"]\n'),
    # By a question
    "the figures of another system": lambda s: studies.slo_compliance(s.eve, system=OTHER, as_of=END),
    "a system with a matcher in its name": lambda s: studies.slo_compliance(
        s.eve, system=f'{OWN}"}} or {{a="', as_of=END
    ),
    "the state of another system's source": lambda s: studies.source_states(s.eve, system=OTHER, as_of=END),
    "PromQL that names another system": lambda s: series(s, f'{{__name__=~".+",system="{OTHER}"}}'),
    "PromQL that refuses its own system": lambda s: series(s, f'up{{system!="{OWN}"}} or ALERTS'),
    "PromQL with matchers joined by or": lambda s: series(s, f'{{system="{OWN}" or system="{OTHER}"}}'),
    "PromQL in a subquery": lambda s: series(s, f'max_over_time(up{{system="{OTHER}"}}[1h:5m])'),
    "PromQL without a system": lambda s: series(s, "up", system=None),
    "PromQL of a named source": lambda s: series(s, "up", system=None, source="demo"),
    "SQL": lambda s: query_sql(s.eve, "select * from series"),
    "log lines of another service": lambda s: find_logs(
        s.eve, system=OWN, range=DAY, wanted=LogFilter(services=foreign(s))
    ),
    "log lines in the language of the backend": lambda s: find_logs(
        s.eve, system=OWN, range=DAY, wanted=LogFilter(native=Native("loki", '{service_name=~".+"}'))
    ),
    "spans of another service": lambda s: find_spans(
        s.eve, system=OWN, range=DAY, wanted=SpanFilter(services=foreign(s))
    ),
    "a trace by its id": lambda s: find_spans(s.eve, system=OWN, range=DAY, wanted=SpanFilter(trace_id=trace_of(s)))[0],
    "everything by another identity": lambda s: s.eve.for_identity(Identity("x", (Grant("admin"),))).catalog.profile(
        OTHER
    ),
    "every system of the context": lambda s: set(s.eve.systems) - {OWN},
    # By the store and by writing
    "notes of another system": lambda s: note_of(s) and s.eve.store.annotations(OTHER),  # type: ignore[union-attr]
    "a run of a report by its id": lambda s: s.eve.store.run(run_of(s)),  # type: ignore[union-attr]
    "all runs": lambda s: run_of(s) and s.eve.store.runs(),  # type: ignore[union-attr]
    "the whole audit trail": lambda s: audit_trail(s.eve),
    "a note as a viewer": lambda s: add_annotation(s.eve, system=OWN, kind="comment", start=END, text="x"),
    "an exclusion as a viewer": lambda s: add_exclusion(s.eve, system=OWN, start=END, duration="1h", reason="x"),
    "a tag as a viewer": lambda s: tag_alerts(s.eve, system=OWN, range=DAY, as_of=END, tag="useful"),
    "a tick of a review as a viewer": lambda s: studies.tick_item(
        s.eve, system=OWN, item="test-disaster-recovery", at=END
    ),
    "another's note taken back": lambda s: revoke_annotation(s.eve, id=note_of(s).id, why="x"),
    # By what is taken away
    "a formula in an export": lambda s: any(
        line.startswith(("=", "+", "@")) for line in csv_text(_frame("=1+1", "@SUM(1)", "+cmd|'x'!A0")).splitlines()
    ),
    "a path in the name of an export": lambda _: {"/", "\\", ".."} & set(file_name("../../etc/passwd", "..\\x")),
}


def _frame(*texts: str) -> Any:
    import pandas as pd

    return pd.DataFrame({"text": texts})


@pytest.fixture
def stage(demo_context: Context, tmp_path: Path) -> Stage:
    admin = replace(demo_context, clock=lambda: END)
    return Stage(replace(admin, identity=EVE), admin, tmp_path)


def test_there_are_forty_tries_and_more():
    assert len(TRIES) >= 40


@pytest.mark.parametrize("name", TRIES)
def test_it_gives_nothing(name: str, stage: Stage):
    try:
        taken = TRIES[name](stage)
    except WorkbenchError:
        return
    assert not taken, f"{name}: {taken!r}"


def test_the_same_doors_open_for_whom_they_should(stage: Stage):
    assert let_in("10.0.0.5", USER)
    assert let_in("127.0.0.1", path="/_stcore/health")
    assert may_ask("localhost:8501", "http://localhost:8501", frozenset({"localhost"}))
    assert stage.claims(email="ana@example.com")
    assert stage.claims(email="x@example.com", groups=["admins"])
    assert isinstance(stage.admin.sources["demo"], ArchiveSource)
    assert query_sql(stage.admin, "select count(*) as n from series").frame["n"].iloc[0] > 0
    assert studies.slo_compliance(stage.eve, system=OWN, as_of=END).status != "unavailable"
