"""The texts of a draft: a profile and starter objectives, as YAML that loads as it is.

Everything a server says is foreign text: every value is quoted, help texts lose what is not printable.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from workbench.catalog.draft.families import Family
from workbench.catalog.draft.roles import DraftRole, selector

_VALUES = 12


def profile_text(
    system: str,
    title: str,
    *,
    scope: Sequence[str],
    replica: tuple[str, str] | None,
    jobs: Sequence[str],
    roles: Mapping[str, DraftRole],
    rules: Sequence[str],
    dialects: Sequence[str],
    left_out: Mapping[str, str],
    unused: Iterable[str],
    starter: str,
) -> str:
    """Return the profile of a draft; ``rules`` are lines of YAML, ``starter`` says why there is no objective."""
    title_text = quoted(title)
    if title_text == '""':
        title_text = system
    spoken = f" Known here: {', '.join(dialects)}." if dialects else ""
    lines = [
        f"# Drafted by `workbench init` for {system} from the server's own metadata.{spoken}",
        "# Check what is marked CHECK, then remove the marks. docs/profiles.md explains every key.",
        "schema: 1",
        f"system: {system}",
        f"title: {title_text}",
        'owner: ""  # CHECK: who answers for it',
        'runbook: ""  # CHECK: where it says what to do',
        "",
        "# These matchers are put into every selector: they must pick this system's series and no others.",
    ]
    lines += _scope_lines(scope, replica, jobs)
    lines += ["", "metrics:" if roles else "metrics: {}"]
    kinds = {family.name: (family, role) for role in roles.values() for family in role.families}
    for family, role in kinds.values():
        lines += _metric_lines(family, role)
    lines += [
        "",
        "# What each signal is for. Counters and histograms are given as selectors, never as rates; the word before a",
        "# dot is one of our roles, the variant after it is free.",
        "roles:" if roles else "roles: {}",
    ]
    for role in roles.values():
        lines += _role_lines(role)
    lines += [*([""] if rules else []), *rules]
    if starter:
        lines += ["", f"# {starter}"]
    if left_out:
        lines += ["", "# Seen, and left out with a reason:"]
        lines += [f"#   {name}: {comment(why)}" for name, why in left_out.items()]
    groups = grouped(unused)
    if groups:
        lines += ["", "# Seen, and used by no role:"]
        lines += [f"#   {prefix} ({len(names)}): {', '.join(names)}" for prefix, names in groups.items()]
    return "\n".join(lines) + "\n"


def objective_text(system: str, requests: DraftRole, errors: DraftRole) -> str:
    """Return a starter objective over requests and their failures."""
    variant = requests.variant or ("tasks" if requests.word == "tasks" else "")
    name = f"{system}-availability" + (f"-{variant}" if variant else "")
    title = "Availability" + (f" ({requests.title or variant})" if variant else "")
    part, query = ("good", errors.good) if errors.good else ("bad", errors.select)
    total = selector([family.name for family in requests.families]) if not requests.select else requests.select
    phrase = f"{errors.select} are failures"
    return f"""\
# Drafted by `workbench init`: a starter objective for {system}, not agreed yet. CHECK the target: measure
# a month, then set the target a little below what was reached. The scope of the profile is put into both queries.
apiVersion: openslo/v1
kind: SLO
metadata:
  name: {name}
  displayName: {quoted(title)}
  labels: {{system: {system}, derived: "true"}}
  annotations:
    assumption: {json.dumps(f"Starter objective, drafted from the server's metadata; {phrase}.", ensure_ascii=False)}
spec:
  description: Requests are answered without a failure of the system.
  service: {system}
  indicator:
    metadata: {{name: {name}}}
    spec:
      ratioMetric:
        counter: true
        {part}:
          metricSource: {{type: Prometheus, spec: {{query: {json.dumps(f"sum({query})")}}}}}
        total:
          metricSource: {{type: Prometheus, spec: {{query: {json.dumps(f"sum({total})")}}}}}
  timeWindow: [{{duration: 30d, isRolling: true}}]
  budgetingMethod: Occurrences
  objectives: [{{displayName: {quoted(title)}, targetPercent: 99}}]
