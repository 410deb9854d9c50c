"""What people decided, as tables of text: exclusions with their effect, annotations, the audit trail."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.charts.tables import Sentence, Table, status_word
from workbench.charts.theme import STATUS_WORDS
from workbench.core.result import Result
from workbench.core.units import NO_VALUE, count_text, instant_text, ratio_text, span_text, target_text

#: Semantics in words.
SEMANTICS_WORDS = {
    "remove_time": "left out, with its time",
    "remove_events": "events left out",
    "count_good": "counted as good",
}


def _revoked(record: Any) -> str:
    return (
        ""
        if record.revoked_at is None
        else f"{instant_text(record.revoked_at)} by {record.revoked_by}: {record.revoked_why}"
    )


def exclusion_rows(records: Iterable[Any]) -> list[dict[str, str]]:
    """One row of text per exclusion of the store."""
    return [
        {
            "id": record.id,
            "meant": record.slo or ", ".join(f"{name}={value}" for name, value in record.labels.items()) or "all",
            "start": instant_text(record.starts_at),
            "end": instant_text(record.ends_at),
            "rule": f"{record.rule} for {record.duration}, {record.zone}" if record.rule else "",
            "semantics": SEMANTICS_WORDS[record.semantics],
            "reason": record.reason,
            "by": record.created_by,
            "decided": instant_text(record.created_at),
            "revoked": _revoked(record),
        }
        for record in records
    ]


def member_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per member of a composite objective."""
    return [
        {
            "objective": row.objective,
            "member": row.title,
            "weight": f"{row.weight:g}",
            "target": target_text(row.target),
            "SLI": ratio_text(row.sli),
            "bad": count_text(row.bad),
            "events": count_text(row.total),
            "spent": ratio_text(row.spent_share, digits=1),
            "observed": ratio_text(row.coverage, digits=1),
            "status": status_word(row.status, row.coverage),
        }
        for row in result.frame.itertuples()
    ]


def members_table(result: Result) -> Table | None:
    """Table of :func:`member_rows` that renders itself; None where no objective is a composite."""
    if result.frame.empty:
        return None
    caption = "Members of composite objectives: the share of the budget that each one spent."
    return Table(member_rows(result), caption=caption, left=("objective", "member", "status"))


def annotation_rows(records: Iterable[Any]) -> list[dict[str, str]]:
    """One row of text per annotation of the store."""
    return [
        {
            "id": record.id,
            "start": instant_text(record.starts_at),
            "end": instant_text(record.ends_at),
            "kind": record.kind,
            "slo": record.slo or "all",
            "text": record.text,
            "link": record.link,
            "by": record.created_by,
            "revoked": _revoked(record),
        }
        for record in records
    ]


def audit_rows(entries: Iterable[Any]) -> list[dict[str, str]]:
    """One row of text per line of the audit trail."""
    return [
        {
            "at": instant_text(entry.at),
            "who": entry.who,
            "action": entry.action,
            "subject": entry.subject,
            "document": json.dumps(entry.document, ensure_ascii=False, sort_keys=True),
        }
        for entry in entries
    ]


def trail_rows(entries: Iterable[Any]) -> list[dict[str, str]]:
    """One row of text per line of the audit trail of all systems, with the fields that a change moved."""
    return [
        {
            "at": instant_text(entry.at),
            "who": entry.who,
            "action": entry.action,
            "system": entry.system,
            "subject": entry.subject,
            "change": _change_text(entry.before, entry.after) or json.dumps(entry.document, ensure_ascii=False),
        }
        for entry in entries
    ]


def _change_text(before: Any, after: Any) -> str:
    """Say which fields of a row a change moved, or what was written.

    Examples
    --------
    >>> _change_text({"tag": "useful", "note": ""}, {"tag": "no action", "note": ""})
    'tag: useful -> no action'
    """
    if not isinstance(after, dict):
        return f"{len(after)} rows" if isinstance(after, list) else ""
    if not isinstance(before, dict):
        return ", ".join(f"{name}: {value}" for name, value in after.items() if value not in (None, "", {}, []))
    moved = [name for name in after if before.get(name) != after[name]]
    return ", ".join(f"{name}: {before.get(name) or 'none'} -> {after[name]}" for name in moved)


