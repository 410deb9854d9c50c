"""What the data says of one item of a checklist, from the studies behind the pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from workbench import studies
from workbench.analysis.reviews.items import Evaluation, Item, Verdict
from workbench.core.errors import WorkbenchError
from workbench.core.result import Study
from workbench.core.timerange import TimeRange
from workbench.core.units import count_text, nouns_text, ratio_text
from workbench.studies.sources.context import Context

#: Observed share of a period below which nothing of it is called in order. [ratio]
_LEAST_COVERAGE = 0.9

#: Statuses of objectives that could be judged.
_JUDGED = ("ok", "at_risk", "spent")

_TUNING = re.compile(r"threshold|tune|noise|fatigue|effectiv|actionable|validat|rule review|optimi", re.IGNORECASE)
_SECURITY = re.compile(r"secur|auth|login|attack|injection|credential|forbidden", re.IGNORECASE)
_TREND = re.compile(r"trend|baseline|pattern|anomal|metrics weekly", re.IGNORECASE)
_OUTSIDE = re.compile(r"external|provider|third.party", re.IGNORECASE)


@dataclass
class Evidence:
    """Asks each study once, when the first item needs it."""

    ctx: Context
    system: str
    range: TimeRange
    as_of: datetime
    answers: Mapping[str, Study] = field(default_factory=dict)

    def _answer(self, study: Callable[..., Study]) -> Study:
        known = self.answers.get(study.__name__)
        return known or study(self.ctx, system=self.system, range=self.range, as_of=self.as_of)

    @cached_property
    def alerts(self) -> Study:
        """Alerts and silences."""
        return self._answer(studies.alert_suppression)

    @cached_property
    def performance(self) -> Study:
        """Rate, errors, duration, thresholds."""
        return self._answer(studies.service_performance)

    @cached_property
    def capacity(self) -> Study:
        """Levels and limits."""
        return self._answer(studies.capacity_forecast)

    @cached_property
    def slo(self) -> Study:
        """Objectives."""
        return self._answer(studies.slo_compliance)

    @cached_property
    def cost(self) -> Study:
        """Spend."""
        return self._answer(studies.spend_and_tokens)

    @cached_property
    def quality(self) -> Study:
        """Scores."""
        return self._answer(studies.quality_drift)

    @cached_property
    def monitoring(self) -> Study:
        """Targets, scrapes, rules, cardinality, backups."""
        return self._answer(studies.monitoring_health)


def evaluate(item: Item, evidence: Evidence) -> Evaluation:
    """Judge one item; one that only people can answer stays open, except where a metric answers it after all."""
    try:
        if "backup" in item.text.lower() and "disaster" not in item.text.lower():
            backups = _backups(evidence)
            if backups.verdict != "not_measured" or item.question != "people":
                return backups
        if item.question == "people":
            return Evaluation("open", item.not_measured)
        study = getattr(evidence, item.question)
        if not study.results or study.status in ("unavailable", "refused"):
            return Evaluation("unavailable", _in_one_line("".join(study.warnings[:1])), item.question)
        evaluation = _JUDGES[item.question](item, study, evidence)
        return _with_coverage(evaluation, _coverage(evaluation, study, evidence), evaluation.page)
    except WorkbenchError as error:
        return Evaluation("unavailable", _in_one_line(str(error)), item.question)


def _coverage(evaluation: Evaluation, study: Study, evidence: Evidence) -> float:
    """Observed share of what a verdict rests on: of the objectives judged, of another question that answered it."""
    if evaluation.page == "slo" and "compliance" in study.results:
        frame = study.results["compliance"].frame
        return float(frame["coverage"][frame["status"].isin(_JUDGED)].min())
    return evidence.performance.coverage if evaluation.page == "performance" else study.coverage


def _with_coverage(evaluation: Evaluation, coverage: float, question: str) -> Evaluation:
    """Say how much was observed where that is not nearly all; what happened is not in order when most was not seen.

    A forecast speaks of what comes, so its verdict stands.
    """
    if evaluation.verdict not in ("ok", "attention") or not coverage < _LEAST_COVERAGE:
        return evaluation
    verdict = "not_measured" if evaluation.verdict == "ok" and question != "capacity" else evaluation.verdict
    number = f"{evaluation.number}; only {ratio_text(coverage, digits=1)} of the period was observed"
    return replace(evaluation, verdict=verdict, number=number)


def _in_one_line(text: str) -> str:
    return " ".join(text.splitlines())


def _alerts(item: Item, study: Study, evidence: Evidence) -> Evaluation:
    rules, episodes = study.results["rules"].frame, study.results["episodes"].frame
    if re.search(r"security", item.text, re.IGNORECASE):
        named = rules[rules["alertname"].map(lambda name: bool(_SECURITY.search(str(name))))]
        if named.empty:
            text = f"0 of {len(rules)} alert rules are about security. {item.not_measured}"
            return Evaluation("not_measured", text.strip(), "alerts")
        return _verdict(bool(named["episodes"].sum()), nouns_text(named["episodes"].sum(), "security alert"), "alerts")
    if not study.coverage > 0 and episodes.empty:
        return Evaluation("not_measured", "Alerts were not observed in the window.", "alerts")
    if _TUNING.search(item.text):
        flapping, stale = (rules[rules[name] > 0]["alertname"].tolist() for name in ("flapping", "stale"))
        quiet = int((rules["episodes"] == 0).sum())
        over = study.results["measures"].frame
        over = over[over["status"] == "at_risk"]["title"].tolist()
        text = f"{nouns_text(len(rules), 'rule')}: {_some('flapping', flapping)}, {_some('standing', stale)}"
        text += f", {quiet} did not fire; {_some('over published limits', over)}"
        return _verdict(bool(flapping or stale or over), text, "alerts")
    began, firing = int(episodes["started"].sum()), episodes[episodes["open"]]
    names = list(dict.fromkeys(firing["alertname"]))
    expired = expired_silences(evidence, firing)
    text = f"{nouns_text(began, 'alert')} began, {int((episodes['started'] & episodes['sleep']).sum())} at night; "
    text += _some("still firing", names)
    faults = study.results["silences"].frame
    faulty = [f"{row.id}: {row.faults}" for row in faults.itertuples() if row.faults]
    text += f"; {_some('silences with faults', faulty)}" if faulty else ""
    text += f"; {_some('expired silences whose alert still fires', expired)}" if expired else ""
    return _verdict(bool(names or expired or faulty), text, "alerts")


def expired_silences(evidence: Evidence, firing: pd.DataFrame) -> list[str]:
    """Silences that ended in the window while an alert that they kept quiet still fires."""
    from workbench.studies.alerts.silences import collected_silences

    silences = collected_silences(evidence.ctx, evidence.system, evidence.range) or {}
    expired = []
    for silence, matchers in silences.items():
        if silence.ends_ms > evidence.range.end_ms or not matchers:
            continue
        for row in firing.itertuples():
            known = {"alertname": str(row.alertname), "severity": str(row.severity)}
            decided = [matcher for matcher in matchers if matcher.name in known]
            others = [matcher for matcher in matchers if matcher.name not in known and matcher.op == "="]
            if all(matcher.keep([known[matcher.name]])[0] for matcher in decided) and all(
                f'"{other.value}"' in str(row.labels) or other.value in str(row.labels) for other in others
            ):
                expired.append(f"{silence.matchers} ({silence.owner or 'no owner'}) hid {row.alertname}")
                break
    return expired


def _performance(item: Item, study: Study, evidence: Evidence) -> Evaluation:
    if _OUTSIDE.search(item.text):
        return _outside(study)
    flows = study.results["flows"].frame
    whole = flows[flows["dimension"] == ""] if (flows["dimension"] == "").any() else flows
    requests, errors = float(whole["requests"].sum()), float(whole["errors"].sum())
    limits = study.results["thresholds"].frame
    broken = [str(row.title) for row in limits.itertuples() if row.status in ("at_risk", "spent")]
    if "error" in item.text.lower() or "business" in item.text.lower():
        broken = [title for title in broken if re.search(r"error|fail|success", title, re.IGNORECASE)]
    if not requests > 0:
        seen = whole["coverage"].gt(0).any()
        text = "No requests in the window." if seen else "Requests were not observed in the window."
        return Evaluation("not_measured", text, "performance")
    text = f"{nouns_text(requests, 'request')}, {ratio_text(errors / requests, digits=3)} failed"
    if _TREND.search(item.text):
        text += f"; {_halves(study.results['history'].frame)}"
    return _verdict(bool(broken), f"{text}; {_some('limits broken', broken)}", "performance")


def _halves(history: pd.DataFrame) -> str:
    """Compare the second half of the window with the first: rate and p95, as means over hours."""
    if history.empty:
        return "no trend"
    flow = history[history["flow"] == history["flow"].iloc[0]]
    half = len(flow) // 2
    parts = []
    for name, title in (("rate", "rate"), ("p95", "p95")):
        first, second = (float(np.nanmean(part)) if np.isfinite(part).any() else float("nan")
                         for part in (flow[name].to_numpy()[:half], flow[name].to_numpy()[half:]))  # fmt: skip
        if np.isfinite([first, second]).all() and first:
            parts.append(f"{title} {(second / first - 1) * 100:+.1f} %")
    return f"second half of the window against the first: {', '.join(parts)}" if parts else "no trend"


def _outside(study: Study) -> Evaluation:
    rows = study.results["availability"].frame
    rows = rows[rows["dimension"].isin(["provider", "service", "upstream", "check", "dependency"])]
    if rows.empty:
        return Evaluation("not_measured", "No metric says how external services answered.", "performance")
    worst = rows.sort_values("share").iloc[0]
    least = f"least available: {worst['group']} {ratio_text(worst['share'], digits=2)}"
    text = f"{nouns_text(len(rows), 'external service')}; {least}"
    return _verdict(bool(worst["share"] < 0.99), text, "performance")


def _capacity(item: Item, study: Study, evidence: Evidence) -> Evaluation:
    limits = study.results["limits"].frame
    known = limits[limits["status"] != "no_data"]
    if known.empty and _TREND.search(item.text) and evidence.performance.results:
        return _performance(item, evidence.performance, evidence)
    if known.empty:
        return Evaluation("not_measured", "No level with a limit has enough data.", "capacity")
    risky = list(dict.fromkeys(known[known["status"].isin(["at_risk", "spent"])]["title"].astype(str)))
    dated = known[known["reached_at"].notna()].sort_values("reached_at")
    text = f"{nouns_text(len(known), 'limit')}; {_some('at risk', risky)}"
    if len(dated):
        text += f"; next: {dated['title'].iloc[0]} on {dated['reached_at'].iloc[0]:%d %b %Y}"
    return _verdict(bool(risky), text, "capacity")


def _slo(item: Item, study: Study, evidence: Evidence) -> Evaluation:
    frame = study.results["compliance"].frame
    words = {"at_risk": "at risk", "spent": "exhausted"}
    bad = [f"{row.objective} {words[row.status]}" for row in frame.itertuples() if row.status in words]
    judged = int(frame["status"].isin(_JUDGED).sum())
    if not judged:
        return Evaluation("not_measured", "No objective could be judged.", "slo")
    return _verdict(
        bool(bad), f"{judged} of {len(frame)} objectives judged; {_some('at risk or exhausted', bad)}", "slo"
    )


def _cost(item: Item, study: Study, evidence: Evidence) -> Evaluation:
    totals, jumps = study.results["totals"].frame, study.results["jumps"].frame
    if totals.empty:
        return Evaluation("not_measured", "No spend or tokens are measured.", "cost")
    known = totals[totals["amount"].notna()]
    if known.empty:
        return Evaluation("not_measured", "No spend or tokens were observed in this period.", "cost")
    texts = [
        f"{row.measure} {row.amount:,.2f} {row.unit} ({row.change_ratio * 100:+.1f} %)" if np.isfinite(row.change_ratio)
        else f"{row.measure} {row.amount:,.2f} {row.unit}"
        for row in known.itertuples()
    ]  # fmt: skip
    ongoing = [f"{row.measure} {row.group}".strip() for row in jumps.itertuples() if row.ongoing]
    wrong = bool(ongoing) or study.status in ("at_risk", "spent")
    return _verdict(wrong, f"{', '.join(texts)}; {_some('unusual', ongoing)}", "cost")


def _quality(item: Item, study: Study, evidence: Evidence) -> Evaluation:
    states = study.results["states"].frame
    drifting = states[states["status"] == "at_risk"]["title"].astype(str).tolist()
    return _verdict(bool(drifting), f"{nouns_text(len(states), 'score')}; {_some('drifting', drifting)}", "quality")


def _monitoring(item: Item, study: Study, evidence: Evidence) -> Evaluation:
    checks = study.results["checks"].frame
    wanted = {"cardinality": "cardinality", "healthy": "targets", "health dashboard": "targets"}
    family = next((prefix for word, prefix in wanted.items() if word in item.text.lower()), "")
    chosen = checks[checks["check"].str.startswith(family)] if family else checks
    known = chosen[chosen["status"] != "no_data"]
    bad = [f"{row.title}: {row.detail}" for row in known.itertuples() if row.status != "ok"]
    targets = study.results["targets"].frame
    text = f"{int((targets['status'] != 'spent').sum())} of {len(targets)} targets answer"
    if family == "cardinality":
        metrics = study.results["metrics"].frame
        text = f"{count_text(metrics['series'].sum())} series of {nouns_text(len(metrics), 'metric')}"
    unsaid = len(chosen) - len(known)
    text += f"; {nouns_text(len(known), 'check')}, {_some('wrong', bad)}" + (
        f"; {unsaid} without a metric" if unsaid else ""
    )
    if known.empty:
        return Evaluation("not_measured", "No sample says how the monitoring itself is.", "operations")
    return _verdict(bool(bad), text, "operations")


def _backups(evidence: Evidence) -> Evaluation:
    study = evidence.monitoring
    if "checks" not in study.results:
        return Evaluation("unavailable", _in_one_line("".join(study.warnings[:1])), "operations")
    checks = study.results["checks"].frame
    row = checks[checks["check"] == "backups/late"].iloc[0]
    if row["status"] == "no_data":
        return Evaluation("not_measured", str(row["detail"]), "operations")
    return _verdict(
        row["status"] != "ok", f"{int(row['of'])} backup metrics; {row['detail'] or 'all succeeded'}", "operations"
    )


def _verdict(wrong: bool, text: str, page: str) -> Evaluation:
    verdict: Verdict = "attention" if wrong else "ok"
    return Evaluation(verdict, text, page)


def _some(what: str, names: list[str]) -> str:
    """Count and name things: ``2 flapping (A, B)``."""
    if not names:
        return f"0 {what}"
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} {what} ({shown})"


_JUDGES: Mapping[str, Callable[[Item, Any, Evidence], Evaluation]] = {
    "alerts": _alerts, "performance": _performance, "capacity": _capacity, "slo": _slo, "cost": _cost,
    "quality": _quality, "monitoring": _monitoring,
}  # fmt: skip
