"""What a profile may say, and what the reader of a wrong one is told."""

from pathlib import Path

import pytest

from workbench.catalog.load import Catalog, load_catalog, read_catalog
from workbench.catalog.profile.model import Role
from workbench.catalog.profile.queries import iter_queries
from workbench.core.errors import CatalogError, Fault, ParameterError

MINIMAL = "schema: 1\nsystem: shop\ntitle: Shop\n"


def read(tmp_path: Path, text: str, name: str = "shop.yaml") -> Catalog:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_catalog([tmp_path])


def faults(tmp_path: Path, text: str) -> list[Fault]:
    with pytest.raises(CatalogError) as caught:
        read(tmp_path, text)
    return list(caught.value.faults)


def test_three_lines_are_a_profile(tmp_path: Path) -> None:
    profile = read(tmp_path, MINIMAL).profile("shop")
    assert (profile.title, profile.scope, profile.roles) == ("Shop", {}, {})


@pytest.mark.parametrize(
    ("text", "line", "why", "nearest"),
    [
        (MINIMAL + "rolls: {}\n", 4, "'rolls' is not a key of this entry", "roles"),
        (
            MINIMAL + "roles:\n  requets: {kind: counter, select: a_total, unit: count}\n",
            5,
            "is not a role",
            "requests",
        ),
        (
            MINIMAL + "roles:\n  requests:\n    kind: conter\n    select: a_total\n    unit: count\n",
            6,
            "'conter' is not one of",
            "counter",
        ),
        (
            MINIMAL
            + "roles:\n  requests:\n    kind: counter\n    selct: a_total\n    select: a_total\n    unit: count\n",
            7,
            "'selct' is not a key",
            "select",
        ),
        (
            MINIMAL + "roles:\n  requests:\n    kind: counter\n    select: a_total\n    unit: request\n",
            8,
            "request is not a unit",
            "requests",
        ),
        (
            MINIMAL
            + "roles:\n  cost:\n    kind: counter\n    select: a_total\n    unit: USD\n    labels: {modle: m}\n",
            9,
            "modle is not a dimension",
            "model",
        ),
        (
            MINIMAL + "roles:\n  requests:\n    kind: counter\n    select: rate(a_total[5m])\n    unit: count\n",
            7,
            "rates, sums and quantiles are taken by the workbench",
            "",
        ),
        (
            MINIMAL + "roles:\n  duration:\n    kind: histogram\n    select: a_seconds_bucket\n    unit: s\n",
            7,
            "without _bucket, _sum or _count",
            "",
        ),
        (
            MINIMAL + "alert_rules:\n  - name: Down\n    expr: up == 0\n    for: 5 minutes\n    severity: page\n",
            7,
            "'5 minutes' is not a duration",
            "",
        ),
        (
            MINIMAL + "alert_rules:\n  - name: Down\n    expr: up == 0\n    severity: warn\n",
            7,
            "'warn' is not one",
            "warning",
        ),
        (MINIMAL.replace("title: Shop\n", ""), 1, "'title' is required here", ""),
        (MINIMAL.replace("schema: 1", "schema: 2"), 1, "'2' is not one of", ""),
        (MINIMAL + "queries:\n  - {name: q, title: Q, documented: up, corrected: up}\n", 5, "reason", ""),
    ],
)
def test_a_wrong_profile_names_line_reason_and_nearest_word(
    tmp_path: Path, text: str, line: int, why: str, nearest: str
) -> None:
    found, *more = faults(tmp_path, text)
    assert (found.line, found.nearest) == (line, nearest)
    assert len(more) == ("severity: page" in text)
    assert why in found.why
    assert found.text == text.splitlines()[line - 1]
    assert found.file == str(tmp_path / "shop.yaml")


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("schema: 1\nsystem: a\ntitel: A\nroles: {reqests: {}}\n")
    (tmp_path / "b.yaml").write_text("schema: 1\nsystem: B!\ntitle: B\n")
    with pytest.raises(CatalogError) as caught:
        read_catalog([tmp_path])
    told = [(Path(fault.file).name, fault.line, fault.nearest) for fault in caught.value.faults]
    assert ("a.yaml", 3, "title") in told
    assert ("a.yaml", 4, "requests") in told
    assert ("b.yaml", 2, "") in told
    assert "a.yaml:3:" in str(caught.value)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("entry", "why", "nearest"),
    [
        (
            "roles: {errors: {kind: counter, select: shop_error_total, unit: count}}",
            "not listed under metrics",
            "shop_errors_total",
        ),
        (
            "roles: {errors: {kind: gauge, select: shop_errors_total, unit: count}}",
            "is a counter under metrics",
            "counter",
        ),
        (
            "roles: {errors: {kind: counter, select: shop_errors_total, unit: count, labels: {status: cod}}}",
            "has no label 'cod'",
            "code",
        ),
        (
            "roles: {errors: {kind: counter, select: shop_errors_total, unit: count}, errors.code: "
            "{kind: counter, select: shop_errors_total, unit: count, view_of: errors.cod}}",
            "no role that is no view itself 'errors.cod'",
            "errors",
        ),
        (
            "roles: {errors: {kind: counter, select: shop_errors_total, unit: count, view_of: errors}}",
            "no role that is no view itself 'errors'",
            "",
        ),
        ("slos: [{name: a, title: A, objectives: [availabilty]}]", "no objective 'availabilty'", ""),
        (
            "dashboards: [{title: D, panels: [{title: P, shows: [shop_errors_totl]}]}]",
            "no role, query",
            "shop_errors_total",
        ),
        (
            "queries: [{name: q, title: Q, documented: a}, {name: q, title: Q, documented: b}]",
            "q stands here twice",
            "",
        ),
    ],
)
def test_names_that_point_at_nothing_are_refused(tmp_path: Path, entry: str, why: str, nearest: str) -> None:
    metrics = "metrics: {shop_errors_total: {kind: counter, unit: count, labels: {code: []}}}\n"
    found = faults(tmp_path, MINIMAL + metrics + entry + "\n")
    assert len(found) == 1
    assert why in found[0].why
    assert found[0].nearest == nearest


