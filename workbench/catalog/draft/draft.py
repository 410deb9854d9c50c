"""A first profile of an unknown system, drafted from what its server says of itself.

Everything a server says is foreign text: names that PromQL cannot take bare are left out, help texts lose what is not
printable, and every value is quoted.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from workbench.catalog.draft.guess import guess_dimensions, guess_role
from workbench.catalog.profile.vocabulary import ROLES, Kind
from workbench.core.errors import ParameterError
from workbench.core.series import Labels

_SYSTEM = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,48}[a-z0-9])?")
_FAMILY = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_PARTS = ("_bucket", "_sum", "_count")
_HIDDEN = ("__name__", "le", "quantile", "job", "instance")
_PER_ROLE = 6
_VALUES = 12


@dataclass(frozen=True)
class Draft:
    """Two YAML texts to be looked over; ``slos`` is empty when no counter of requests was found."""

    profile: str
    slos: str
    roles: tuple[str, ...]
    unused: tuple[str, ...]


@dataclass
class _Family:
    name: str
    kind: Kind
    help: str
    labels: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    bounds: set[float] = field(default_factory=set)

    def selector(self, matcher: str = "") -> str:
        return f"{self.name}{{{matcher}}}" if matcher else self.name


def draft(
    system: str, metadata: Mapping[str, Mapping[str, str]], series: Iterable[Labels], *, job: str = "", title: str = ""
) -> Draft:
    """Draft a profile, and a starter promise where requests are counted.

    Parameters
    ----------
    system : str
        Name of the new system: lower-case letters, digits, ``-``.
    metadata : mapping
        ``family -> {type, help, unit}`` as ``MetricSource.metadata()`` gives it; may be empty, then names decide.
    series : iterable of Labels
        Label sets with ``__name__``, as ``MetricSource.series()`` gives them.
    job : str
        Take only this scrape job and make it the scope; empty takes all jobs.
    title : str
        Title shown to readers; the system's name by default.

    Returns
    -------
    Draft
        Texts that load without a mistake.

    Raises
    ------
    ParameterError
        The name cannot be a system's, or no series has the job.
    """
    if not _SYSTEM.fullmatch(system):
        hint = "Use lower-case letters, digits and '-', at most 50, e.g. my-gateway."
        raise ParameterError(f"{system!r} cannot be the name of a system.", hint=hint)
    kept = [labels for labels in series if not job or labels.get("job") == job]
    if not kept:
        raise ParameterError(
            f"No series of the job {job!r} was found." if job else "The server has no series.",
            hint="Check the job's name with `workbench sources check`, or leave it out to take every job.",
        )
    jobs = sorted({labels["job"] for labels in kept if labels.get("job")})
    families = _families(metadata, kept)
    roles = _roles(families)
    used = {family.name for family, _ in roles.values()}
    unused = tuple(sorted(set(families) - used))
    requests = next((item for name, item in roles.items() if name == "requests"), None)
    errors = roles.get("errors")
    slos = _slo_text(system, requests[0], errors[0] if errors else None) if requests else ""
    profile = _profile_text(system, title or system, jobs, roles, unused, starter=bool(slos))
    return Draft(profile, slos, tuple(roles), unused)


def _families(metadata: Mapping[str, Mapping[str, str]], series: Iterable[Labels]) -> dict[str, _Family]:
    found: dict[str, _Family] = {}
    for labels in series:
        name = labels.get("__name__", "")
        if not _FAMILY.fullmatch(name):
            continue
        family, kind, text = _identify(name, labels, metadata)
        if kind is None:
            continue
        entry = found.setdefault(family, _Family(family, kind, text))
        for label, value in labels.items():
            if label not in _HIDDEN and _LABEL.fullmatch(label):
                entry.labels[label].add(value)
        if "instance" in labels:
            entry.labels["instance"].add(labels["instance"])
        if "le" in labels:
            entry.bounds |= _bound(labels["le"])
    return found


def _identify(name: str, labels: Labels, metadata: Mapping[str, Mapping[str, str]]) -> tuple[str, Kind | None, str]:
    """Name, kind and help of the family a series belongs to; a summary has no kind of ours."""
    base = next((name.removesuffix(part) for part in _PARTS if name.endswith(part)), name)
    for family in (name, base, name.removesuffix("_total")):
        known = metadata.get(family)
        if known is None:
            continue
        match known.get("type", ""):
            case "histogram":
                return base, "histogram", known.get("help", "")
            case "counter":
                return name, "counter", known.get("help", "")
            case "gauge":
                return name, "gauge", known.get("help", "")
            case "summary" | "info" | "stateset" | "gaugehistogram":
                return family, None, ""
    if name.endswith("_bucket") and "le" in labels:
        return base, "histogram", ""
    if base != name and f"{base}_bucket" != name:
        return base, None, ""
    return name, "counter" if name.endswith("_total") else "gauge", ""


def _bound(text: str) -> set[float]:
    try:
        bound = float(text)
    except ValueError:
        return set()
    return {bound} if bound not in (float("inf"), float("-inf")) and bound == bound else set()


def _roles(families: Mapping[str, _Family]) -> dict[str, tuple[_Family, str]]:
    """Role name -> family and unit; the likeliest family of a role has the plain name, others a variant."""
    by_role: dict[str, list[tuple[_Family, str]]] = defaultdict(list)
    for family in families.values():
        guessed = guess_role(family.name, family.kind)
        if guessed is not None:
            by_role[guessed[0]].append((family, guessed[1]))
    roles: dict[str, tuple[_Family, str]] = {}
    for role in ROLES:
        ranked = sorted(by_role.get(role, ()), key=lambda item: _rank(item[0]))
        for position, item in enumerate(ranked[:_PER_ROLE]):
            variant = re.sub(r"[^a-z0-9]+", "-", item[0].name.lower()).strip("-")[:40].strip("-")
            plain = position == 0 and (role != "errors" or _answers(roles.get("requests"), item[0]))
            roles.setdefault(role if plain else f"{role}.{variant}", item)
    return roles


def _answers(requests: tuple[_Family, str] | None, errors: _Family) -> bool:
    """Whether an error counter counts the failures of those requests, when they carry no status of their own."""
    return requests is not None and not _status_label(requests[0]) and _stem(requests[0]) == _stem(errors)


def _rank(family: _Family) -> tuple[bool, bool, int, str]:
    """Order by what users of the system meet: requests and HTTP first, then short names."""
    name = family.name.lower()
    return "request" not in name, "http" not in name, len(name), name


def _stem(family: _Family) -> str:
    return re.split("requests?|calls|queries|errors?|fail", family.name, maxsplit=1)[0]


def _quoted(text: str, *, limit: int = 160) -> str:
    """Double-quoted YAML of foreign text: one line, printable, cut."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return json.dumps(" ".join(printable.split())[:limit].strip(), ensure_ascii=False)


