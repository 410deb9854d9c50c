"""The words a profile may use, each with its meaning: one word per thing for every system.

A role may carry a variant after a dot (``requests.generation``, ``cost.storage``): the word before the dot says which
question it answers, the variant is the system's own.
"""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal["counter", "gauge", "histogram", "expr"]
Severity = Literal["critical", "high", "warning", "info"]
Compare = Literal[">", ">=", "<", "<=", "==", "!="]
Cadence = Literal["daily", "weekly", "monthly", "quarterly", "yearly"]
Question = Literal["slo", "performance", "cost", "quality", "capacity", "alerts", "monitoring", "people"]
LogFormat = Literal["json", "logfmt", "text"]

#: What a counter of tokens counts; the parts of ``input`` and ``output`` stand inside them or beside them.
TokenClass = Literal[
    "input",
    "output",
    "total",
    "uncached_input",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "visible_output",
    "reasoning",
    "audio_input",
    "audio_output",
    "image_input",
    "image_output",
]

KINDS: tuple[Kind, ...] = get_args(Kind)

#: What a signal is for. Counters and histograms are given as selectors; rates are the workbench's work.
ROLES: dict[str, str] = {
    "requests": "requests received, a counter",
    "errors": "requests that failed by the system's own fault, a counter",
    "duration": "time to answer, a histogram",
    "first_token": "time to the first token, a histogram",
    "size": "bytes of a request or an answer",
    "in_flight": "requests being answered now, a gauge",
    "streams": "streaming requests, a counter",
    "messages": "messages sent or received over connections, a counter",
    "connections": "open connections, a gauge",
    "queue": "work that waits, a gauge",
    "tasks": "background tasks finished, a counter",
    "rate_limited": "requests refused by a limit, a counter",
    "limit": "requests or tokens a provider allows, a gauge",
    "limit_left": "requests or tokens left under a provider's limit, a gauge",
    "fallbacks": "requests moved to another deployment or provider, a counter",
    "up": "whether a target answers its scrape, a gauge",
    "available": "whether a provider or deployment can be used, a gauge",
    "restarts": "restarts of a container or process, a counter",
    "started": "start time of a process, a gauge",
    "cache_hits": "answers taken from a cache, a counter",
    "cache_misses": "look-ups a cache could not answer, a counter",
    "cache_ratio": "share of look-ups a cache answered, a gauge",
    "cache_duration": "time a cache needs to answer",
    "cache_health": "state of a cache's own statistics, a gauge",
    "cost": "money spent, a counter",
    "tokens": "tokens used, a counter",
    "budget": "money a key, team or user may spend, a gauge",
    "budget_left": "money left of a budget, a gauge",
    "budget_used": "share of a budget that is spent, a gauge",
    "budget_resets": "time until a budget starts again, a gauge",
    "quality": "score of the output's quality, a gauge",
    "bias": "score of the output's bias, a gauge",
    "sessions": "sessions started, a counter",
    "users": "users active now, a gauge",
    "actions": "things users or operators do in the product, a counter",
    "entities": "things the product holds now (tests, keys), a gauge",
    "cpu": "processor time or usage",
    "memory": "memory in use, a gauge",
    "memory_left": "memory available, a gauge",
    "memory_total": "memory installed or allowed, a gauge",
    "disk": "disk space in use, a gauge",
    "disk_left": "disk space available, a gauge",
    "disk_total": "size of a file system, a gauge",
    "network": "bytes moved over the network, a counter",
    "threads": "threads of a process, a gauge",
    "open_files": "open file descriptors of a process, a gauge",
    "authentication": "attempts to sign in, a counter",
    "security": "security events, a counter",
    "monitoring": "the monitoring's own health",
}

#: What a label says, in the workbench's words; the value beside it in a profile is the system's own label name.
DIMENSIONS: dict[str, str] = {
    "model": "language or image model",
    "provider": "company or service behind the model",
    "key": "virtual key or API key",
    "team": "team, customer or organisation",
    "user": "person or end user",
    "tag": "free tag of a request",
    "endpoint": "route or operation",
    "method": "HTTP method, or the method of the work",
    "status": "HTTP status or outcome",
    "error": "kind of error or exception",
    "service": "service, component or module",
    "instance": "one process or host",
    "job": "scrape job",
    "deployment": "one deployment of a model",
    "region": "region or zone",
    "plan": "plan or tier of a customer",
    "attribute": "attribute that is judged (gender, age)",
    "token_class": "input, output, cache_read, cache_write, reasoning ... of tokens",
    "direction": "sent or received, read or written",
    "type": "kind of thing, where no other word fits",
    "severity": "how bad",
    "role": "role of a user",
    "table": "table of a database",
    "cache": "one cache or region of a cache",
    "queue": "one queue",
    "hub": "one hub of connections",
    "device": "disk, interface or block device",
    "mount": "mount point of a file system",
    "filesystem": "type of a file system",
    "cpu": "one processor",
    "mode": "mode of processor time",
    "container": "one container",
    "host": "one machine",
    "version": "version of a program",
}

#: Units a figure may carry; a three-letter currency code (``USD``) is one too.
UNITS: dict[str, str] = {
    "ratio": "share, 0 to 1",
    "percent": "share, 0 to 100",
    "count": "things",
    "s": "seconds",
    "ms": "milliseconds",
    "h": "hours",
    "bytes": "bytes",
    "cores": "processors in use",
    "timestamp": "seconds since the epoch",
    "score": "a score on the scale its profile names",
    "requests": "requests",
    "requests/s": "requests a second",
    "requests/min": "requests a minute",
    "errors/s": "errors a second",
    "images": "images",
    "images/s": "images a second",
    "tokens": "tokens",
    "tokens/s": "tokens a second",
    "sessions": "sessions",
    "users": "users",
    "connections": "connections",
    "messages": "messages",
    "tasks": "tasks",
    "restarts": "restarts",
    "bool": "1 for yes, 0 for no",
}
