"""What an answer depends on, as two fingerprints: what must never differ, and the data it was made from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import workbench
from workbench.archive import Archive, ArchiveSource
from workbench.archive.storage.document import RAW_DELETED_BEFORE
from workbench.archive.storage.layout import LAYOUTS, SERIES, Layout
from workbench.archive.storage.parquet import DataFile
from workbench.catalog import Catalog
from workbench.core.errors import WorkbenchError
from workbench.core.timerange import TimeRange, from_ms, to_ms
from workbench.studies.sources.context import Context

_FORM = 1  # raised when answers are written in another form

#: Parts of a context that are looked at one by one; every other part is a setting, and in each key as it is.
_BY_PART = frozenset(
    {
        *("sources", "catalog", "store", "identity", "clock", "settings"),
        *("log_sources", "span_sources", "episode_sources", "tables"),
    }
)

#: Pages round "now" down to this, else no two questions would ever be the same. [ms]
STEP_MS = 300_000

#: What a study reads before the end of a period, however short it is: its answer is the same for all shorter ones.
AT_LEAST = {"capacity_forecast": timedelta(days=63)}

#: A period that ended less than this ago ends at the present: pages round "now" down to five minutes.
PRESENT = timedelta(minutes=10)

#: An answer about an instant so long ago says nothing of the present, such as which sources are there.
OVER = timedelta(hours=1)


@dataclass(frozen=True)
class Question:
    """A question to a study.

    Attributes
    ----------
    study : str
        Name of the study, e.g. ``spend_and_tokens``.
    system : str
        Empty for a question about all systems.
    span : TimeRange or None
        Period; None for the own window of each objective.
    as_of : datetime
        Aware instant up to which history is read.
    options : tuple of (str, value)
        Further arguments of the study, plain values.
    """

    study: str
    system: str
    span: TimeRange | None
    as_of: datetime
    options: tuple[tuple[str, Any], ...] = ()

    def period(self, now: datetime) -> str:
        """Say what stays the same while time goes on: a length up to the present, or fixed ends."""
        if self.span is None:
            return "own windows"
        end_ms = self.span.end_ms
        length_ms = max(end_ms - self.span.start_ms, AT_LEAST.get(self.study, timedelta()) // timedelta(milliseconds=1))
        if self.span.end == self.as_of and now - self.as_of < PRESENT:
            return f"last {length_ms} ms"
        return f"{end_ms - length_ms} to {end_ms} ms"


@dataclass(frozen=True)
class Data:
    """State of everything a context reads from; ``whole`` is False where a source cannot tell that it changed."""

    version: str
    whole: bool


def key_of(ctx: Context, question: Question) -> str:
    """Fingerprint of all that must not differ between two readers of one answer.

    That is the question, who may see what, the contents of catalog and settings, what people decided, and the program.
    """
    grants = sorted((grant.role, grant.systems or ("*",)) for grant in ctx.identity.grants)
    settings = [(each.name, getattr(ctx, each.name)) for each in fields(ctx) if each.name not in _BY_PART]
    places = [
        (name, getattr(source, "location", ""), source.semantics if isinstance(source, ArchiveSource) else "")
        for name, source in sorted(ctx.sources.items())
    ]
    parts = (question.study, question.system, question.period(ctx.clock()), question.options)
    decided = ctx.store.decided_version() if ctx.store is not None else ""
    return _hash(
        _FORM, parts, ctx.identity.scope, grants, settings, places, _catalog(ctx.catalog), decided, program_version()
    )


def judged_by(ctx: Context) -> str:
    """Fingerprint of what an answer is judged by, whatever the question: scope, catalog, decisions, the program."""
    decided = ctx.store.decided_version() if ctx.store is not None else ""
    return _hash(_FORM, ctx.identity.scope, _catalog(ctx.catalog), decided, program_version())


def data_of(ctx: Context, question: Question) -> Data:
    """Fingerprint of the data that may be read: archives, tables in files, what was collected.

    Of a period that is over only what tells of the time up to its end counts, so what is added later changes nothing.
    """
    over = ctx.clock() - question.as_of >= OVER
    until_ms = to_ms(question.as_of) if over else None
    parts: list[Any] = [until_ms]
    whole = True
    for name, source in sorted(ctx.sources.items()):
        if not isinstance(source, ArchiveSource):
            whole = False
            continue
        try:
            held = source.archive
            parts.append((name, (held.versions(), held.meta) if until_ms is None else _state_until(held, until_ms)))
        except WorkbenchError as error:
            parts.append((name, str(error)))
    for name, table in sorted(ctx.tables.items()):
        if table.path is None:
            whole = False
        else:
            parts.append((name, list(_stated(table.path))))
    if ctx.cost.prices is not None:
        parts.append(("prices", list(_stated(ctx.cost.prices))))
    whole = whole and not (ctx.log_sources or ctx.span_sources or ctx.episode_sources)
    if ctx.store is not None:
        parts.append(ctx.store.collected_version(until_ms))
    return Data(_hash(parts), whole)


def _state_until(archive: Archive, until_ms: int) -> tuple[Any, ...]:
    """Return what an archive holds up to an instant: files do not change, and later ones begin after it."""
    files = [
        sorted(file.path for file in archive.files(layout) if _begin_ms(file, layout) <= until_ms)
        for layout in LAYOUTS
        if layout != SERIES  # a new series has its samples in another file
    ]
    return files, archive.families, archive.meta.get(RAW_DELETED_BEFORE)


def _begin_ms(file: DataFile, layout: Layout) -> int:
    return file.low[layout.time or layout.order[0]] // layout.per_ms


@lru_cache(maxsize=1)
def program_version() -> str:
    """Fingerprint of the program: a changed analysis must not give the answers of the old one."""
    root = Path(workbench.__file__).parent
    files = sorted(path for path in root.rglob("*.py"))
    return _hash(workbench.__version__, [(str(path), *_edited(path)) for path in files])


@lru_cache(maxsize=64)
def _profile(held: _Same) -> str:
    return _hash(held.value.model_dump_json())


@lru_cache(maxsize=512)
def _objectives(held: _Same) -> str:
    return _hash(held.value)


class _Same:
    """An object as a key of what was made from it: equal to itself alone, and alive as long as it is a key."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


def _catalog(catalog: Catalog) -> str:
    """Fingerprint of the contents of a catalog; each profile is written out once."""
    return _hash(
        [(name, _profile(_Same(profile))) for name, profile in sorted(catalog.profiles.items())],
        [(name, _objectives(_Same(several))) for name, several in sorted(catalog.objectives.items())],
        catalog.scope,
        sorted(catalog.broken.items()),
    )


def _stated(path: Path) -> Iterator[tuple[str, int, int]]:
    """Files that a path or a pattern of a shell means, as they were last edited."""
    parts = path.parts
    first = next((number for number, part in enumerate(parts) if set(part) & set("*?[")), len(parts))
    base = Path(*parts[:first]) if first else Path()
    for file in sorted(base.glob(str(Path(*parts[first:])))) if first < len(parts) else [path]:
        yield str(file), *_edited(file)


def _edited(path: Path) -> tuple[int, int]:
    try:
        state = os.stat(path)
    except OSError:
        return 0, 0
    return state.st_mtime_ns, state.st_size


def _hash(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def age_of(made_ms: int, now: datetime) -> float:
    """Age of an answer. [s]"""
    return max(0.0, (now - from_ms(made_ms)).total_seconds())
