"""Reviews of a system: the checklists of its document, judged where data can, kept open where only people can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pandas as pd

from workbench import __version__
from workbench.analysis.reviews.items import REVIEWS, Item, item_id, on_day, review_items, review_of, reviews_in
from workbench.core.errors import ParameterError
from workbench.core.result import Provenance, Study
from workbench.core.timerange import TimeRange, named_zone
from workbench.store import Store
from workbench.store.reviews import ReviewNote
from workbench.studies.reviews.evidence import Evidence, evaluate
from workbench.studies.sources.context import Context

#: Every item of every checklist, whatever its review.
ALL = "all"


def items_of(ctx: Context, system: str, review: str) -> tuple[Item, ...]:
    """Return the items of a review of a system, as its document lists them.

    Raises
    ------
    ParameterError
        Unknown system or review.
    """
    if review not in (*REVIEWS, ALL):
        raise ParameterError(f"{review!r} is not a review.", hint=f"Reviews: {', '.join((*REVIEWS, ALL))}.")
    items = [
        Item(item_id(checklist.title, each.text), review_of(checklist.cadence, checklist.title, each.text),
             checklist.title, each.text, each.question, each.not_measured)
        for checklist in ctx.catalog.profile(system).checklists
        for each in checklist.items
    ]  # fmt: skip
    return tuple(item for item in items if review in (ALL, item.review))


def system_review(ctx: Context, *, system: str, review: str, as_of: datetime) -> Study:
    """Judge the items of one review of a system.

    Parameters
    ----------
    ctx : Context
        With a store: ticks and the last finished review are read from it.
    system : str
        Id of the system, as its profile names it.
    review : str
        ``morning``, ``day`` (ongoing), ``evening``, ``weekday``, ``week``, ``month``, ``quarter``, ``year`` or ``all``.
    as_of : datetime
        Aware instant of the review; it looks back one day, a week, a month, a quarter or a year.

    Returns
    -------
    Study
        ``results``: ``items`` (:class:`workbench.analysis.reviews.items.ReviewItems`).

    Raises
    ------
    ParameterError
        Unknown system or review.
    """
    items = items_of(ctx, system, review)
    if review == "weekday":
        day = as_of.astimezone(named_zone(ctx.zone)).strftime("%A")
        items = tuple(item for item in items if on_day(item, day))
    back = {name: TimeRange(as_of - timedelta(days=days), as_of) for name, days in REVIEWS.items()}
    since = as_of - timedelta(days=REVIEWS.get(review, 1))
    return _reviewed(ctx, system, review, items, back, as_of=as_of, open_since=since, answers={})


def period_review(
    ctx: Context, *, system: str, range: TimeRange, as_of: datetime, studies: Mapping[str, Study] | None = None
) -> Study:
    """Judge the items of the reviews that come round once in a period: those of the month for a month.

    Parameters
    ----------
    ctx : Context
        With a store: ticks and the last finished review are read from it.
    system : str
        Id of the system, as its profile names it.
    range : TimeRange
        Period of a report. Items are judged over it, and one is done that was ticked off in it.
    as_of : datetime
        Aware instant up to which history, ticks and finished reviews are read.
    studies : mapping of str to Study, optional
        Answers over the same system and period by the name of the study; they are not asked for again.

    Returns
    -------
    Study
        ``results``: ``items`` (:class:`workbench.analysis.reviews.items.ReviewItems`).

    Raises
    ------
    ParameterError
        Unknown system.
    """
    names = reviews_in(range)
    items = tuple(item for name in names for item in items_of(ctx, system, name))
    spans = dict.fromkeys(names, range)
    review = " and ".join(names)
    return _reviewed(ctx, system, review, items, spans, as_of=as_of, open_since=range.start, answers=studies or {})


def _reviewed(
    ctx: Context,
    system: str,
    review: str,
    items: Sequence[Item],
    spans: Mapping[str, TimeRange],
    *,
    as_of: datetime,
    open_since: datetime,
    answers: Mapping[str, Study],
) -> Study:
    """Judge items, each over the span of its review, and put ticks and the last finished review beside them."""
    notes = ctx.store.review_notes(system) if ctx.store is not None else []
    notes = [note for note in reversed(notes) if note.at <= as_of]
    evidence: dict[TimeRange, Evidence] = {}
    judged = []
    for item in items:
        span = spans[item.review]
        held = evidence.setdefault(span, Evidence(ctx, system, span, as_of, answers))
        judged.append((item, evaluate(item, held)))
    last: dict[str, Mapping[str, str]] = {}
    since = None
    wanted = {item.id for item in items}
    for note in notes:
        if not note.item and note.at < as_of and wanted & set(note.verdicts):
            last |= note.verdicts
            since = note.at
    table, status = review_items(
        review,
        judged,
        last=last,
        since=since,
        ticks={note.item: (note.at, note.who, note.note) for note in notes if note.item},
        open_since=open_since,
    )
    others = ", ".join(name for name in REVIEWS if items_of(ctx, system, name)) or "none"
    none = f"The document of {system} has no checklist for the review {review!r}; it has: {others}."
    warnings = [] if items else [none]
    if ctx.store is None:
        warnings.append("Without a store nothing can be ticked off, and no last review is known.")
    span = max(evidence, key=lambda span: span.seconds, default=TimeRange(as_of - timedelta(days=1), as_of))
    return Study(
        name="system_review", system=system, range=span, as_of=as_of, results={"items": table}, status=status,
        freshness=None, coverage=float("nan"),
        provenance=Provenance(ctx.source_for(system).name, "", "", "checklists of the profile", version=__version__),
        warnings=tuple(warnings),
    )  # fmt: skip


def tick_item(ctx: Context, *, system: str, item: str, note: str = "", at: datetime, seen: int | None = None) -> Item:
    """Tick off an item that only people can answer, with the name of who asks.

    Parameters
    ----------
    ctx : Context
        With a store; ``identity`` is who ticks.
    system : str
        Id of the system, as its profile names it.
    item : str
        Id or text of the item.
    note : str
        What was found.
    at : datetime
        Aware instant of the tick.
    seen : int, optional
        What :meth:`workbench.store.Store.newest_change` gave when the writer last looked: somebody else's change since
        then is shown first.

    Raises
    ------
    ParameterError
        No such item, or several that begin so.
    AccessRefused
        The identity is no editor of the system.
    ChangedMeanwhile
        Somebody changed something of the system since ``seen``.
    SettingsError
        There is no store.
    """
    ctx.identity.require("editor", system)
    store = _store(ctx)
    items = items_of(ctx, system, ALL)
    matches = [
        candidate for candidate in items if item in (candidate.id, candidate.id.partition("/")[2], candidate.text)
    ]
    if len(matches) != 1:
        known = ", ".join(item.id for item in items if item.question == "people")
        raise ParameterError(f"{item!r} names {len(matches)} items of {system}.", hint=f"Items for people: {known}.")
    (ticked,) = matches
    store.add_review_note(ReviewNote(system, ticked.review, ticked.id, at, ctx.identity.name, note), seen=seen)
    return ticked


def finish_review(ctx: Context, study: Study, *, note: str = "", at: datetime, seen: int | None = None) -> None:
    """Keep the verdicts of a review, so that the next one says what changed; refused as :func:`tick_item` is."""
    ctx.identity.require("editor", study.system)
    frame: pd.DataFrame = study.results["items"].frame
    verdicts = {row.item: {"verdict": str(row.verdict), "number": str(row.number)} for row in frame.itertuples()}
    review = str(vars(study.results["items"])["review"])
    finished = ReviewNote(study.system, review, "", at, ctx.identity.name, note, verdicts)
    _store(ctx).add_review_note(finished, seen=seen)


def _store(ctx: Context) -> Store:
    if ctx.store is None:
        raise ParameterError("Reviews are kept in the store, and there is none.", hint="Set home or store.url.")
    return ctx.store
