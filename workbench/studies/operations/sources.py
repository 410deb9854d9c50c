"""Do the sources answer, and how old is what they hold?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from workbench import __version__
from workbench.analysis.operations.sources import source_table
from workbench.core.result import Provenance, Status, Study, worst
from workbench.core.timerange import TimeRange
from workbench.studies.sources.context import Context


def source_states(ctx: Context, *, system: str | None = None, range: TimeRange | None = None, as_of: datetime) -> Study:
    """State of each source.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str, optional
        Only the source that answers for this system.
    range : TimeRange, optional
        Not used: a state is that of now. Every study takes it.
    as_of : datetime
        Aware instant the ages are counted to.

    Returns
    -------
    Study
        ``results``: ``sources`` (:class:`workbench.analysis.operations.sources.SourceStates`).
    """
    sources = list(ctx.sources.values()) if system is None else [ctx.source_for(system)]
    with ThreadPoolExecutor(max_workers=max(1, min(8, len(sources)))) as pool:
        states = list(pool.map(lambda source: source.state(), sources))
    table = source_table(states, serves={name: ctx.systems_of(name) for name in ctx.sources}, as_of=as_of)
    statuses: list[Status] = list(table.frame["status"])
    newest = [state.newest for state in states if state.newest is not None]
    return Study(
        name="source_states",
        system=system or "",
        range=range or TimeRange(as_of, as_of),
        as_of=as_of,
        results={"sources": table},
        status=worst(statuses),
        freshness=max(newest, default=None),
        coverage=float("nan"),
        provenance=Provenance(", ".join(state.name for state in states), "", "", "state", version=__version__),
        warnings=tuple(f"{state.name}: {state.detail}" for state in states if state.status != "ok" and state.detail),
    )
