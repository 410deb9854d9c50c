"""What a draft writes beside the profile: settings with their comments, rules of the server, starter objectives."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from workbench.core.errors import ParameterError, SettingsError
from workbench.core.settings import SourceSettings
from workbench.promql import parse
from workbench.studies.alerts.ownership import alert_selectors, owns
from workbench.studies.authoring.draft import server_settings
from workbench.studies.authoring.settings_file import with_source
from workbench.studies.sources.server_rules import rules_of

SHOP = SourceSettings(kind="prometheus", url="http://prom:9090")
BEFORE = """\
# ours since 2024
zone = "Europe/Berlin"  # finance asked for it

[sources.prod]  # the pair behind the proxy
kind = "prometheus"
url = "http://prom:9090"
systems = ["gateway"]
"""


def added(text: str, **changed: object) -> str:
    given = {"source": "shop", "system": "shop", "settings": SHOP, "slos": True} | changed
    return with_source(text, file=Path("workbench.toml"), **given)


def test_a_system_of_a_known_server_is_added_and_every_comment_stays() -> None:
    text = added(BEFORE)
    read = tomllib.loads(text)
    assert read["sources"] == {
        "prod": {"kind": "prometheus", "url": "http://prom:9090", "systems": ["gateway", "shop"]}
    }
    assert (read["profiles"], read["slos"], read["zone"]) == (["profiles"], ["slos"], "Europe/Berlin")
    for comment in ("# ours since 2024", "# finance asked for it", "# the pair behind the proxy"):
        assert comment in text


def test_another_server_becomes_another_source() -> None:
    other = SourceSettings(kind="prometheus", url="http://other:9090")
    assert tomllib.loads(added(BEFORE, settings=other))["sources"]["shop"]["systems"] == ["shop"]
    with pytest.raises(SettingsError, match="has a source 'prod' with another URL"):
        added(BEFORE, settings=other, source="prod")


def test_adding_twice_changes_nothing() -> None:
    once = added(added(""))
    assert once == added("")
    assert tomllib.loads(once)["profiles"] == ["profiles"]


def test_a_broken_settings_file_is_not_replaced() -> None:
    with pytest.raises(SettingsError, match=r"workbench\.toml"):
        added("profiles = [")


@pytest.mark.parametrize(
    ("url", "right"),
    [("prom:9090", "--url http://prom:9090"), ("https://me:secret@prom", "--url https://prom --username NAME")],
)
def test_a_url_that_cannot_be_kept_is_refused_with_the_right_spelling(url: str, right: str) -> None:
    with pytest.raises(ParameterError) as caught:
        server_settings(url)
    assert right in caught.value.hint
    assert "secret" not in str(caught.value)


GROUPS = [
    {
        "rules": [
            {"type": "recording", "name": "gw:rate", "query": 'sum(rate(gw_requests_total{job="gw"}[5m]))'},
            {
                "type": "alerting",
                "name": "Slow",
                "query": "gw:rate < 5",
                "duration": 60,
                "labels": {"severity": "page"},
            },
            {"type": "alerting", "name": "Other", "query": 'sum(rate(gw_requests_total{job="elsewhere"}[5m])) > 1'},
            {"type": "alerting", "name": "Mirrored", "query": "100 < gw_queue", "labels": {}},
            {"type": "alerting", "name": "Odd", "query": "sum(", "labels": {}},
        ]
    }
]


def test_rules_about_a_systems_metrics_and_what_is_recorded_from_them_are_its_own() -> None:
    rules = rules_of(GROUPS, ["gw_requests_total", "gw_queue"], ["gw"])
    assert [rule.alert or rule.record for rule in rules] == ["gw:rate", "Slow", "Mirrored"]
    assert [rule.limit for rule in rules] == [None, ("gw:rate", "<", 5.0), ("gw_queue", ">", 100.0)]


def test_an_alert_without_the_scopes_label_is_known_by_its_rule() -> None:
    scope = {"job": "=~gw|node", "env": "prod"}
    for selector in alert_selectors('ALERTS{alertstate="firing"}', scope, ("Slow", "Odd.name")):
        parse(selector)
    assert owns({"alertname": "Slow", "env": "prod"}, scope, ("Slow",))
    assert not owns({"alertname": "Slow", "env": "test"}, scope, ("Slow",))
    assert not owns({"alertname": "Other", "env": "prod"}, scope, ("Slow",))
    assert owns({"alertname": "Other", "env": "prod", "job": "node"}, scope, ())
