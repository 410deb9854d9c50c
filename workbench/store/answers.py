"""Answers of whole studies, kept for all who may see them, and the state of what people decided and was collected."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, delete, func, select

from workbench.core.timerange import to_ms
from workbench.store.connection import Connected, upsert
from workbench.store.models import (
    alert_episodes,
    alert_tags,
    annotation_rows,
    audit_trail,
    definitions,
    exclusions,
    health_results,
    observations,
    study_answers,
)
from workbench.store.sums import opened, sealed

#: Answers are deleted after this long, and the oldest of more than this many. [count]
KEPT_FOR, MOST = timedelta(days=2), 2_000


@dataclass(frozen=True)
class StudyAnswer:
    """An answer as it was kept: its bytes, for which instant and when it was made [ms], and from which data."""

    content: bytes
    as_of_ms: int
    made_ms: int
    data: str


class Answers(Connected):
    """The part of the store that keeps answers of studies; a key covers all that must not differ between readers."""

    def keep_study(
        self, key: str, content: bytes, *, study: str, system: str, as_of: datetime, made: datetime, data: str
    ) -> None:
        """Keep an answer in place of the one before, unless that one is for a later instant; let old ones go.

        Parameters
        ----------
        key : str
            Fingerprint of the question, of who may see what, and of the contents of catalog and settings.
        content : bytes
            The answer as Arrow.
        study, system : str
            What was asked, for people who look at the table.
        as_of, made : datetime
            Instant of the answer, and when it was made.
        data : str
            Fingerprint of the data it was made from.
        """
        row = {
            "key": key, "scope": self._scope_text, "study": study, "system": system, "as_of_ms": to_ms(as_of),
            "made_ms": to_ms(made), "data": data,
            "content": sealed(content, key, to_ms(as_of), to_ms(made), data),
        }  # fmt: skip
        held = study_answers.c
        with self._writing() as connection:
            newer = connection.execute(
                select(held.key).where(held.key == key, held.scope == self._scope_text, held.as_of_ms > to_ms(as_of))
            ).first()
            if newer is None:
                upsert(connection, study_answers, [row], on=("key", "scope"))
            connection.execute(delete(study_answers).where(held.made_ms < to_ms(made - KEPT_FOR)))
            count = connection.execute(select(func.count()).select_from(study_answers)).scalar_one()
            if count > MOST:
                oldest = select(held.made_ms).order_by(held.made_ms).offset(count - MOST).limit(1).scalar_subquery()
                connection.execute(delete(study_answers).where(held.made_ms < oldest))

    def kept_study(self, key: str) -> StudyAnswer | None:
        """Return the answer kept under a key by somebody of the same scope; None without one, or of a damaged one."""
        held = study_answers.c
        query = select(held.content, held.as_of_ms, held.made_ms, held.data).where(
            held.key == key, held.scope == self._scope_text
        )
        with self._reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        content = opened(bytes(row.content), key, row.as_of_ms, row.made_ms, row.data)
        return None if content is None else StudyAnswer(content, row.as_of_ms, row.made_ms, row.data)

    def decided_version(self) -> str:
        """Fingerprint of exclusions, annotations, tags of alerts and definitions: any change gives another one."""
        with self._reading() as connection:
            rows: list[Any] = [
                tuple(row) for table in (exclusions, annotation_rows) for row in connection.execute(_ordered(table))
            ]
            rows += connection.execute(select(func.count(), func.max(audit_trail.c.id))).all()
            rows += connection.execute(select(func.count(), func.max(alert_tags.c.tagged_at))).all()
            rows += connection.execute(select(func.count(), func.max(definitions.c.since_ms))).all()
        return hashlib.sha256(repr(rows).encode("utf-8", "surrogatepass")).hexdigest()

    def collected_version(self, until_ms: int | None = None) -> str:
        """Fingerprint of what was collected: observations, health, episodes; of the last two those up to an instant.

        Parameters
        ----------
        until_ms : int, optional
            The instant; by default all counts. [ms since the epoch]
        """
        seen, health, episodes = observations.c, health_results.c, alert_episodes.c
        queries = (
            select(func.count(), func.max(seen.first_seen_ms)),
            select(func.count(), func.max(health.at_ms)).where(*_until(health.at_ms, until_ms)),
            select(
                func.count(), func.max(episodes.starts_ms), func.max(episodes.ends_ms), func.count(episodes.ends_ms)
            ).where(*_until(episodes.starts_ms, until_ms)),
        )
        with self._reading() as connection:
            rows = [tuple(row) for query in queries for row in connection.execute(query)]
        return hashlib.sha256(repr(rows).encode()).hexdigest()

    @property
    def _scope_text(self) -> str:
        return "all" if self._scope is None else hashlib.sha256(repr(self._scope).encode()).hexdigest()


def _ordered(table: Table) -> Any:
    return select(table).order_by(table.c.id)


def _until(column: Column[int], until_ms: int | None) -> list[ColumnElement[bool]]:
    return [] if until_ms is None else [column <= until_ms]
