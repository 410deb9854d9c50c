"""Files of others as they are meant, and what reads each: the fuzz changes the one and hands it to the other."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from tests.catalog.test_catalog_sound import PROFILE, slo
from tests.catalog.test_slo_imports import PYRRA, RATIO, SLOTH, SLOTH_KUBERNETES
from tests.query.xor_written import chunk, frame, message
from tests.studies.test_schedule_file import GOOD as SCHEDULE
from tests.studies.test_schedule_file import KNOWN
from workbench.archive import Archive
from workbench.catalog.load import read_catalog
from workbench.catalog.rules.rule_file import read_rule_file
from workbench.catalog.rules.written import read_written_rules
from workbench.catalog.slo.burn_policies import read_burn_policies
from workbench.catalog.slo.policy import read_policy
from workbench.core.filters import LogFilter, SpanFilter
from workbench.core.settings import SourceSettings, load_settings
from workbench.core.shipped import shipped
from workbench.core.timerange import TimeRange
from workbench.demo.scenario import load_scenario
from workbench.query.alerts.records import AlertRecords
from workbench.query.http.health import judged_body
from workbench.query.metrics.export_lines import decode_lines
from workbench.query.metrics.remote.remote_read import decode
from workbench.query.traces.otlp import of_protobuf
from workbench.query.traces.spans import Sampling
from workbench.report.notebook.languages import read_logql, read_traceql
from workbench.store.tables import TableSource
from workbench.studies.authoring.imports import import_slos
from workbench.studies.cost.price_file import read_book
from workbench.studies.operations.deployments import COLUMNS, read_table
from workbench.studies.quality.row_files import open_rows
from workbench.studies.sources import backends

SPAN = TimeRange.last("1h", until=datetime(2026, 11, 1, tzinfo=UTC))
TIME = "2026-10-31T23:30:00Z"


def tree(text: str) -> Any:
    """Read a document of a seed."""
    return yaml.safe_load(text)


ROWS = {
    "time": [TIME, "2026-10-31 23:31"], "score": [0.5, None], "service": ["a", "b"], "id": ["1", "2"],
    "starts_at": [TIME, "31.10.2026"], "provider": ["openai", "x"], "start": ["2026-10-01", "2026-10-02"],
    "end": ["2026-10-31", "2026-11-01"], "amount": ["1,234.50", "-7"], "currency": ["USD", "EUR"],
    "date": ["2026-10-01", "2026-10-02"], "base": ["EUR", "EUR"], "quote": ["USD", "USD"], "rate": ["1.1", "1.2"],
    "category": ["Usage", "Tax"], "model": ["gpt", ""], "kind": ["input", "output"], "unit": ["token", "token"],
    "price": ["0.01", "1e-6"], "deployment": ["v1", "v2"],
}  # fmt: skip
CSV = "\n".join(",".join(map(str, row)) for row in (ROWS, *zip(*ROWS.values(), strict=True))).encode()
SETTINGS = """
zone = "Europe/Berlin"
home = "home"
[limits]
timeout_s = 3
[sources.p]
kind = "prometheus"
url = "https://p.example"
systems = ["a"]
headers = { X-Key = { env = "K" } }
[sources.t]
kind = "table"
path = "x.csv"
holds = "invoices"
fields = { amount = "Cost" }
[access.groups.admins]
role = "admin"
systems = ["*"]
members = ["ana@example.com"]
[delivery.channels.mail]
kind = "email"
"""
RULES = """
groups:
  - name: g
    interval: 30s
    rules:
      - {record: 'a:rate5m', expr: 'sum(rate(a_total[5m]))', labels: {x: y}}
      - {alert: High, expr: 'a:rate5m > 1', for: 5m, labels: {severity: page}, annotations: {summary: 'x {{ $value }}'}}
"""
SCENARIO = """
schema: 1
name: killed
days: 12
events:
  - {id: a, kind: outage, system: counterfactual-lab, start: -1d, duration: 20m, magnitude: 0.5}
"""
OPENSLO_V2 = """
apiVersion: openslo.com/v2alpha
kind: SLO
metadata: {name: a}
spec:
  service: s
  sli: {metadata: {name: b}, spec: {ratioMetric: {counter: true,
    good: {spec: {query: 'sum(a)'}}, total: {spec: {query: 'sum(b)'}}}}}
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
"""
WEBHOOK = {
    "version": "4", "groupKey": "{}", "truncatedAlerts": 1, "status": "firing", "receiver": "r",
    "groupLabels": {"a": "b"},
    "time": TIME, "alerts": [{"status": "resolved", "labels": {"alertname": "A", "severity": "page"}, "annotations": {},
    "startsAt": TIME, "endsAt": "2026-10-31T23:40:00Z", "fingerprint": "ab"}],
}  # fmt: skip
SNAPSHOT = {"time": TIME, "alerts": [{**WEBHOOK["alerts"][0], "status": {"state": "active", "silencedBy": []}}]}  # type: ignore[index,dict-item]
LINES = b"""{"timestamp": "2026-10-31T23:30:00Z", "level": "error", "message": "boom", "trace_id": "ab", "a": {"b": 1}}
2026-10-31T23:31:00Z ERROR [api] boom key="a b" n=1
Traceback (most recent call last):
  File "x", line 1