def test_a_system_described_twice_in_one_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MINIMAL)
    (tmp_path / "b.yaml").write_text(MINIMAL)
    with pytest.raises(CatalogError, match=r"b\.yaml:2: the system 'shop' has a profile already: .*a\.yaml:2"):
        read_catalog([tmp_path])


def test_a_users_profile_replaces_the_shipped_one_and_adds_others(tmp_path: Path) -> None:
    ours = "schema: 1\nsystem: counterfactual-lab\ntitle: Our Lab\n"
    (tmp_path / "lab.yaml").write_text(ours)
    (tmp_path / "shop.yml").write_text(MINIMAL)
    catalog = load_catalog([tmp_path])
    assert catalog.profile("counterfactual-lab").title == "Our Lab"
    assert catalog.profile("counterfactual-lab").file == str(tmp_path / "lab.yaml")
    assert catalog.profile("shop").title == "Shop"
    assert catalog.objective("counterfactual-lab", "availability").slo == "counterfactual-lab-availability"


def test_an_unknown_system_or_objective_offers_the_nearest() -> None:
    catalog = load_catalog()
    with pytest.raises(ParameterError, match="Did you mean 'counterfactual-lab'"):
        catalog.profile("counterfactual")
    with pytest.raises(ParameterError, match="Did you mean 'latency-p95'"):
        catalog.objective("counterfactual-lab", "latency-95")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="cannot be read: No such file"):
        read_catalog([tmp_path / "nowhere"])


def test_a_histogram_gives_its_parts_with_the_matchers_after_the_suffix() -> None:
    role = Role(kind="histogram", select='api_seconds{route="/a"}', unit="s")
    assert role.part("_bucket") == 'api_seconds_bucket{route="/a"}'
    assert role.metric == "api_seconds"