"""


def grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """Group metric names by what stands before their first ``_`` or ``:``, the largest group first.

    Examples
    --------
    >>> grouped(["go_info", "go_gc", "up"])
    {'go': ['go_gc', 'go_info'], 'up': ['up']}
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        groups[name.replace(":", "_").partition("_")[0] or name].append(name)
    return dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])))


def quoted(text: str, *, limit: int = 160) -> str:
    """Double-quoted YAML of foreign text: one line, printable, cut."""
    return json.dumps(comment(text, limit=limit), ensure_ascii=False)


def comment(text: str, *, limit: int = 160) -> str:
    """Foreign text as one printable line."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:limit].strip()


def _scope_lines(scope: Sequence[str], replica: tuple[str, str] | None, jobs: Sequence[str]) -> list[str]:
    lines, matchers = [f"# Jobs seen: {', '.join(quoted(job) for job in jobs) or 'none'}."], []
    if scope and all(job.isprintable() and job for job in scope):
        names = [json.dumps(job, ensure_ascii=False) for job in scope]
        matchers.append(f"job: {names[0]}" if len(names) == 1 else f"job: [{', '.join(names)}]")
        if len(names) > 1:
            lines[0] += " CHECK: all of these are one system."
        elif len(jobs) == 1:
            lines = []
    if replica is not None and replica[1].isprintable():
        lines.append(f"# CHECK: targets were scraped under several values of {replica[0]}; one is taken.")
        matchers.append(f"{replica[0]}: {json.dumps(replica[1], ensure_ascii=False)}")
    return [*lines, f"scope: {{{', '.join(matchers)}}}"]


def _metric_lines(family: Family, role: DraftRole) -> list[str]:
    key = json.dumps(family.name) if ":" in family.name else family.name
    kind = family.kind if role.kind == "expr" else role.kind
    lines = [f"  {key}:", f"    kind: {kind}", f"    unit: {role.unit if role.kind != 'expr' else 'count'}"]
    if family.help.strip():
        lines.append(f"    help: {quoted(family.help)}")
    labels = {name: values for name, values in sorted(family.labels.items()) if name != "instance"}
    if labels:
        shown = ", ".join(f"{json.dumps(name)}: [{_values(values)}]" for name, values in labels.items())
        lines.append(f"    labels: {{{shown}}}")
    if family.bounds and kind == "histogram":
        bounds = (format(Decimal(repr(bound)).normalize(), "f") for bound in sorted(family.bounds))
        lines.append(f"    buckets: [{', '.join(bounds)}]")
    return lines


def _values(values: set[str]) -> str:
    """Known values of a label; a label with many, or with unprintable ones, stays open."""
    if len(values) > _VALUES or not all(value.isprintable() and len(value) <= 60 for value in values):
        return ""
    return ", ".join(json.dumps(value, ensure_ascii=False) for value in sorted(values))


def _role_lines(role: DraftRole) -> list[str]:
    lines = [f"  {role.name}:" + (f"  # CHECK: {comment(role.check)}" if role.check else "")]
    lines += [f"    kind: {role.kind}", f"    select: {json.dumps(role.select)}", f"    unit: {role.unit}"]
    lines += [f"    title: {quoted(role.title)}"] if role.title else []
    if role.labels:
        lines.append(
            f"    labels: {{{', '.join(f'{ours}: {json.dumps(theirs)}' for ours, theirs in role.labels.items())}}}"
        )
    lines += [f"    view_of: {role.view_of}"] if role.view_of else []
    lines += [f"    inside: {role.inside}"] if role.inside else []
    lines += [f"    note: {quoted(role.note)}"] if role.note else []
    return lines
