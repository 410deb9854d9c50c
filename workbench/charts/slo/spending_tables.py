"""What spent a budget, as rows of text and sentences: the same on the command line, in the report and in a notebook."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.charts.tables import Sentence, Table
from workbench.core.result import Result
from workbench.core.units import NO_VALUE, count_text, factor_text, instant_text, ratio_text, span_text

#: Episodes that spent less than this part of a budget are not told one by one. [ratio]
LEAST_SHARE = 0.001


def spending_rows(
    spent: Result, contributed: Result | None = None, companions: Result | None = None, *, least: float = LEAST_SHARE
) -> list[dict[str, str]]:
    """One row of text per episode, those that spent most first, and one a budget for all other time.

    Parameters
    ----------
    spent : Spending
        Episodes in which budget was used.
    contributed : Contributions, optional
        Gives the column ``label``.
    companions : Companions, optional
        Gives the column ``at the same time``: deploys, alerts and new errors of the same time.
    least : float
        Episodes below this share of the budget are left out; their number stands in the row of other time. [ratio]
    """
    where = {} if contributed is None else places(contributed)
    unknown = NO_VALUE if contributed is None else "no single label"
    beside = {} if companions is None else _beside(companions)
    rows = []
    for objective, part in spent.frame.groupby("objective", sort=False, observed=True):
        episodes = part[part["kind"] == "episode"].sort_values("bad", ascending=False)
        listed = episodes[episodes["budget_share"] >= least]
        for row in listed.itertuples():
            rows.append(
                {
                    "objective": str(objective),
                    "start": instant_text(row.start),
                    "end": "goes on" if row.ongoing else instant_text(row.end),
                    "lasted": span_text(row.minutes * 60),
                    "bad": count_text(row.bad),
                    "share of bad": ratio_text(row.bad_share, digits=1),
                    "budget used": ratio_text(row.budget_share, digits=1),
                    "burn rate": factor_text(row.burn_rate),
                    "label": where.get((str(objective), int(row.episode)), unknown),
                    "at the same time": beside.get((str(objective), int(row.episode)), ""),
                }
            )
        rest = part[part["kind"] == "usual"].iloc[0]
        small = episodes[episodes["budget_share"] < least]
        words = "all other time" + (f" and {len(small)} small episodes" if len(small) else "")
        bad, share = rest["bad"] + small["bad"].sum(), rest["budget_share"] + small["budget_share"].sum()
        rows.append(
            {
                "objective": str(objective),
                "start": instant_text(rest["start"]),
                "end": instant_text(rest["end"]),
                "lasted": span_text((rest["minutes"] + small["minutes"].sum()) * 60),
                "bad": count_text(bad),
                "share of bad": ratio_text(rest["bad_share"] + small["bad_share"].sum(), digits=1),
                "budget used": ratio_text(share, digits=1),
                "burn rate": factor_text(rest["burn_rate"]),
                "label": words,
                "at the same time": "",
            }
        )
    return rows


def places(contributed: Result) -> dict[tuple[str, int], str]:
    """Where each episode was, as text: the narrowed labels, ``provider=anthropic, model=claude-sonnet-4``."""
    narrowed = contributed.frame[contributed.frame["narrowed"]]
    places_of: dict[tuple[str, int], list[str]] = {}
    for (objective, episode, dimension), part in narrowed.groupby(
        ["objective", "episode", "dimension"], sort=False, observed=True
    ):
        places_of.setdefault((str(objective), int(episode)), []).append(f"{dimension}={'|'.join(part['value'])}")
    return {key: ", ".join(texts) for key, texts in places_of.items()}


def _beside(companions: Result) -> Mapping[tuple[str, int], str]:
    events: dict[tuple[str, int], list[str]] = {}
    for row in companions.frame.itertuples():
        times = f" ({row.count}x)" if row.count > 1 else ""
        events.setdefault((str(row.objective), int(row.episode)), []).append(f"{row.kind} {row.what}{times}")
    return {key: "; ".join(texts[:3]) for key, texts in events.items()}


def contribution_rows(contributed: Result, *, objective: str, episode: int) -> list[dict[str, str]]:
    """One row of text per label value of one episode, the largest share of each dimension first."""
    frame = contributed.frame
    part = frame[(frame["objective"] == objective) & (frame["episode"] == episode) & (frame["bad"] != 0)]
    return [
        {
            "dimension": str(row.dimension),
            "value": str(row.value) or "(none)",
            "bad": count_text(row.bad),
            "events": count_text(row.total) if row.total == row.total else NO_VALUE,
            "bad share": ratio_text(row.bad_ratio) if row.bad_ratio == row.bad_ratio else NO_VALUE,
            "share of episode": ratio_text(row.share, digits=1),
            "smallest cause": "yes" if row.narrowed else "",
        }
        for row in part.itertuples()
    ]


def companion_rows(companions: Result, *, objective: str, episode: int) -> list[dict[str, str]]:
    """One row of text per thing that happened at the time of an episode."""
    frame = companions.frame
    part = frame[(frame["objective"] == objective) & (frame["episode"] == episode)]
    return [
        {
            "kind": str(row.kind),
            "what": str(row.what),
            "time": instant_text(row.time),
            "after start": ("-" if row.lag_s < 0 else "") + span_text(abs(row.lag_s)),
            "count": count_text(row.count),
            "before": count_text(row.before) if row.kind in ("log", "span") else NO_VALUE,
            "detail": str(row.detail),
        }
        for row in part.itertuples()
    ]


def spending_table(spent: Result, contributed: Result | None = None, companions: Result | None = None) -> Table:
    """Table of :func:`spending_rows` that renders itself."""
    return Table(
        spending_rows(spent, contributed, companions),
        caption="Bad counts of one objective add up to all of its bad events; budget is a share of the whole window's.",
        left=("start", "end", "label", "at the same time"),
    )


def spending_finding(spent: Result, contributed: Result | None = None) -> Sentence:
    """Say in a sentence or two what spent most of the budget that was spent most."""
    episodes = spent.frame[spent.frame["kind"] == "episode"]
    if not spent.frame["total"].sum() > 0:
        return Sentence("Unknown: no event was counted, so what spent the budget is not known.")
    if episodes.empty:
        return Sentence("No episode spent a budget faster than usual.")
    where = {} if contributed is None else places(contributed)
    parts = []
    several = bool((episodes["objective"] != episodes["objective"].iloc[0]).any())
    for row in episodes.sort_values("budget_share", ascending=False).head(3).itertuples():
        place = where.get((str(row.objective), int(row.episode)), "")
        title = f"{row.title}: " if several else ""
        share = ratio_text(row.budget_share, digits=0 if row.budget_share >= 0.1 else 1)
        parts.append(
            f"{title}{share} of the budget in {span_text(row.minutes * 60)} "
            f"from {instant_text(row.start)}{f' ({place})' if place else ''}"
        )
    return Sentence("What spent most: " + "; ".join(parts) + ".")