def test_braces_and_quotes_inside_a_matcher_are_part_of_the_selector() -> None:
    role = Role(kind="counter", select=r'api_total{route=~"/v1/{id}|\"x\""}', unit="requests")
    assert role.metric == "api_total"


def test_a_profile_cannot_be_changed_after_it_was_read() -> None:
    profile = load_catalog().profile("counterfactual-lab")
    with pytest.raises(ValueError, match="frozen"):
        profile.title = "x"


def test_lines_of_entries_are_kept() -> None:
    profile = load_catalog().profile("counterfactual-lab")
    text = Path(profile.file).read_text(encoding="utf-8").splitlines()
    assert text[profile.line("roles", "requests") - 1].strip() == "requests:"
    assert text[profile.line("recording_rules", 0, "name") - 1].endswith("cf_lab:error_rate:rate5m")


def test_a_fifth_system_needs_one_file_and_no_code(tmp_path: Path) -> None:
    source = Path(__file__).with_name("litellm.yaml")
    catalog = load_catalog([source])
    profile = catalog.profile("litellm")
    assert list(profile.variants("tokens")) == ["tokens.input", "tokens.output", "tokens.cached"]
    assert profile.roles["cost"].labels["key"] == "api_key_alias"
    assert "counterfactual-lab" in catalog.profiles


def test_what_other_systems_documents_say_has_its_place(tmp_path: Path) -> None:
    """Pieces of three more documents: two names of one metric, families by pattern, conditions that are no PromQL."""
    profile = read(
        tmp_path,
        """\
schema: 1
system: shop
title: Shop
metrics:
  shop_tokens_total:
    kind: counter
    unit: tokens
    labels: {provider: [], model: [], type: [input, output]}
    aliases: [shop_tokens_processed_total]
  shop_request_duration_seconds: {kind: summary, unit: s}
roles:
  tokens: {kind: counter, select: shop_tokens_total, unit: tokens, aliases: [shop_tokens_processed_total]}
  tokens.old: {kind: counter, select: shop_tokens_processed_total, unit: tokens, labels: {token_class: type}}
  connections.database: {kind: gauge, select: '{__name__=~"shop_database_connections_.*"}', unit: connections}
  cache_ratio: {kind: expr, select: sum(hits_total) / (sum(hits_total) + sum(misses_total)), unit: ratio}
alert_rules:
  - name: database_connection_failed
    documented: database_health == 'unhealthy'
    dialect: other
    corrected: shop_database_up == 0
    reason: The condition is written for the system's own alert manager.
    for: 1m
    severity: critical
    channels: [email, slack, webhook]
  - {name: error_rate, expr: shop_error_ratio > 0.1, for: 10m, severity: high}
health:
  - {name: liveness, url: "http://shop:8000/health", expects: healthy, interval: 10s, timeout: 5s, failures: 3}
logs:
  - {name: app, format: json, file: app.log, retention: 30d, fields: [{path: context.trace_id, column: trace_id}]}
spans:
  - {name: model_inference, kind: client, attributes: [model_provider, tokens_used], sampling: 0.1}
""",
    ).profile("shop")
    assert profile.alert_rules[0].expr == "shop_database_up == 0"
    assert profile.spans[0].sampling == pytest.approx(0.1)
    assert profile.health[0].timeout_ms == 5000
    catalog = Catalog({"shop": profile})
    texts = {query.where: query.text for query in iter_queries(catalog)}
    assert "alert_rules/database_connection_failed/documented" not in texts
    assert texts["alert_rules/database_connection_failed/corrected"] == "shop_database_up == 0"


def test_a_condition_that_is_no_promql_needs_one_beside_it(tmp_path: Path) -> None:
    rule = "alert_rules: [{name: a, documented: it is bad, dialect: other, severity: info}]\n"
    (found,) = faults(tmp_path, MINIMAL + rule)
    assert "'expr' is required here" in found.why
