"""Which alerts are a system's: those that carry its scope, and those of its rules that lost the label on the way.

A rule that aggregates (``sum(rate(...)) > 5``) gives alerts without the labels of the scope. They are known by the
names of the profile's rules, and of the server's rules about the profile's metrics.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from workbench.catalog import Profile
from workbench.core.errors import WorkbenchError
from workbench.core.source import MetricSource
from workbench.core.timerange import TimeRange
from workbench.promql import Matcher, in_scope, scope_matchers, scoped
from workbench.studies.sources.server_rules import rules_of

#: How far back samples of ALERTS tell that there would be newer ones.
_RECENT = timedelta(days=30)
_TODAY = timedelta(days=1)

#: Names in one selector at most; a server with more rules about one system is read in several.
_AT_ONCE = 200


@dataclass(frozen=True)
class RuleNames:
    """Alert rules of a system.

    Attributes
    ----------
    names : tuple of str
    evaluated : tuple of str, optional
        Those that its server lists; None where it does not say.
    waits_ms : mapping of (str, str) to int
        By name and severity: how long the condition holds before the alert fires (``for``). [ms]
    """

    names: tuple[str, ...]
    evaluated: tuple[str, ...] | None = None
    waits_ms: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def known(self) -> int:
        """How many alert rules there are: evaluated ones where the server says. [count]"""
        return len(self.names if self.evaluated is None else self.evaluated)


def rule_names(source: MetricSource, profile: Profile) -> RuleNames:
    """Return the names of the alert rules of a system, of its profile and of its server.

    A server that does not list its rules leaves those of the profile.
    """
    own = tuple(dict.fromkeys(rule.name for rule in profile.alert_rules))
    waits = {(rule.name, str(rule.severity)): rule.for_ms for rule in profile.alert_rules}
    document: Any = getattr(source, "document", None)
    if document is None:
        return RuleNames(own, waits_ms=waits)
    try:
        groups = document("/api/v1/rules").get("groups") or []
    except (WorkbenchError, AttributeError):
        return RuleNames(own, waits_ms=waits)
    about = {rule.alert for rule in rules_of(groups, profile.metrics, _jobs(profile)) if rule.alert}
    listed = {str(rule.get("name", "")) for group in groups for rule in group.get("rules") or []}
    evaluated = tuple(sorted(about | (set(own) & listed)))
    for rule in (rule for group in groups for rule in group.get("rules") or []):
        if isinstance(seconds := rule.get("duration"), int | float) and math.isfinite(seconds):
            severity = str((rule.get("labels") or {}).get("severity", ""))
            waits[str(rule.get("name", "")), severity] = round(seconds * 1000)
    return RuleNames(tuple(dict.fromkeys([*own, *evaluated])), evaluated, waits)


def shows_alerts(source: MetricSource, system: str, rules: RuleNames, until: datetime) -> bool:
    """Whether a source would hold samples of an alert that fired; without, that none fires is not known.

    A server that lists the rules it evaluates does, and one that holds ``ALERTS`` of the last month; an archive into
    which they were copied as well, if there were any or not.
    """
    archive: Any = getattr(source, "archive", None)
    if rules.evaluated is not None or (archive is not None and f"{system}/ALERTS" in archive.covered()):
        return True
    try:  # most that fire did so today, and a month takes much longer to look through
        return any(source.series(["ALERTS"], TimeRange(until - length, until)) for length in (_TODAY, _RECENT))
    except WorkbenchError:
        return False


def alert_selectors(metric: str, scope: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the selectors of the alerts of a system: in its scope, and by name where labels of it are absent.

    Examples
    --------
    >>> for selector in alert_selectors("ALERTS", {"job": "gw"}, ("QueueLong",)):
    ...     print(selector)
    ALERTS{job="gw"}
    ALERTS{alertname=~"QueueLong",job=~"|gw"}
    """
    first = scoped(metric, scope)
    if not scope or not names:
        return (first,)
    pairs = [(matcher.name, *_loose(matcher)) for matcher in scope_matchers(scope)]
    loose = [f"{name}{operator}{json.dumps(value)}" for name, operator, value in pairs]
    base, _, inside = metric.partition("{")
    given = [inside.rstrip("}")] if inside else []
    selectors = [first]
    for start in range(0, len(names), _AT_ONCE):
        pattern = json.dumps("|".join(map(re.escape, names[start : start + _AT_ONCE])))
        selectors.append(f"{base}{{{','.join([*given, f'alertname=~{pattern}', *loose])}}}")
    return tuple(selectors)


def owns(labels: Mapping[str, str], scope: Mapping[str, str], names: tuple[str, ...]) -> bool:
    """Whether an alert is a system's: in its scope, or one of its rules' without labels of the scope.

    Examples
    --------
    >>> owns({"alertname": "QueueLong"}, {"job": "gw"}, ("QueueLong",)), owns({"job": "x"}, {"job": "gw"}, ())
    (True, False)
    """
    if in_scope(labels, scope):
        return True
    present = {name: pattern for name, pattern in scope.items() if name in labels}
    return labels.get("alertname", "") in names and in_scope(labels, present)


def _loose(matcher: Matcher) -> tuple[str, str]:
    """Let a matcher accept series without its label too; one that refuses a value does already."""
    if matcher.op in ("!=", "!~"):
        return matcher.op, matcher.value
    return "=~", f"|{matcher.value if matcher.op == '=~' else re.escape(matcher.value)}"


def _jobs(profile: Profile) -> tuple[str, ...]:
    """Scrape jobs of a scope where it names them."""
    pattern = profile.scope.get("job", "")
    if pattern.startswith(("!", "=~")):
        alternatives = pattern.removeprefix("=~").split("|")
        plain = [alternative.replace("\\", "") for alternative in alternatives]
        return tuple(plain) if pattern.startswith("=~") and not re.search(r"[.*+?()\[\]]", "".join(plain)) else ()
    return (pattern,) if pattern else ()