def effect_rows(result: Result) -> list[dict[str, str]]:
    """Two cells a figure, with and without exclusions; one row per objective that has any."""

    def bad(row: Mapping[str, Any], end: str) -> str:
        known = row[f"total{end}"] == row[f"total{end}"]
        return f"{count_text(row[f'bad{end}'])} of {count_text(row[f'total{end}'])}" if known else NO_VALUE

    rows = []
    for row in result.frame.to_dict(orient="records"):
        words = [SEMANTICS_WORDS[name] for name in row["semantics"].split(", ")]
        rows.append(
            {
                "objective": row["objective"],
                "excluded": f"{span_text(60 * row['excluded_minutes'])} ({'; '.join(words)})",
                "status": STATUS_WORDS[row["status"]],
                "status without": STATUS_WORDS[row["status_without"]],
                "SLI": ratio_text(row["sli"]),
                "SLI without": ratio_text(row["sli_without"]),
                "bad": bad(row, ""),
                "bad without": bad(row, "_without"),
                "budget left": ratio_text(row["budget_left_ratio"], digits=1),
                "budget left without": ratio_text(row["budget_left_ratio_without"], digits=1),
            }
        )
    return rows


def effect_table(result: Result) -> Table | Sentence:
    """Table of :func:`effect_rows` that renders itself."""
    if result.frame.empty:
        return Sentence("No exclusion is in force in this period.")
    caption = "Figures with the exclusions applied, and without them."
    return Table(effect_rows(result), caption=caption, left=("excluded", "status without"))


def windows_table(result: Result) -> Table:
    """List the windows in force with who decided them and why."""
    rows = [
        {
            "objective": str(row.objective),
            "start": instant_text(row.start),
            "end": instant_text(row.end),
            "semantics": SEMANTICS_WORDS[str(row.semantics)],
            "reason": str(row.reason),
            "by": str(row.author),
            "id": str(row.exclusion),
        }
        for row in result.frame.itertuples()
    ]
    return Table(rows, left=("start", "end", "semantics", "reason", "by", "id"))


def happened_table(result: Result) -> Table | Sentence:
    """List annotations and changes of definition, oldest first."""
    if result.frame.empty:
        return Sentence("No annotations in this period.")
    rows = [
        {
            "start": instant_text(row["start"]),
            "end": instant_text(row["end"]),
            "kind": row["kind"],
            "objective": row["slo"] or "all",
            "what": row["text"],
            "link": row["link"],
            "by": row["author"],
        }
        for row in result.frame.to_dict(orient="records")
    ]
    return Table(rows, left=("start", "end", "kind", "what", "link", "by"))


def definition_rows(result: Result) -> list[dict[str, str]]:
    """One row of text per part of a period in which one definition held."""
    return [
        {
            "objective": row["objective"],
            "from": instant_text(row["start"]),
            "to": instant_text(row["end"]),
            "target": target_text(row["target"]),
            "status": STATUS_WORDS[row["status"]],
            "SLI": ratio_text(row["sli"]),
            "bad": count_text(row["bad"]) if row["bad"] == row["bad"] else NO_VALUE,
            "allowed": count_text(row["budget_total"]) if row["budget_total"] == row["budget_total"] else NO_VALUE,
            "definition": row["revision"],
        }
        for row in result.frame.to_dict(orient="records")
    ]


def definitions_table(result: Result) -> Table | Sentence:
    """Table of :func:`definition_rows` that renders itself."""
    if result.frame.empty:
        return Sentence("No definition changed within the period.")
    caption = "Each part of the period is judged by the definition that held in it."
    return Table(definition_rows(result), caption=caption, left=("from", "to", "definition"))
