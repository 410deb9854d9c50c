"""What is gathered between two looks: leases, kept answers, observations, health, episodes, and how that went."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import delete, func, insert, or_, select, update

from workbench.core.processes import boot_seconds
from workbench.core.timerange import TimeRange, from_ms, to_ms
from workbench.store.connection import Connected, upsert
from workbench.store.leasing import holds
from workbench.store.models import alert_episodes, collections, health_results, kept_answers, leases, observations

_EPISODE_KEY = ("system", "alertname", "labels_key", "starts_ms")
_TIMES = {"active_at": "active_ms", "starts_at": "starts_ms", "ends_at": "ends_ms"}


@dataclass(frozen=True)
class KeptAnswer:
    """An answer as it was kept: for which instant, and when the source was asked."""

    document: Any
    as_of: datetime
    read_at: datetime


@dataclass(frozen=True)
class Observation:
    """What a server said, unchanged from ``first_seen`` to ``last_seen``."""

    subject: str
    kind: str
    first_seen: datetime
    last_seen: datetime
    document: Any


@dataclass(frozen=True)
class Collection:
    """How one part of the collection stands; ``succeeded`` is None when it never worked, ``every_s`` 0 when by hand."""

    subject: str
    kind: str
    tried: datetime
    succeeded: datetime | None
    every_s: float
    error: str


@dataclass(frozen=True)
class HealthResult:
    """One answer of a health endpoint: ``status`` is healthy, degraded, unhealthy or unreachable."""

    system: str
    endpoint: str
    at: datetime
    status: str
    code: int | None
    seconds: float
    detail: str


class Collected(Connected):
    """The part of the store that the collector fills."""

    def take_lease(self, name: str, holder: str, *, now: datetime, lasts: timedelta) -> bool:
        """Take or renew a lease; False while another holds it.

        Of a holder that is a process of this host (:class:`workbench.core.processes.Process` with a mark behind it) it
        is known whether it lives, and by the seconds since the boot when it last renewed: no clock that is set counts.
        Another one loses the lease at its end, or when that end is so far ahead that the clock must have gone back.
        """
        row = {"holder": holder, "until_ms": to_ms(now + lasts), "renewed_s": boot_seconds()}
        with self._writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"lease/{name}"))))
            held = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
            if held is None:
                connection.execute(insert(leases).values(name=name, **row))
            elif held.holder == holder or not holds(held, now, lasts):
                connection.execute(update(leases).where(leases.c.name == name).values(**row))
            else:
                return False
        return True

    def lease_holder(self, name: str) -> str:
        """Return who holds, or held, a lease; empty where nobody does."""
        with self._reading() as connection:
            return connection.execute(select(leases.c.holder).where(leases.c.name == name)).scalar() or ""

    def give_lease(self, name: str, holder: str) -> None:
        """Give a lease back; one that is another's stays."""
        with self._writing() as connection:
            connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))

    def keep_answer(
        self, question: str, subject: str, revision: str, document: Any, *, as_of: datetime, read_at: datetime
    ) -> None:
        """Keep an answer (plain JSON values) in place of the one before."""
        row = {
            "question": question,
            "subject": subject,
            "revision": revision,
            "as_of_ms": to_ms(as_of),
            "read_at_ms": to_ms(read_at),
            "document": document,
        }
        with self._writing() as connection:
            upsert(connection, kept_answers, [row], on=("question", "subject", "revision"))

    def kept_answer(self, question: str, subject: str, revision: str) -> KeptAnswer | None:
        """Return the newest answer kept; None without one."""
        held = kept_answers.c
        query = select(held.document, held.as_of_ms, held.read_at_ms).where(
            held.question == question, held.subject == subject, held.revision == revision
        )
        with self._reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else KeptAnswer(row.document, from_ms(row.as_of_ms), from_ms(row.read_at_ms))

    def observe(self, subject: str, kind: str, document: Any, *, at: datetime) -> bool:
        """Write down what a server says now; a new row only when it says something new. Returns whether it did."""
        text = json.dumps(document, sort_keys=True, ensure_ascii=False)
        sha256 = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        seen = observations.c
        with self._writing() as connection:
            newest = connection.execute(
                select(seen.first_seen_ms, seen.sha256)
                .where(seen.subject == subject, seen.kind == kind)
                .order_by(seen.first_seen_ms.desc())
                .limit(1)
            ).one_or_none()
            same = newest is not None and newest.sha256 == sha256
            row = {
                "subject": subject,
                "kind": kind,
                "first_seen_ms": newest.first_seen_ms if same and newest else to_ms(at),
                "last_seen_ms": to_ms(at),
                "sha256": sha256,
                "document": document,
            }
            upsert(connection, observations, [row], on=("subject", "kind", "first_seen_ms"))
        return not same

    def observed(
        self, subject: str, kind: str, *, limit: int | None = 100, span: TimeRange | None = None
    ) -> list[Observation]:
        """Return what a server said, newest first; with ``span`` only what it said in that range."""
        seen = observations.c
        query = (
            select(seen.subject, seen.kind, seen.first_seen_ms, seen.last_seen_ms, seen.document)
            .where(seen.subject == subject, seen.kind == kind)
            .order_by(seen.first_seen_ms.desc())
            .limit(limit)
        )
        if span is not None:
            query = query.where(seen.last_seen_ms >= span.start_ms, seen.first_seen_ms < span.end_ms)
        with self._reading() as connection:
            return [Observation(s, k, from_ms(f), from_ms(t), d) for s, k, f, t, d in connection.execute(query)]

    def forget_observations(self, subject: str, kind: str, *, before: datetime) -> int:
        """Delete what a server said last before an instant. Returns how many rows."""
        seen = observations.c
        old = delete(observations).where(seen.subject == subject, seen.kind == kind, seen.last_seen_ms < to_ms(before))
        with self._writing() as connection:
            return int(connection.execute(old).rowcount)

    def note_collection(self, subject: str, kind: str, *, at: datetime, every: timedelta, error: str = "") -> None:
        """Write down that a part was collected, or why it was not."""
        row = {"subject": subject, "kind": kind, "tried_ms": to_ms(at), "error": error}
        row["every_ms"] = every // timedelta(milliseconds=1)
        if not error:
            row["succeeded_ms"] = to_ms(at)
        with self._writing() as connection:
            upsert(connection, collections, [row], on=("subject", "kind"))

    def collections(self) -> list[Collection]:
        """Return how every part of the collection stands."""
        query = select(collections).order_by(collections.c.subject, collections.c.kind)
        with self._reading() as connection:
            rows = connection.execute(query).all()
        return [
            Collection(
                row.subject,
                row.kind,
                from_ms(row.tried_ms),
                None if row.succeeded_ms is None else from_ms(row.succeeded_ms),
                row.every_ms / 1000,
                row.error,
            )
            for row in rows
        ]

    def put_health(self, results: Sequence[HealthResult]) -> None:
        """Write answers of health endpoints."""
        rows: list[dict[str, Any]] = [{**vars(result), "at_ms": to_ms(result.at)} for result in results]
        for row in rows:
            del row["at"]
        if rows:
            with self._writing() as connection:
                upsert(connection, health_results, rows, on=("system", "endpoint", "at_ms"))

    def health(self, system: str, span: TimeRange) -> list[HealthResult]:
        """Return the answers of a system's endpoints in the range, oldest first."""
        held = health_results.c
        query = (
            select(health_results)
            .where(
                held.system == system,
                *self._visible_rows(held.system),
                held.at_ms >= span.start_ms,
                held.at_ms < span.end_ms,
            )
            .order_by(held.at_ms, held.endpoint)
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
        return [
            HealthResult(row.system, row.endpoint, from_ms(row.at_ms), row.status, row.code, row.seconds, row.detail)
            for row in rows
        ]

    def put_episodes(self, system: str, episodes: pd.DataFrame) -> int:
        """Write episodes (frame contract EPISODES); one known already is brought up to date. Returns how many."""
        rows = [{"system": system, **_episode_row(episode)} for episode in episodes.to_dict(orient="records")]
        rows.sort(key=lambda row: tuple(row[name] for name in _EPISODE_KEY))
        if rows:
            with self._writing() as connection:
                upsert(connection, alert_episodes, rows, on=_EPISODE_KEY)
        return len(rows)

    def episodes(self, system: str, span: TimeRange) -> pd.DataFrame:
        """Return the episodes of a system that overlap the range, by start (frame contract EPISODES)."""
        held = alert_episodes.c
        names = ["alertname", "severity", "labels", *_TIMES, "left_censored", "right_censored", "unknown_s"]
        query = (
            select(*(held[_TIMES.get(name, name)].label(name) for name in names))
            .where(
                held.system == system,
                *self._visible_rows(held.system),
                held.starts_ms < span.end_ms,
                or_(held.ends_ms.is_(None), held.ends_ms > span.start_ms),
            )
            .order_by(held.starts_ms, held.alertname, held.labels_key)
        )
        with self._reading() as connection:
            frame = pd.DataFrame(connection.execute(query).all(), columns=names)
        for name in _TIMES:
            frame[name] = pd.to_datetime(frame[name], unit="ms", utc=True).dt.as_unit("ms")
        return frame.astype({"left_censored": bool, "right_censored": bool, "unknown_s": float})


def _episode_row(episode: Mapping[Any, Any]) -> dict[str, Any]:
    labels = {str(name): str(value) for name, value in dict(episode["labels"]).items()}
    key = json.dumps([episode["severity"], sorted(labels.items())], ensure_ascii=False)
    times = {column: None if pd.isna(episode[name]) else to_ms(episode[name]) for name, column in _TIMES.items()}
    return {
        "alertname": episode["alertname"],
        "labels_key": hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest(),
        "severity": episode["severity"],
        "labels": labels,
        "left_censored": bool(episode["left_censored"]),
        "right_censored": bool(episode["right_censored"]),
        "unknown_s": float(episode["unknown_s"]),
        **times,
    }
