"""What a metric is for, guessed from its name, type and labels; every guess is to be checked by its owner."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from workbench.catalog.profile.vocabulary import Kind

#: ``(pattern, kinds, role, unit)``; the first that fits wins. An empty unit is read from the name.
_ROLES: tuple[tuple[str, tuple[Kind, ...], str, str], ...] = (
    (r"^up$", ("gauge",), "up", "bool"),
    (r"process_start_time_seconds$", ("gauge",), "started", "timestamp"),
    (r"time_to_first|ttft", ("histogram",), "first_token", ""),
    (r"cache.*(hits?)(_|$)", ("counter",), "cache_hits", "count"),
    (r"cache.*(miss(es)?)(_|$)", ("counter",), "cache_misses", "count"),
    (r"cache.*hit.?(rate|ratio)", ("gauge",), "cache_ratio", "ratio"),
    (r"budget.*hours", ("gauge",), "budget_resets", "h"),
    (r"remaining.*budget(?!.*hours)|budget_(left|remaining)(?!.*hours)", ("gauge",), "budget_left", "USD"),
    (r"budget.*(utili[sz]ation|used).*percent", ("gauge",), "budget_used", "percent"),
    (r"max_budget|budget_(limit|total|max)", ("gauge",), "budget", "USD"),
    (r"remaining_(requests|tokens)", ("gauge",), "limit_left", "count"),
    (r"rate.?limit|throttl", ("counter",), "rate_limited", "requests"),
    (r"fallback", ("counter",), "fallbacks", "count"),
    (r"(^|_)(costs?|spend|dollars)(_|$)", ("counter",), "cost", "USD"),
    (r"(^|_)tokens?(_(?!.*seconds)|$)", ("counter",), "tokens", "tokens"),
    (r"(^|_)(auth|authentication|logins?)(_|$)", ("counter",), "authentication", "count"),
    (r"security", ("counter",), "security", "count"),
    (r"(^|_)(errors?|fail(ed|ures?)|exceptions?)(_|$)", ("counter",), "errors", "count"),
    (
        r"(^|_)(requests?|calls|queries)(_(?!.*(seconds|dropped|terminat|reject|abort|success))|$)",
        ("counter",),
        "requests",
        "requests",
    ),
    (r"(in_?flight|in_?progress|requests_active|active_requests)", ("gauge",), "in_flight", "requests"),
    (r"(duration|latency|response_time|_seconds$|_ms$|_milliseconds$)", ("histogram",), "duration", ""),
    (r"(request|response).*_bytes$", ("histogram", "counter"), "size", "bytes"),
    (r"queue.*(depth|size|length)|(^|_)queue$", ("gauge",), "queue", "count"),
    (r"connections", ("gauge",), "connections", "connections"),
    (r"(^|_)sessions?(_|$)", ("counter",), "sessions", "sessions"),
    (r"active_users", ("gauge",), "users", "users"),
    (r"(^|_)bias(_|$)", ("gauge",), "bias", "score"),
    (r"quality", ("gauge",), "quality", "score"),
    (r"(?<!guest_)(?:^|_)cpu(_usage)?_seconds_total$", ("counter",), "cpu", "s"),
    (r"cpu.*(usage|used|utili[sz]ation).*percent", ("gauge",), "cpu", "percent"),
    (r"memavailable_bytes$|memory_available_bytes$", ("gauge",), "memory_left", "bytes"),
    (r"memtotal_bytes$|memory_(total|limit)_bytes$", ("gauge",), "memory_total", "bytes"),
    (r"resident_memory_bytes$|memory_(usage|used|working_set)_bytes$", ("gauge",), "memory", "bytes"),
    (r"filesystem_avail_bytes$|disk_(free|available)_bytes$", ("gauge",), "disk_left", "bytes"),
    (r"filesystem_size_bytes$|disk_total_bytes$", ("gauge",), "disk_total", "bytes"),
    (r"disk_(usage|used)_bytes$", ("gauge",), "disk", "bytes"),
    (r"network.*_bytes(_total)?$", ("counter",), "network", "bytes"),
    (r"open_fds(_total)?$", ("gauge",), "open_files", "count"),
    (r"threads(_total)?$", ("gauge",), "threads", "count"),
    (r"restarts?(_|$)", ("counter",), "restarts", "restarts"),
)

#: Our dimension -> label names that usually carry it, the likeliest first.
_DIMENSIONS: dict[str, tuple[str, ...]] = {
    "model": ("model", "model_name", "litellm_model_name", "requested_model"),
    "provider": ("provider", "api_provider", "vendor"),
    "key": ("key", "virtual_key", "key_name", "api_key_alias", "api_key", "hashed_api_key"),
    "team": ("team", "team_alias", "tenant", "organization", "customer"),
    "user": ("user", "end_user", "user_id"),
    "tag": ("tag",),
    "status": (
        "status",
        "status_code",
        "code",
        "http_status",
        "http_status_code",
        "http_response_code",
        "response_code",
        "result",
        "outcome",
        "success",
    ),
    "method": ("method", "http_method", "verb"),
    "endpoint": ("endpoint", "route", "handler", "path", "operation"),
    "error": ("error", "error_type", "exception_class", "exception", "reason"),
    "service": ("service", "component", "service_name"),
    "token_class": ("token_type", "token_class"),
    "direction": ("direction",),
    "deployment": ("deployment", "model_id"),
    "region": ("region", "zone"),
    "plan": ("plan", "tier"),
    "attribute": ("attribute",),
    "table": ("table",),
    "queue": ("queue",),
    "cache": ("cache", "cache_name"),
    "device": ("device", "interface"),
    "mount": ("mountpoint",),
    "filesystem": ("fstype",),
    "cpu": ("cpu",),
    "mode": ("mode",),
    "container": ("container", "container_name"),
    "type": ("type",),
    "severity": ("severity", "level"),
    "instance": ("instance",),
    "job": ("job",),
}

#: Values of a label that say that all went well.
_SUCCESS = frozenset(["ok", "success", "successful", "succeeded", "true"])

_UNITS = (("_seconds", "s"), ("_milliseconds", "ms"), ("_ms", "ms"), ("_bytes", "bytes"), ("_percent", "percent"))
_SUFFIXES = (("_ratio", "ratio"), ("_hours", "h"))

#: Families in which client libraries and servers speak of their own inner life.
_OWN_BUSINESS = re.compile(
    r"(promhttp|go|python|scrape|net_conntrack|prometheus_(?!http)[a-z]+|alertmanager_(?!http)[a-z]+)_", re.IGNORECASE
)
#: Exporters of machines and containers: they know resources, not the work that is done with them.
_MACHINES = re.compile(r"(node|container|machine|windows)_", re.IGNORECASE)
_RESOURCES = frozenset(
    ("cpu", "memory", "memory_left", "memory_total", "disk", "disk_left", "disk_total", "network", "restarts")
)


def guess_role(name: str, kind: Kind) -> tuple[str, str] | None:
    """Return the role a family seems to have and its unit, or None.

    Examples
    --------
    >>> guess_role("http_request_duration_seconds", "histogram"), guess_role("go_info", "gauge")
    (('duration', 's'), None)
    """
    if _OWN_BUSINESS.match(name):
        return None
    machine, name = bool(_MACHINES.match(name)), name.replace(":", "_")
    for pattern, kinds, role, unit in _ROLES:
        if machine and role not in _RESOURCES:
            continue
        if kind in kinds and re.search(pattern, name, re.IGNORECASE):
            return role, unit or guess_unit(name) or "s"
    return None


def guess_unit(name: str) -> str:
    """Return the unit a family's name ends in, or nothing."""
    bare = name.removesuffix("_total")
    return next((unit for suffix, unit in (*_UNITS, *_SUFFIXES) if bare.endswith(suffix)), "")