def _status_label(family: _Family) -> str:
    label = guess_dimensions(family.labels).get("status", "")
    return label if any(re.fullmatch(r"[1-5](\d\d|xx)", value) for value in family.labels.get(label, ())) else ""


def _profile_text(
    system: str,
    title: str,
    jobs: list[str],
    roles: Mapping[str, tuple[_Family, str]],
    unused: tuple[str, ...],
    *,
    starter: bool,
) -> str:
    title_text = _quoted(title)
    if title_text == '""':
        title_text = system
    lines = [
        f"# Drafted by `workbench init` for {system} from the server's own metadata. Check what is marked CHECK, then",
        "# remove the marks. docs/profiles.md explains every key; counterfactual-lab.yaml is the worked pattern.",
        "schema: 1",
        f"system: {system}",
        f"title: {title_text}",
        'owner: ""  # CHECK: who answers for it',
        'runbook: ""  # CHECK: where it says what to do',
        "",
        "# These matchers are put into every selector. CHECK: they must pick this system's series and no others.",
    ]
    if len(jobs) == 1 and jobs[0].isprintable():
        lines.append(f"scope: {{job: {json.dumps(jobs[0], ensure_ascii=False)}}}")
    else:
        lines += [f"# Jobs seen: {', '.join(_quoted(job) for job in jobs[:20]) or 'none'}.", "scope: {}"]
    lines += ["", "metrics:" if roles else "metrics: {}"]
    for family, unit in roles.values():
        lines += _metric_lines(family, unit)
    lines += [
        "",
        "# What each signal is for. CHECK every role: it was guessed from names. Counters and histograms are given as",
        "# selectors, never as rates; the word before a dot is one of our roles, the variant after it is free.",
        "roles:" if roles else "roles: {}",
    ]
    for name, (family, unit) in roles.items():
        lines += _role_lines(name, family, family.selector(), unit)
        if name == "requests" and "errors" not in roles and (status := _status_label(family)):
            lines += _role_lines("errors", family, family.selector(f'{status}=~"5.."'), unit)
    if not starter:
        lines += ["", "# No counter of requests was found, so no promise was drafted."]
    if unused:
        lines += ["", "# Seen, and used by no role:", *(f"#   {name}" for name in unused[:400])]
    return "\n".join(lines) + "\n"


