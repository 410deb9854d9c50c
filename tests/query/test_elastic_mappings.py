"""One filter, one answer, however each index of a pattern maps its fields: against a real OpenSearch."""

from __future__ import annotations

import json
import random
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.query.written_mappings import SPAN, START_MS, STEP_MS, disagreements, fill, filters, source_of
from tests.servers.given import send
from tests.servers.programs import Server
from workbench.core.filters import Condition, LogFilter
from workbench.query.logs.elastic.pages import partial_warnings
from workbench.query.logs.reconcile import count_differences

pytestmark = [pytest.mark.live, pytest.mark.slow]

KEYWORD: dict[str, Any] = {"type": "keyword"}
DYNAMIC: dict[str, Any] = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
BY = (
    (),
    (),
    ("severity",),
    ("service",),
    ("provider",),
    ("status",),
    ("tags",),
    ("vip",),
    ("ctx.user",),
    ("items.name",),
    ("who",),
    ("env",),
)


def compared(url: str, seed: int) -> list[str]:
    """Say what differs for thirty filters over three indices."""
    name, chance = f"random-{seed}", random.Random(seed + 1)
    fill(url, name, seed)
    source = source_of(url, name)
    rows = pd.concat(list(source.logs(LogFilter(), SPAN)), ignore_index=True)
    told = [line for wanted in filters(chance, 30) for line in disagreements(source, wanted, rows, chance.choice(BY))]
    send(f"{url}/{name}-*", "", "DELETE")
    return told


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_filters_and_counts_are_those_of_all_rows(opensearch_node: Server, seed: int) -> None:
    assert compared(opensearch_node.url, seed) == []


@pytest.mark.soak
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_filters_and_counts_are_those_of_all_rows_fifty_times(opensearch_node: Server, seed: int) -> None:
    assert compared(opensearch_node.url, seed) == []


def indexed(url: str, name: str, *indices: tuple[dict[str, Any], list[dict[str, Any]]]) -> Any:
    """Make an index of each mapping and records; return the source over all."""
    send(f"{url}/{name}-*?ignore_unavailable=true", "", "DELETE")
    lines = []
    for number, (properties, records) in enumerate(indices):
        mappings = {"properties": {"timestamp": {"type": "date"}, **properties}}
        send(f"{url}/{name}-{number}", json.dumps({"mappings": mappings}), "PUT")
        for place, record in enumerate(records):
            lines += [json.dumps({"index": {"_index": f"{name}-{number}"}}),
                      json.dumps({"timestamp": START_MS + place * 1000, **record})]  # fmt: skip
    assert send(f"{url}/_bulk?refresh=true", "\n".join(lines) + "\n", "POST")["errors"] is False
    return source_of(url, name)


def answers(source: Any, wanted: LogFilter, by: tuple[str, ...] = ()) -> tuple[int, int]:
    """Return how many lines a filter finds, and how many it counts."""
    counts = source.log_counts(wanted, SPAN, step_ms=STEP_MS, by=by)
    return sum(map(len, source.logs(wanted, SPAN))), int(counts["count"].sum())


def one(name: str, op: Any, *values: str) -> LogFilter:
    return LogFilter(attributes=(Condition(name, op, values),))


def test_a_field_that_a_template_maps_from_the_second_day_on_loses_no_day(opensearch_node: Server) -> None:
    record = {"level": "ERROR", "service": "pay", "trace_id": "abc", "provider": "openai"}
    names = ("level", "service", "trace_id", "provider")
    source = indexed(
        opensearch_node.url, "two", (dict.fromkeys(names, DYNAMIC), [record] * 50),
        (dict.fromkeys(names, KEYWORD), [record] * 50),
    )  # fmt: skip
    for wanted in (LogFilter(severity="ERROR"), LogFilter(services=("pay",)), LogFilter(trace_id="abc"),
                   one("provider", "=", "openai"), one("provider", "!=", "anthropic")):  # fmt: skip
        assert answers(source, wanted) == (100, 100), wanted
        assert not source.log_counts(wanted, SPAN, step_ms=STEP_MS).attrs["warnings"], "the server counts them"
    assert answers(source, one("provider", "!=", "openai")) == (0, 0)
    counts = source.log_counts(LogFilter(), SPAN, step_ms=STEP_MS, by=["severity", "provider"])
    assert counts[["severity", "provider", "count"]].to_numpy().tolist() == [["ERROR", "openai", 100]]


CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]], LogFilter, int]] = {
    "too long for the keyword": ({"tags": {**KEYWORD, "ignore_above": 5}}, [{"tags": "abcdefgh"}, {"tags": "ab"}],
                                 one("tags", "=", "abcdefgh"), 1),
    "a pattern over what is too long": ({"tags": {**KEYWORD, "ignore_above": 5}}, [{"tags": "abcdefgh"}],
                                        one("tags", "regex", "abc.*"), 1),
    "inside a nested object": ({"items": {"type": "nested", "properties": {"name": KEYWORD}}},
                               [{"items": [{"name": "a"}]}, {"items": [{"name": "b"}]}],
                               one("items.name", "=", "a"), 1),
    "not one of several": ({"tags": KEYWORD}, [{"tags": ["a", "b"]}, {"tags": ["a", "c"]}], one("tags", "!=", "a"), 2),
    "one alone": ({"tags": KEYWORD}, [{"tags": ["a", "b"]}, {"tags": ["a"]}], one("tags", "=", "a"), 1),
    "upper case of a normalizer": ({"tags": {**KEYWORD, "normalizer": "lowercase"}}, [{"tags": "A"}, {"tags": "a"}],
                                   one("tags", "=", "A"), 1),
    "a truth": ({"vip": {"type": "boolean"}}, [{"vip": True}, {"vip": "false"}, {}], one("vip", "!=", "true"), 2),
    "a number cut off": ({"code": {"type": "long"}}, [{"code": 5.7}, {"code": 5}, {"code": "5"}],
                         one("code", "=", "5"), 2),
    "two places of a level": ({"level": KEYWORD, "priority": {"type": "long"}},
                              [{"level": "info", "priority": 3}, {"level": "ERROR"}, {"priority": 3}],
                              LogFilter(severity="ERROR"), 2),
    "a spelling of its own": ({"level": KEYWORD}, [{"level": " eRRoR"}, {"level": "info"}],
                              LogFilter(severity="WARN"), 1),
    "in place of null": ({"tags": {**KEYWORD, "null_value": "none"}}, [{"tags": None}, {"tags": "x"}],
                         one("tags", "=", ""), 1),
    "copied from elsewhere": ({"tags": KEYWORD, "other": {**KEYWORD, "copy_to": "tags"}}, [{"other": "a"}],
                              one("tags", "=", ""), 1),
    "another name of a field": ({"app": KEYWORD, "who": {"type": "alias", "path": "app"}},
                                [{"app": "a"}, {"app": "b"}, {}], one("who", "=", "a"), 1),
    "another name of a text": ({"app": DYNAMIC, "who": {"type": "alias", "path": "app"}},
                               [{"app": "a b"}, {"app": "b"}, {}], one("who", "!=", "a b"), 2),
    "another name inside an object": ({"ctx": {"properties": {"user": KEYWORD}},
                                       "who": {"type": "alias", "path": "ctx.user"}},
                                      [{"ctx": {"user": "u"}}, {"ctx": [{"user": "u"}, {"user": "v"}]}],
                                      one("who", "=", "u"), 1),
    "another name of the service": ({"app": KEYWORD, "service": {"type": "alias", "path": "app"}},
                                    [{"app": "pay"}, {"app": "b"}], LogFilter(services=("pay",)), 1),
    "a constant of the index": ({"env": {"type": "constant_keyword", "value": "prod"}},
                                [{}, {"env": "prod"}], one("env", "=", "prod"), 2),
    "another constant": ({"env": {"type": "constant_keyword", "value": "prod"}}, [{}, {}],
                         one("env", "!=", "prod"), 0),
    "a pattern over a constant": ({"env": {"type": "constant_keyword", "value": "prod"}}, [{}, {}],
                                  one("env", "regex", "pr.*"), 2),
    "no constant": ({"env": {"type": "constant_keyword", "value": "prod"}}, [{}], one("env", "=", ""), 0),
    "not mapped at all": ({"ctx": {"type": "object", "dynamic": False}}, [{"ctx": {"user": "u"}}, {}],
                          one("ctx.user", "=", "u"), 1),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_an_index_does_not_know_is_decided_by_the_record(opensearch_node: Server, case: str) -> None:
    properties, records, wanted, expected = CASES[case]
    source = indexed(opensearch_node.url, "case", (properties, records))
    assert answers(source, wanted) == (expected, expected)


@pytest.mark.parametrize(
    ("properties", "records", "by"),
    [
        ({"tags": KEYWORD}, [{"tags": ["a", "b"]}, {"tags": "a"}, {}], "tags"),
        ({"vip": {"type": "boolean"}}, [{"vip": True}, {"vip": "false"}, {}], "vip"),
        ({"code": {"type": "long"}}, [{"code": 5.7}, {"code": "5"}], "code"),
        ({"code": {"type": "double"}}, [{"code": 5}, {"code": 5.5}], "code"),
        ({"level": KEYWORD, "priority": {"type": "long"}}, [{"level": "info", "priority": 3}], "severity"),
        ({"tags": {**KEYWORD, "normalizer": "lowercase"}}, [{"tags": "A"}, {"tags": "a"}], "tags"),
    ],
)
def test_counts_by_a_field_are_those_of_the_rows(
    opensearch_node: Server, properties: dict[str, Any], records: list[dict[str, Any]], by: str
) -> None:
    source = indexed(opensearch_node.url, "by", (properties, records))
    rows = pd.concat(list(source.logs(LogFilter(), SPAN)), ignore_index=True)
    assert disagreements(source, LogFilter(), rows, (by,)) == []


def test_a_closed_index_is_named(opensearch_node: Server) -> None:
    source = indexed(opensearch_node.url, "shut", ({}, [{"message": "a"}]), ({}, [{"message": "b"}]))
    send(f"{opensearch_node.url}/shut-1/_close", "", "POST")
    (piece,) = source.logs(LogFilter(), SPAN)
    assert piece["message"].tolist() == ["a"]
    for said in (piece.attrs["warnings"], source.log_counts(LogFilter(), SPAN, step_ms=STEP_MS).attrs["warnings"]):
        assert said == ("Closed indices are left out: shut-1.",)


def test_an_index_whose_time_is_no_date_is_named(opensearch_node: Server) -> None:
    source = indexed(
        opensearch_node.url,
        "undated",
        ({}, [{"message": "a"}]),
        ({"timestamp": {"type": "keyword"}}, [{"message": "b"}]),
    )
    (piece,) = source.logs(LogFilter(), SPAN)
    assert "timestamp is no date in undated-1" in piece.attrs["warnings"][0]


AWAY: dict[str, Any] = {"index.number_of_shards": 1, "index.routing.allocation.require.box": "none"}


def test_an_index_that_no_node_holds_is_named(opensearch_node: Server) -> None:
    """A search of it is no failure: the server counts its shard in the total of shards alone."""
    url = opensearch_node.url
    source = indexed(url, "away", ({}, [{"message": "a", "level": "ERROR"}]))
    send(f"{url}/away-1?wait_for_active_shards=0&timeout=1s", json.dumps({"settings": AWAY}), "PUT")
    for wanted in (LogFilter(), LogFilter(severity="FATAL")):
        pieces = list(source.logs(wanted, SPAN))
        counts = source.log_counts(wanted, SPAN, step_ms=STEP_MS)
        assert sum(map(len, pieces)) == counts["count"].sum() == (not wanted.severity)
        for said in (pieces[-1].attrs["warnings"], counts.attrs["warnings"]):
            assert "Unavailable indices are left out: away-1." in said, wanted
        assert "Unavailable indices are left out: away-1." in count_differences(source, wanted, SPAN, counts)
    send(f"{url}/away-0", "", "DELETE")
    (piece,) = source.logs(LogFilter(), SPAN)
    assert (len(piece), piece.attrs["warnings"]) == (0, ("Unavailable indices are left out: away-1.",))
    counts = source.log_counts(LogFilter(), SPAN, step_ms=STEP_MS)
    assert count_differences(source, LogFilter(), SPAN, counts) == ("Unavailable indices are left out: away-1.",)
    send(f"{url}/away-1", "", "DELETE")


def test_a_shard_that_no_node_holds_is_told(opensearch_node: Server) -> None:
    url = opensearch_node.url
    source = indexed(url, "half", ({}, [{"message": "a"}]))
    send(f"{url}/half-1?wait_for_active_shards=0&timeout=1s", json.dumps({"settings": AWAY}), "PUT")
    answer = send(f"{url}/half-*/_search", json.dumps({"size": 0}))
    assert answer["_shards"] == {"total": 2, "successful": 1, "skipped": 0, "failed": 0}
    assert partial_warnings(answer) == ["1 of 2 shards did not answer: the answer is partial."]
    (piece,) = source.logs(LogFilter(), SPAN)
    assert "1 of 2 shards did not answer: the answer is partial." in piece.attrs["warnings"]
    send(f"{url}/half-*", "", "DELETE")