10.0.0.1 - - [31/Oct/2026:23:32:00 +0000] "GET / HTTP/1.1" 500 12
"""
OTLP = {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "a"}}]},
        "scopeSpans": [{"spans": [{"traceId": "0a" * 16, "spanId": "0b" * 8, "name": "x", "kind": 2,
        "startTimeUnixNano": "1793489400000000000", "endTimeUnixNano": "1793489401000000000", "status": {"code": 2},
        "attributes": [{"key": "n", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"doubleValue": 0.5}]}}}],
        "events": [{"name": "exception", "attributes": []}]}]}]}]}  # fmt: skip
ZIPKIN = [{"traceId": "0a" * 16, "id": "0b" * 8, "timestamp": 1793489400000000, "duration": 5, "kind": "SERVER",
           "localEndpoint": {"serviceName": "a"}, "tags": {"error": "x"}}]  # fmt: skip
GENAI = [{"id": "openai", "name": "OpenAI", "api_pattern": "x", "models": [{"id": "gpt", "match": {"equals": "gpt"},
          "prices": [{"prices": {"input_mtok": 1.5}, "constraint": {"start_date": "2026-01-01"}},
          {"prices": {"input_mtok": {"base": 1, "tiers": [{"start": 100, "price": 2}]}}}]}]}]  # fmt: skip
CATALOGUE = {"gpt": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-6, "max_tokens": 10}}
MESSAGE = bytes.fromhex(
    "0a470a130a110a0c736572766963652e6e616d6512030a01611230122e0a100a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a12080b0b0b0b0b0b0b"
    "0b2a0178300239000000000000001041010000000000001078"
)
FLOATS = chunk([(1793489400000, 4607182418800017408), (1793489415000, 4611686018427387904), (1793489430000, 0)])
REMOTE = frame(message({"__name__": "a", "job": "b"}, [(1, FLOATS)]))


def spans_of(kind: str) -> Callable[[Path], object]:
    """Read spans of files of a kind."""
    return lambda path: [
        source.state() and list(source.spans(SpanFilter(), SPAN))
        for source in [backends.open_spans("s", SourceSettings(kind=cast(Any, kind), path=path))]
    ]


def logs(path: Path) -> None:
    """Read and count the lines of a file of logs."""
    source = backends.open_logs("s", SourceSettings(kind="logfiles", path=path))
    source.state()
    list(source.logs(LogFilter(contains="o"), SPAN))
    source.log_counts(LogFilter(), SPAN, step_ms=60_000, by=("service",))


def alerts(path: Path) -> None:
    """Read alerts of a file."""
    source = AlertRecords("s", path)
    source.state()
    source.episodes(SPAN)
    source.notifications(SPAN)
    source.recorded()


def rows(path: Path) -> None:
    """Read rows of answers."""
    opened = open_rows(cast(Any, SimpleNamespace(tables={})), path)
    opened.sample(opened.columns).to_pylist()
    for batch in opened.batches(opened.columns):
        batch.to_pylist()


def table(holds: str) -> Callable[[Path], object]:
    """Read a table of a kind of record."""
    return lambda path: TableSource("t", path, holds=holds).read()


def archive(name: str) -> Callable[[Path], object]:
    """Read an archive whose document of a name is the file."""

    def read(path: Path) -> None:
        home = path.parent / f"archive-{name}"
        if not home.exists():
            Archive.open(home, create=True).note_covered("p", ["x"], 0, 60_000)
        (home / name).chmod(0o600)
        (home / name).write_bytes(path.read_bytes())
        Archive.open(home).newest_ms()

    return read


def parquet() -> bytes:
    """Rows as Parquet."""
    sink = io.BytesIO()
    pq.write_table(pa.table(ROWS), sink)
    return sink.getvalue()


def text_of(read: Callable[[str], object]) -> Callable[[Path], object]:
    """Hand the text of a file over."""
    return lambda path: read(path.read_bytes().decode(errors="replace"))


def seen_at(path: Path) -> timedelta:
    """Age of nothing: the settings are read with their sources."""
    load_settings(path)
    return timedelta()


SHIPPED = shipped("data", "systems", "choreoai.yaml")
POLICY = shipped("data", "policies", "error-budget.yaml").read_text()
BURNS = shipped("data", "policies", "burn-rates.yaml").read_text()
DIMENSIONS = {"counterfactual-lab": {"method": ("icg",)}}

#: name -> (file name, seeds: documents to change node by node, or bytes to splice; what reads it)
READERS: dict[str, tuple[str, list[Any], Callable[[Path], object]]] = {
    "settings": ("workbench.toml", [SETTINGS.encode()], seen_at),
    "profile": ("a.yaml", [tree(PROFILE.format(name="a")), SHIPPED.read_bytes()[:3000]],
                lambda path: read_catalog([path])),
    "OpenSLO": ("a.yaml", [tree(slo("a-b", "a")), slo("a-b", "a").encode()],
                lambda path: read_catalog([path.parent / "profile", path])),
    "imports": ("b.yaml", [tree(SLOTH), tree(SLOTH_KUBERNETES), tree(PYRRA % RATIO), tree(OPENSLO_V2), SLOTH.encode()],
                lambda path: import_slos(path, system="a")),
    "rule file": ("r.yaml", [tree(RULES), RULES.encode()], read_rule_file),
    "written rules": ("r.yaml", [tree(RULES), RULES.encode()], read_written_rules),
    "budget policy": ("p.yaml", [tree(POLICY)], read_policy),
    "burn policies": ("p.yaml", [tree(BURNS)], read_burn_policies),
    "schedule": ("s.yaml", [tree(SCHEDULE), SCHEDULE.encode()], lambda path: read_schedule_of(path)),
    "scenario": ("s.yaml", [tree(SCENARIO), SCENARIO.encode()],
                 lambda path: load_scenario(path, cast(Any, DIMENSIONS)).place(1_793_491_200_000)),
    "prices": ("p.json", [GENAI, CATALOGUE], lambda path: read_book(path).price("openai", "gpt", SPAN.end)),
    "price table": ("p.csv", [CSV], lambda path: read_book(path).price("openai", "gpt", SPAN.end)),
    **{f"{holds or 'plain'} table": ("t.csv", [CSV], table(holds))
       for holds in ("invoices", "deployments", "incidents", "labels", "budgets", "rates", "answers", "")},
    "Parquet table": ("t.parquet", [parquet()], table("invoices")),
    "deliveries": ("d.csv", [CSV], lambda path: [read_table(path, kind, ("time",)) for kind in COLUMNS]),
    "rows": ("r.csv", [CSV], rows),
    "rows of Parquet": ("r.parquet", [parquet()], rows),
    "alerts": ("a.jsonl", [WEBHOOK, SNAPSHOT], alerts),
    "lines": ("l.log", [LINES, *[json.loads(LINES.splitlines()[0])]], logs),
    "OTLP JSON": ("s.json", [OTLP], spans_of("otlp")),
    "OTLP bytes": ("s.bin", [MESSAGE], lambda path: of_protobuf(path.read_bytes(), Sampling())),
    "Zipkin": ("s.json", [ZIPKIN], spans_of("zipkin")),
    "remote read": ("r.bin", [REMOTE], lambda path: decode(bytearray(path.read_bytes()), 0, 2**60)),
    "chunks": ("r.bin", [FLOATS], lambda path: decode(
        bytearray(frame(message({"a": "b"}, [(1, path.read_bytes()), (2, path.read_bytes())]))), 0, 2**60)),
    "export": ("e.txt", [b'{"metric":{"__name__":"a"},"values":[1,+Inf],"timestamps":[5,6]}\n'],
               lambda path: decode_lines(path.read_bytes())),
    "health": ("h.json", [{"status": "ok", "checks": [{"name": "a", "status": "up"}], "database": "ok"}],
               lambda path: judged_body(path.read_bytes())),
    "LogQL": ("q.txt", [b'{service="api", pod=~"a.*"} |= "timeout" | json | status = "503"'], text_of(read_logql)),
    "TraceQL": ("q.txt",
                [b'{ resource.service.name = "api" && duration > 2s && status = error }'], text_of(read_traceql)),
    "commits of an archive": ("c.json", [{"coverage": {"table": "x", "version": 1, "files": 1, "rows": 1}}],
                              archive("commits.json")),
    "document of an archive": ("d.json", [{"format": "workbench-archive", "schema": 2, "meta": {}, "families": {}}],
                               archive("archive.json")),
}  # fmt: skip


def read_schedule_of(path: Path) -> object:
    """Read a schedule, against names that are known."""
    from workbench.studies.schedule.file import read_schedule

    return read_schedule(path, KNOWN)