def _metric_lines(family: _Family, unit: str) -> list[str]:
    key = json.dumps(family.name) if ":" in family.name else family.name
    lines = [f"  {key}:", f"    kind: {family.kind}", f"    unit: {unit}"]
    if family.help.strip():
        lines.append(f"    help: {_quoted(family.help)}")
    labels = {name: values for name, values in sorted(family.labels.items()) if name != "instance"}
    if labels:
        shown = ", ".join(f"{name}: [{_values(values)}]" for name, values in labels.items())
        lines.append(f"    labels: {{{shown}}}")
    if family.bounds:
        bounds = (format(Decimal(repr(bound)).normalize(), "f") for bound in sorted(family.bounds))
        lines.append(f"    buckets: [{', '.join(bounds)}]")
    return lines


def _values(values: set[str]) -> str:
    """Known values of a label; a label with many, or with unprintable ones, stays open."""
    if len(values) > _VALUES or not all(value.isprintable() and len(value) <= 60 for value in values):
        return ""
    return ", ".join(json.dumps(value, ensure_ascii=False) for value in sorted(values))


def _role_lines(name: str, family: _Family, select: str, unit: str) -> list[str]:
    lines = [f"  {name}:", f"    kind: {family.kind}", f"    select: {json.dumps(select)}", f"    unit: {unit}"]
    if unit == "USD":
        lines[-1] += "  # CHECK: the currency"
    labels = guess_dimensions(family.labels)
    if labels:
        lines.append(f"    labels: {{{', '.join(f'{ours}: {theirs}' for ours, theirs in labels.items())}}}")
    return lines


def _slo_text(system: str, requests: _Family, errors: _Family | None) -> str:
    status = _status_label(requests)
    total = f"sum({requests.name})"
    if status:
        part, query = "good", f'sum({requests.selector(f"""{status}!~"5.." """.strip())})'
        said = "a request is good unless its status is 5xx"
    elif errors is not None:
        part, query, said = "bad", f"sum({errors.name})", f"every count of {errors.name} is a failed request"
    else:
        return ""
    return f"""\
# Drafted by `workbench init`: a starter promise for {system}, promised by nobody yet. CHECK the target: measure
# a month, then promise a little less than what was kept. The scope of the profile is put into both queries.
apiVersion: openslo/v1
kind: SLO
metadata:
  name: {system}-availability
  displayName: Availability
  labels: {{system: {system}, derived: "true"}}
  annotations:
    assumption: {json.dumps(f"Starter objective, drafted from the server's metadata; {said}.")}
spec:
  description: Requests are answered without a server error.
  service: {system}
  indicator:
    metadata: {{name: {system}-availability}}
    spec:
      ratioMetric:
        counter: true
        {part}:
          metricSource: {{type: Prometheus, spec: {{query: {json.dumps(query)}}}}}
        total:
          metricSource: {{type: Prometheus, spec: {{query: {json.dumps(total)}}}}}
  timeWindow: [{{duration: 30d, isRolling: true}}]
  budgetingMethod: Occurrences
  objectives: [{{displayName: Availability, targetPercent: 99}}]
"""
