"""Rule files of Prometheus as they are: recording and alerting rules, read to be replayed on history."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from workbench.catalog.faults import validated
from workbench.catalog.profile.words import Text
from workbench.catalog.rules.written import holders, with_config_maps
from workbench.catalog.yaml_lines import read_documents
from workbench.core.errors import CatalogError, Fault, ParameterError
from workbench.core.timerange import duration_ms


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    record: str = ""
    alert: str = ""
    expr: Text
    for_: str = Field(default="0s", alias="for")
    labels: dict[str, str] = {}


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    name: Text
    labels: dict[str, str] = {}
    rules: tuple[_Rule, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    groups: Annotated[tuple[_Group, ...], Field(min_length=1)]


@dataclass(frozen=True)
class Recorded:
    """A recording rule: ``name`` with ``labels`` is what ``expr`` gives."""

    name: str
    expr: str
    labels: dict[str, str]


@dataclass(frozen=True)
class Alerting:
    """An alerting rule. [ms]"""

    name: str
    expr: str
    for_ms: int
    severity: str
    labels: dict[str, str]


@dataclass(frozen=True)
class RuleFile:
    """The rules of a file, all groups together, in the order of the text."""

    name: str
    recorded: tuple[Recorded, ...]
    alerting: tuple[Alerting, ...]


def read_rule_file(path: Path) -> RuleFile:
    """Read a rule file: groups by themselves, in a PrometheusRule, a ConfigMap, or a List of such.

    Raises
    ------
    CatalogError
        The file cannot be read, is no rule file, or has no alert; with file and line.
    """
    recorded: list[Recorded] = []
    alerting: list[Alerting] = []
    for document in with_config_maps(read_documents(path)):
        held = list(holders(document.data)) or [((), document.data)]
        groups = [(at, n, group) for at, data in held
                  for n, group in enumerate(validated(_File, document, at=at, data=data).groups)]  # fmt: skip
        for file_at, number, group in groups:
            for place, rule in enumerate(group.rules):
                at = (*file_at, "groups", number, "rules", place)
                labels = {**group.labels, **rule.labels}
                if bool(rule.record) == bool(rule.alert):
                    raise CatalogError((document.fault(at, "a rule has record or alert, one of the two"),))
                if rule.record:
                    recorded.append(Recorded(rule.record, rule.expr, labels))
                    continue
                try:
                    for_ms = duration_ms(rule.for_)
                except ParameterError as error:
                    raise CatalogError((document.fault((*at, "for"), error.message),)) from None
                alerting.append(Alerting(rule.alert, rule.expr, for_ms, _severity(labels), labels))
    if not alerting:
        raise CatalogError((Fault(str(path), 1, "", "the file has no alerting rule to replay"),))
    return RuleFile(path.stem, tuple(recorded), tuple(alerting))


def _severity(labels: dict[str, Any]) -> str:
    """``page`` for what wakes people, whatever word the file has for it."""
    word = str(labels.get("severity", labels.get("sloth_severity", ""))).lower()
    return "page" if word in ("page", "critical", "error", "high", "emergency") else "ticket"
