"""``workbench logs``: log lines by the neutral filter."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli.shared.output import format_option, print_csv, print_json, print_table, say
from workbench.cli.shared.period import PeriodOptions, period_options


def conditions(texts: tuple[str, ...]) -> tuple[Any, ...]:
    """Parse ``name=value``, ``name!=value`` and ``name=~regex`` into conditions of a filter."""
    import re

    from workbench.core.errors import ParameterError
    from workbench.core.filters import Condition

    parsed = []
    for text in texts:
        match = re.fullmatch(r"([^=!~]+)(=~|!=|=)(.*)", text, re.DOTALL)
        if not match:
            raise ParameterError(f"{text!r} is not a condition.", hint="Write name=value, name!=value or name=~regex.")
        op = "regex" if match[2] == "=~" else match[2]
        parsed.append(Condition(match[1].strip(), op, (match[3],)))  # type: ignore[arg-type]
    return tuple(parsed)


@click.command()
@click.argument("system")
@click.option("--severity", default="", help="Least severe level wanted, e.g. WARN.")
@click.option("--contains", default="", help="Text that the message contains.")
@click.option("--service", "services", multiple=True, help="Service; may be repeated.")
@click.option("--where", multiple=True, metavar="NAME=VALUE", help="Attribute condition: =, != or =~.")
@click.option("--trace", "trace_id", default="", help="Trace id.")
@click.option(
    "--count-by", help="Count lines by severity, service, event_type, an attribute, or message (one row per template)."
)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Newest lines to print.")
@click.option("--source", help="Source of the settings to ask in place of the system's.")
@click.option("--native", help="Text in the source's own language: LogQL, ES|QL or Lucene.")
@click.option("--show-query", is_flag=True, help="Say how the filter reads in the source's language.")
@period_options
@format_option
@click.pass_obj
def logs(
    state: Any,
    system: str,
    severity: str,
    contains: str,
    services: tuple[str, ...],
    where: tuple[str, ...],
    trace_id: str,
    count_by: str | None,
    limit: int,
    source: str | None,
    native: str | None,
    show_query: bool,
    period: PeriodOptions,
    format_: str,
) -> None:
    """Find log lines of a system, newest first.

    \b
    Examples:
      workbench logs counterfactual-lab --severity ERROR --last 24h
      workbench logs counterfactual-lab --last 7d --count-by severity
      workbench logs counterfactual-lab --last 7d --count-by message
      workbench logs choreoai --source lines --native '{app="choreoai"} |= "timeout"'
    """
    from workbench.core.filters import LogFilter, Native
    from workbench.studies.logs.lines import find_logs, log_source

    context = state.context()
    now = context.clock()
    span, _ = period.read(now, state.settings, default="24h")
    kind = getattr(log_source(context, system, source), "kind", "") if native else ""
    wanted = LogFilter(
        services=services,
        severity=severity.upper(),
        attributes=conditions(where),
        contains=contains,
        trace_id=trace_id,
        native=Native(kind, native) if native else None,
    )
    result = find_logs(context, system=system, range=span, wanted=wanted, count_by=count_by, limit=limit, source=source)
    for warning in result.warnings:
        say(f"Warning: {warning}")
    rows = _printed(result, format_)
    {"json": print_json, "csv": print_csv, "table": print_table}[format_](rows)
    if show_query and result.query:
        say(f"Query: {result.query}")
    if result.coverage:
        from workbench.core.units import ratio_text

        read = result.coverage
        files = f"{read['files']} file{'s' if read['files'] != 1 else ''}"
        share = ratio_text(read["share"], digits=2)
        say(f"{share} of {read['records']:,} records ({read['lines']:,} lines) in {files} were understood.")
    shown = f", the newest {limit} are shown" if result.matched > limit and not count_by else ""
    kept = " (kept lines; the estimates say how many there were)" if result.sampled else ""
    matched = "1 line" if result.matched == 1 else f"{result.matched:,} lines"
    verb = "matches" if result.matched == 1 else "match"
    say(f"{matched} of {result.source} {verb} in {span}{kept}{shown}")
    if result.error_share is not None and result.rows:
        say(_error_share(*result.error_share))


def _error_share(share: float, low: float, high: float) -> str:
    if share != share:
        return "Share of error lines: not known, because the sampling rate of some lines is not known."
    known = f" (95 % interval {low:.1%} to {high:.1%})" if low == low and high == high and low < high else ""
    return f"{share:.1%} of lines are errors (ERROR and above){known}."


def _printed(result: Any, format_: str) -> list[dict[str, Any]]:
    """Rows as a format shows them: whole in JSON, one cell a value in CSV, what fits a terminal in a table."""
    import json

    if format_ == "json" or not result.rows:
        return list(result.rows)
    if "attributes" in result.rows[0]:
        if format_ == "csv":
            return [row | {"attributes": json.dumps(row["attributes"], ensure_ascii=False)} for row in result.rows]
        return [{name: row[name] for name in _LINE} for row in result.rows]
    if format_ == "csv":
        return list(result.rows)
    columns = [name for name in result.rows[0] if name not in _ESTIMATED and name != "example"]
    return [{name: _figure(row[name]) for name in columns} | _estimated(row, result.sampled) for row in result.rows]


_LINE = ("time", "severity", "service", "message", "trace_id")
_ESTIMATED = frozenset(("estimate", "standard_error", "low", "high", "share", "share_low", "share_high"))


def _estimated(row: dict[str, Any], sampled: bool) -> dict[str, str]:
    share = "unknown" if row["share"] is None else f"{row['share']:.2%}"
    if not sampled:
        return {"share": share}
    if row["estimate"] is None:
        return {"estimate": "unknown", "95 % interval": "", "standard error": "", "share": share}
    return {
        "estimate": f"{row['estimate']:,.0f}",
        "95 % interval": f"{row['low']:,.0f} to {row['high']:,.0f}",
        "standard error": f"{row['standard_error']:,.0f}",
        "share": share if row["share_low"] is None else f"{share} ({row['share_low']:.1%} to {row['share_high']:.1%})",
    }


def _figure(value: Any) -> str:
    from workbench.core.units import NO_VALUE

    return f"{value:,}" if isinstance(value, int) else str(value) or NO_VALUE
