"""Checks a rule file against what is known of a system: its metrics, its channels and the history of its alerts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench import __version__
from workbench.analysis.alerts.rule_problems import LEVELS, RuleProblems
from workbench.catalog import Profile
from workbench.catalog.rules.written import WrittenRule, WrittenRules, read_written_rules
from workbench.core.errors import WorkbenchError
from workbench.core.result import Provenance, Study
from workbench.core.timerange import TimeRange
from workbench.studies.alerts.load import alert_load
from workbench.studies.alerts.rule_checks import Problem, expression_problems, rule_problems
from workbench.studies.alerts.rule_firing import firing_problems
from workbench.studies.alerts.rule_labels import known_metrics

if TYPE_CHECKING:
    from workbench.studies.sources.context import Context
from workbench.studies.sources.looks import one_look

#: Time between scrapes where nobody says otherwise. [ms]
SCRAPE_MS = 15_000

#: How long an alert must have been quiet, or firing, before its history says something.
HISTORY = timedelta(days=30)

#: An alert that fires more of the time than this always fires. [ratio]
ALWAYS = 0.95

_COLUMNS = ["file", "line", "column", "check", "level", "rule", "text", "source"]


@one_look
def alert_lint(
    ctx: Context, *, system: str, path: Path, as_of: datetime, scrape_ms: int = SCRAPE_MS, history: bool = True
) -> Study:
    """Check the rules of a file.

    Parameters
    ----------
    ctx : Context
        Sources, profiles and settings, and who reads.
    system : str
        System of the catalog: its profile says which metrics, labels and channels there are.
    path : Path
        Rule file in any shape that :func:`workbench.catalog.rules.written.read_written_rules` reads.
    as_of : datetime
        Aware instant up to which history is read.
    scrape_ms : int
        Time between scrapes. [ms]
    history : bool
        Ask the system's source too: for names of metrics that the profile does not hold, and for alerts that always or
        never fired.

    Returns
    -------
    Study
        ``results``: ``problems`` (:class:`workbench.analysis.alerts.rule_problems.RuleProblems`); status ``at_risk``
        with an error or a warning among them.

    Raises
    ------
    ParameterError
        Unknown system.
    CatalogError
        The file cannot be read or has no rule.
    """
    profile = ctx.catalog.profile(system)
    written = read_written_rules(path)
    span = TimeRange(as_of - HISTORY, as_of)
    names, warnings = _names(ctx, system, span) if history else ((), [])
    known = known_metrics(profile, written.rules, scrape_ms=scrape_ms, names=names)
    channels = channel_severities(profile)
    problems: list[tuple[WrittenRule, Problem]] = []
    for rule in written.rules:
        problems += [
            (rule, problem)
            for problem in (
                *expression_problems(rule, known),
                *firing_problems(rule, known),
                *rule_problems(rule, known, channels),
            )
        ]
    problems += _twice(written)
    if history:
        problems += _from_history(ctx, system, span, written, warnings)
    frame = pd.DataFrame([_row(written, rule, problem) for rule, problem in problems], columns=_COLUMNS)
    frame = frame.sort_values(["line", "column", "check"], kind="stable", ignore_index=True)
    return Study(
        name="alert_lint",
        system=system,
        range=span,
        as_of=as_of,
        results={"problems": RuleProblems(frame, rules=len(written.rules))},
        status="at_risk" if frame["level"].isin(LEVELS[:2]).any() else "ok",
        freshness=None,
        coverage=float("nan"),
        provenance=Provenance(
            str(path), "promql parser", "", "static checks, profile and history", version=__version__
        ),
        warnings=tuple(warnings),
    )


def channel_severities(profile: Profile) -> frozenset[str] | None:
    """Severities that some channel takes; None where one takes all, or none is known."""
    if not profile.channels or any(not channel.severities for channel in profile.channels):
        named = {severity for channel in profile.channels for severity in channel.severities}
        levels = {level.severity for level in profile.severities}
        return frozenset(named | levels) if named | levels else None
    return frozenset(severity for channel in profile.channels for severity in channel.severities)


def _names(ctx: Context, system: str, span: TimeRange) -> tuple[tuple[str, ...], list[str]]:
    try:
        return ctx.source_for(system).label_values("__name__", TimeRange(span.end - timedelta(days=1), span.end)), []
    except WorkbenchError as error:
        return (), [f"The source was not asked for its metrics: {error.message}"]


def _twice(written: WrittenRules) -> Iterator[tuple[WrittenRule, Problem]]:
    seen: dict[Any, WrittenRule] = {}
    for rule in written.rules:
        key = (rule.kind, rule.name, tuple(sorted(rule.labels.items())))
        first = seen.setdefault(key, rule)
        if first is not rule:
            text = f"{rule.name} with these labels is defined in line {first.line} too: both write the same series."
            yield rule, Problem("rule/duplicate", "error", rule.name, text)


def _from_history(
    ctx: Context, system: str, span: TimeRange, written: WrittenRules, warnings: list[str]
) -> Iterator[tuple[WrittenRule, Problem]]:
    """Name alerts of the file that fired all the time, or never, in a history that is long enough."""
    study = alert_load(ctx, system=system, range=span, as_of=span.end)
    if study.status in ("unavailable", "refused", "no_data"):
        warnings.append("The history of alerts was not read, so rules that always or never fired are not named.")
        return
    table = study.results["rules"].frame
    fired = {str(row.alertname): row for row in table.itertuples()}
    days = study.coverage * HISTORY.days
    for rule in written.rules:
        row = fired.get(rule.name)
        if rule.kind != "alert" or row is None:
            continue
        if row.firing_share > ALWAYS:
            text = f"It fired {row.firing_share:.0%} of the last {days:.0f} observed days."
            yield rule, Problem("alerts/always-fired", "warning", rule.name, text)
        elif not row.alerts and study.coverage > 0.9:
            text = f"It never fired in the last {days:.0f} observed days; test it, or delete it."
            yield rule, Problem("alerts/never-fired", "info", rule.name, text)


def _row(written: WrittenRules, rule: WrittenRule, problem: Problem) -> dict[str, Any]:
    line, column = place_of(written, rule, problem.token)
    source = written.lines[line - 1] if line <= len(written.lines) else ""
    shown = replace(problem, text=" ".join(problem.text.split()))
    return {
        "file": written.file,
        "line": line,
        "column": column,
        "check": shown.check,
        "level": shown.level,
        "rule": rule.name,
        "text": shown.text,
        "source": source,
    }


def place_of(written: WrittenRules, rule: WrittenRule, token: str) -> tuple[int, int]:
    """Line and column of a text inside a rule, both from 1; of the rule itself where it is not there."""
    lines = written.lines[rule.line - 1 : rule.last_line]
    expression = next((number for number, line in enumerate(lines) if line.strip().lstrip("- ").startswith("expr")), 0)
    order = [*range(expression, len(lines)), *range(expression)] if not token.endswith(":") else range(len(lines))
    for number in order if token else ():
        column = lines[number].find(token)
        if column >= 0:
            return rule.line + number, column + 1
    return rule.line, len(lines[0]) - len(lines[0].lstrip()) + 1 if lines else 1