def guess_dimensions(labels: Mapping[str, object]) -> dict[str, str]:
    """Return our dimension -> the label that seems to carry it.

    Examples
    --------
    >>> guess_dimensions({"code": (), "handler": (), "instance": ()})
    {'status': 'code', 'endpoint': 'handler', 'instance': 'instance'}
    """
    dimensions = {dimension: [name for name in names if name in labels] for dimension, names in _DIMENSIONS.items()}
    return {dimension: names[0] for dimension, names in dimensions.items() if names}


def failing(labels: Mapping[str, Iterable[str]]) -> tuple[str, str, bool] | None:
    """Return the label that marks failures, a pattern of its values, and whether the pattern is that of success.

    HTTP statuses fail from 500 on. Of outcomes in words all but those of success are taken as failures, so that one
    that was not seen yet is not missed. A label of which every value is a failure marks none.

    Examples
    --------
    >>> failing({"code": {"200", "503"}}), failing({"status": {"ok", "timeout"}})
    (('code', '5..', False), ('status', 'ok', True))
    >>> failing({"code": {"502", "504"}}), failing({"status": {"open", "closed"}})
    (None, None)
    """
    label = guess_dimensions(labels).get("status", "")
    values = set(labels.get(label, ()))
    statuses = {value for value in values if re.fullmatch(r"[1-5](\d\d|xx)", value)}
    if statuses:
        return None if all(value.startswith("5") for value in statuses) else (label, "5..", False)
    succeeded = sorted(value for value in values if value.lower() in _SUCCESS)
    return (label, "|".join(succeeded), True) if succeeded and len(values) > len(succeeded) else None
