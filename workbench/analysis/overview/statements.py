"""Sentences of a report: templates with stable ids, filled with figures that carry their unit and their plural."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import pandas as pd

from workbench.core.units import (
    NO_VALUE,
    amount_text,
    change_text,
    count_text,
    instant_text,
    ratio_text,
    significant_text,
    span_text,
    target_text,
    value_text,
)

Part = Literal["answer", "missed", "cause", "cost", "decision", "unknown"]
Question = Literal["slo", "performance", "cost", "quality", "capacity", "alerts", ""]

#: The six questions in the words of a first page.
QUESTIONS: Mapping[Question, str] = {
    "slo": "Objectives",
    "performance": "Performance",
    "cost": "Spend",
    "quality": "Quality",
    "capacity": "Capacity",
    "alerts": "Alerts",
}

#: Id of a sentence -> its template. Every one holds at least one figure.
TEMPLATES: Mapping[str, str] = {
    "slo/met": "{met:count} of {judged:count objective|objectives} {met:words was|were} met; the least error budget "
    "is left for {title}: {left:share 0}.",
    "slo/missed": "{met:count} of {judged:count objective|objectives} {met:words was|were} met; {title} spent "
    "{spent:share 0} of its {budget}.",
    "slo/none": "{known:count objective is|objectives are} defined, and none has a verdict for this period.",
    "performance/errors-and-time": "{requests:count} {flow}: {errors:share} failed, 95 % were answered within "
    "{p95:span}.",
    "performance/errors": "{requests:count} {flow}: {errors:share} failed.",
    "performance/time": "{requests:count} {flow}: 95 % were answered within {p95:span}.",
    "performance/count": "{requests:count} {flow} were counted; errors and durations are not measured.",
    "cost/spend": "{amount:amount} was spent.",
    "cost/spend-most": "{amount:amount} was spent; most of it on {group} ({share:share 1}).",
    "cost/tokens": "{amount:amount} were used; spend is not measured.",
    "quality/drifted": "{drifted:count} of {scores:count score|scores} drifted; {title} of {series} was {direction} "
    "than its reference by {difference:score} on its worst day, {when}.",
    "quality/shaped": "{drifted:count} of {scores:count score|scores} drifted; the answers of {column} are distributed "
    "unlike those of the weeks before.",
    "quality/steady": "{drifted:count} of {scores:count score|scores} drifted.",
    "capacity/full": "{full:count} of {levels:count level|levels} {full:words is|are} at or above a limit: {title} "
    "({series}), {limit}; {more:count} more {more:words is|are} at risk of one within the lead time.",
    "capacity/risk": "{risky:count} of {levels:count level|levels} {risky:words is|are} at risk of a limit within the "
    "lead time; first: {title} ({series}), {limit} expected on {at:instant}.",
    "capacity/calm": "{risky:count} of {levels:count level|levels} {risky:words is|are} at risk of a limit within the "
    "lead time.",
    "alerts/began": "{began:count alert|alerts} began, {asleep:count} at night; {name} made {share:share 0} of them.",
    "alerts/alike": "{began:count alert|alerts} began, {asleep:count} at night; no rule made more than another.",
    "alerts/none": "{began:count alerts} began.",
    "answer/part": "Only {coverage:share 1} of the period was observed.",
    "unknown/answer": "No figure: {coverage:share 1} of the period was observed.",
    "unknown/unmeasured": "Not measured: {signals:count metric|metrics} of the profile answer this.",
    "change/none": "±{difference:count} against {before}",
    "change/count": "{difference:signed} against {before}",
    "change/ratio": "{ratio:change} against {before}",
    "change/points": "{difference:points} against {before}",
    "change/level": "{level:share 0} of its limit, {earlier:share 0} in {before}",
    "missed/events": "{title}: {sli:share} against {target:target}; {bad:count} of {total:count} {unit} were bad, "
    "{over:share 0} more than the {budget} allows.",
    "missed/near": "{title}: {sli:share} against {target:target}; {left:share 0} of its error budget is left.",
    "cause/known": "{share:share 0} of the budget went in {span:span} from {start:instant} on{where}; {what} {lag}.",
    "cause/place": "{share:share 0} of the budget went in {span:span} from {start:instant} on{where}; no deploy, "
    "restart, incident or new error message is known of that time.",
    "cause/usual": "{share:share 0} of the budget went outside of episodes, at its usual pace.",
    "cost/missed": "It cost as much of the budget as {down:span} of complete outage.",
    "cost/money": "{amount:amount} was spent in the {span:span} of the episode, {before:amount} in the same time "
    "a week before.",
    "cost/money-alone": "{amount:amount} was spent in the {span:span} of the episode.",
    "decision/policy": "{title} spent {spent:share 0} of its budget of {days:count day|days} ({step}): {consequence}",
    "decision/missed": "{title} spent {spent:share 0} of its {budget}: let work on what spent it come first.",
    "decision/risk": "{title} has {left:share 0} of its budget left: let its risky changes wait.",
    "decision/capacity": "{title} ({series}) reaches {limit} on {at:instant}: extend it before, or reduce what fills "
    "it.",
    "decision/full": "{title} ({series}) is at or above {limit} on {at:instant}: extend it now.",
    "decision/budget": "{group} used {used:share 0} of its budget: raise the budget or limit its use.",
    "decision/jump": "Spend of {group} is {impact:amount} above usual since {first}: find out why, or accept it.",
    "decision/drift": "{title} of {series} is {direction} than its reference by {difference:score} since "
    "{onset:instant}: repair the model or accept the level.",
    "decision/noise": "{name} made {share:share 0} of {began:count alert|alerts}, {flapping:count} of them flapping: "
    "change or remove the rule.",
    "decision/none": "{count:count decisions} are asked for (looked at: {names}).",
    "unknown/objectives": "{count:count objective has|objectives have} no verdict: {names}.",
    "unknown/money": "What {count:count missed objective|missed objectives} cost in money: the spend of that time is "
    "not measured.",
    "unknown/coverage": "Up to {missing:span} of the period ({share:share}) were not observed, for {what}.",
    "unknown/levels": "{count:count} of {levels:count level has|levels have} too little data for a forecast.",
    "unknown/scores": "{count:count} of {scores:count score was|scores were} not judged.",
    "unknown/source": "{count:count} of 6 questions could not be read: {names}.",
    "unknown/data": "{count:count} of 6 questions {count:words has|have} no data in this period: {names}.",
    "unknown/measured": "{count:count} of 6 questions {count:words is|are} not measured: {names}.",
    "unknown/history": "{known:count} of {wanted:count period|periods} of history are known.",
}


@dataclass(frozen=True)
class Statement:
    """One sentence of a report with the figures it was made from.

    Attributes
    ----------
    id : str
        Stable, such as ``report/slo/missed``.
    part, question : str
    text : str
        The sentence.
    facts : mapping of str to value
        The figures that stand in it, unrounded.
    change : str
        Its figure against the period before; empty where either is not known.
    coverage : float
        Observed share of the period; NaN where it is not known. [ratio]
    status : str
    owner : str
        Who decides.
    weight : float
        How much it matters, most first. [points]
    """

    id: str
    part: Part
    question: Question
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    change: str = ""
    coverage: float = float("nan")
    status: str = ""
    owner: str = ""
    weight: float = 0.0


def _counted(value: float, words: str) -> str:
    singular, _, several = words.partition("|")
    return f"{count_text(value)} {singular if value == 1 else several or singular}".rstrip()


def _score(value: float, _: str) -> str:
    return f"{value:.3f}"


_KINDS: Mapping[str, Callable[[Any, str], str]] = {
    "count": _counted,
    "words": lambda value, words: words.split("|")[0 if value == 1 else -1],
    "share": lambda value, digits: ratio_text(value, digits=int(digits or 3)),
    "target": lambda value, _: target_text(value),
    "span": lambda value, _: span_text(value),
    "amount": lambda value, _: amount_text(*value),
    "change": lambda value, _: change_text(value),
    "points": lambda value, _: f"{value * 100:+.3f} percentage points",
    "signed": lambda value, _: f"{value:+,.0f}" if float(value).is_integer() else f"{value:+,.3f}",
    "instant": lambda value, _: instant_text(value),
    "score": _score,
    "number": lambda value, unit: value_text(value, unit),
    "digits": lambda value, _: significant_text(value),
}


class _Sentences(string.Formatter):
    """``{met:count objective|objectives}``: a kind of figure, then its words or digits."""

    def format_field(self, value: Any, format_spec: str) -> str:
        kind, _, words = format_spec.partition(" ")
        return _KINDS[kind](value, words) if kind else str(value)

    def check_unused_args(self, used_args: Any, args: Any, kwargs: Mapping[str, Any]) -> None:
        unused = set(kwargs) - used_args
        if unused:
            raise ValueError(f"facts that do not stand in the sentence: {', '.join(sorted(unused))}")


def sentence(template: str, facts: Mapping[str, Any]) -> str:
    """Fill a template; a fact that is missing or left over is an error, as is a figure that is no number.

    Examples
    --------
    >>> sentence("slo/none", {"known": 1})
    '1 objective is defined, and none has a verdict for this period.'
    >>> sentence("change/ratio", {"ratio": -0.5, "before": "2026-09"})
    '-50.0 % against 2026-09'
    """
    text = _Sentences().vformat(TEMPLATES[template], (), dict(facts))
    if NO_VALUE in text:
        raise ValueError(f"a figure of {template} is not known: {text}")
    return text


def stated(part: Part, question: Question, template: str, facts: Mapping[str, Any], **more: Any) -> Statement:
    """Make a statement from its template and its figures."""
    return Statement(f"report/{template}", part, question, sentence(template, facts), dict(facts), **more)


def known(value: object) -> bool:
    """Whether a figure is one: no NaN, no NaT, not None."""
    return value is not None and (isinstance(value, (str, Decimal)) or bool(pd.notna(value)))
