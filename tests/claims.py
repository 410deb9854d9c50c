"""What no surface may say about a source that could not prove it, by the id of the finding."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from tests.pages.lab import _series
from workbench.archive import Archive
from workbench.core.series import SeriesSet

SYSTEM = "counterfactual-lab"

#: States of a source: no server, no sample, the last ten minutes only, one metric of all.
STATES = ("down", "empty", "ten", "half")

_DEAD, _NO_DAY, _PART = ("down", "empty"), STATES, ("down", "empty", "half")

#: Id of a claim -> how it reads, and the states of the source in which nothing could prove it.
FORBIDDEN: dict[str, tuple[str, tuple[str, ...]]] = {
    "overview/all-clear": (r"Nothing needs attention:", _NO_DAY),
    "overview/no-alert": (r"No alert fires", _NO_DAY),
    "alerts/none-began": (r"No alert began in this period", _NO_DAY),
    "alerts/never-fired": (r"never fired|No rule fired|quiet\b(?! hours)", _DEAD),
    "slo/on-track": (r"\bon track\b|\bOK\b|\bmet\b(?! or missed)|100\.00? ?% of", _DEAD),
    "slo/nothing-fires": (r"  none$", _DEAD),
    "slo/policy-clear": (r"No step of the error-budget policy is reached|\bclear\b", _DEAD),
    "slo/no-episode": (r"No episode spent|out of the ordinary", _DEAD),
    "slo/burning-clear": (r"\bBurning\s+clear", ("down", "empty", "ten")),
    "slo/no-budget-event": (r"No budget event was large enough", _DEAD),
    "slo/backtest": (r"would have (?:fired|paged) 0 times|no alert would have", _DEAD),
    "performance/kept": (r"\bWithin\b|kept all the time", ("down", "empty", "ten")),
    "performance/no-failure": (r"No request failed|\b0\.00 ?% (?:failed|errors)", _PART[:2]),
    "cost/no-unusual-day": (r"No unusual day|No day left the level", _NO_DAY),
    "cost/zero": (r"\b0\.00 USD", _NO_DAY),
    "cost/no-change": (r"did not change|No change of spend|spend is unchanged", _NO_DAY),
    "cost/cause": (r"Spend (?:rose|fell) by|mostly because", _NO_DAY),
    "cost/month-end": (r"The month lands at", _NO_DAY),
    "cost/budget-kept": (r"budgets?: \d+ on track", _NO_DAY),
    "quality/no-drift": (r"No drift|Nothing drifts|\bsteady\b(?! scores)", _NO_DAY),
    "capacity/no-limit": (r"Nothing runs out|No resource runs out|runs out in the next", _NO_DAY),
    "investigate/no-difference": (r"No row of this kind differs", ("down", "empty", "ten")),
    "logs/no-new-message": (r"[Nn]o new error message|No error was logged", _NO_DAY),
    "alerts/rules-quiet": (r"\d+ did not fire", _NO_DAY),
    "operations/no-growth": (r"grew by more than half in a week +ok", _NO_DAY),
    "operations/all-up": (r"All targets are up|all \d+ targets up|No target is down", _DEAD),
    "reviews/passed": (r"All items passed|Nothing to do\b", _DEAD),
}


def claims(text: str, state: str) -> Iterator[str]:
    """Claims in a text that a source in this state cannot prove."""
    for finding, (pattern, states) in FORBIDDEN.items():
        if state in states and (said := re.search(pattern, text, re.MULTILINE)):
            yield f"{finding}: {text[max(said.start() - 60, 0) : said.end() + 40]!r}"


def source_in(state: str, root: Path, now: datetime) -> str:
    """Settings of a source in a state, whose archive is made in a folder."""
    if state == "down":
        return f'[sources.lab]\nkind = "prometheus"\nurl = "http://127.0.0.1:9"\nsystems = ["{SYSTEM}"]\n'
    every = list(_series(now)) if state != "empty" else []
    if state == "ten":
        every = [(labels, times[-11:], values[-11:]) for labels, times, values in every]
    if state == "half":
        every = [one for one in every if one[0]["__name__"] == "http_requests_total"]
    archive = Archive.open(root / f"{state}-archive", create=True)
    if every:
        archive.append_samples(SeriesSet.of(every))
    return f'[sources.lab]\nkind = "archive"\npath = "{root / f"{state}-archive"}"\nsystems = ["{SYSTEM}"]\n'
