"""A draft for an unknown system loads as it is, whatever its server says."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalog import exposed
from tests.catalog.exposed import metadata_of, samples_of, text_of
from workbench.catalog.draft.dialects import dialects
from workbench.catalog.draft.draft import Draft, draft
from workbench.catalog.load import Catalog, read_catalog
from workbench.catalog.slo.documents import RatioIndicator
from workbench.core.errors import ParameterError
from workbench.core.series import SeriesSet
from workbench.promql import MemoryStore, evaluate_instant, scoped

SERVER = json.loads(Path(__file__).with_name("prometheus_2_42_self.json").read_text(encoding="utf-8"))


def loaded(made: Draft, folder: Path) -> Catalog:
    (folder / "systems").mkdir(parents=True)
    (folder / "slos").mkdir()
    (folder / "systems" / "mine.yaml").write_text(made.profile, encoding="utf-8")
    if made.slos:
        (folder / "slos" / "mine.yaml").write_text(made.slos, encoding="utf-8")
    return read_catalog([folder / "systems", folder / "slos"])


def counter(name: str, **labels: str) -> dict[str, str]:
    return {"__name__": name, "job": "api", "instance": "a:1", **labels}


def test_the_handlers_of_prometheus_itself_are_not_the_systems_requests(tmp_path: Path) -> None:
    made = draft("mine", SERVER["metadata"], SERVER["series"], title="Mine")
    catalog = loaded(made, tmp_path)
    profile = catalog.profile("mine")
    assert profile.scope == {"job": "node"}
    assert {name: role.select for name, role in profile.roles.items()} == {
        "up": "up",
        "started": "process_start_time_seconds",
        "cpu": "node_cpu_seconds_total",
        "cpu.process": "process_cpu_seconds_total",
        "memory.process": "process_resident_memory_bytes",
        "open_files": "process_open_fds",
        "memory_left": "node_memory_MemAvailable_bytes",
        "memory_total": "node_memory_MemTotal_bytes",
        "disk_left": 'node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs|overlay|squashfs"}',
        "disk_total": 'node_filesystem_size_bytes{fstype!~"tmpfs|ramfs|overlay|squashfs"}',
        "network.received": 'node_network_receive_bytes_total{device!="lo"}',
        "network.sent": 'node_network_transmit_bytes_total{device!="lo"}',
    }
    assert made.slos == ""
    assert "No counter of requests was found" in made.starter


def test_a_job_becomes_the_scope(tmp_path: Path) -> None:
    made = draft("mine", SERVER["metadata"], SERVER["series"], jobs=["prometheus"])
    catalog = loaded(made, tmp_path)
    profile = catalog.profile("mine")
    assert profile.scope == {"job": "prometheus"}
    assert "node_cpu_seconds_total" not in profile.metrics
    assert profile.metrics["prometheus_http_request_duration_seconds"].buckets[:3] == (0.1, 0.2, 0.4)
    (objective,) = catalog.objectives["mine"]
    assert objective.derived
    assert objective.indicator == RatioIndicator(
        total="sum(prometheus_http_requests_total)", good='sum(prometheus_http_requests_total{code!~"5.."})'
    )
    assert "go_threads" in made.unused


@pytest.mark.parametrize("job", [(), ("api",)])
def test_of_a_pair_of_prometheus_one_is_the_scope(job: tuple[str, ...], tmp_path: Path) -> None:
    seen = [counter(name, replica=replica) for name in ("up", "http_requests_total") for replica in ("a", "b")]
    made = draft("mine", {}, seen, jobs=job)
    assert loaded(made, tmp_path).profile("mine").scope == {"job": "api", "replica": "a"}
    assert "# CHECK: targets were scraped under several values of replica; one is taken." in made.profile
    assert loaded(draft("mine", {}, seen[::2]), tmp_path / "one").profile("mine").scope == {"job": "api"}


def test_several_jobs_are_one_system(tmp_path: Path) -> None:
    made = draft("mine", SERVER["metadata"], SERVER["series"], jobs=["node", "prometheus"])
    profile = loaded(made, tmp_path).profile("mine")
    assert profile.scope == {"job": "=~node|prometheus"}
    assert scoped("up", profile.scope) == 'up{job=~"node|prometheus"}'


def test_without_metadata_the_names_decide(tmp_path: Path) -> None:
    series = [
        counter("api_requests_total", status="200"),
        counter("api_latency_seconds_bucket", le="0.5"),
        counter("api_latency_seconds_bucket", le="+Inf"),
        counter("api_latency_seconds_sum"),
        counter("api_latency_seconds_count"),
        counter("api_queue_depth"),
        counter("api_gc_seconds_sum"),
    ]
    profile = loaded(draft("api", {}, series), tmp_path).profile("api")
    kinds = {name: (role.kind, role.select) for name, role in profile.roles.items()}
    assert kinds == {
        "requests": ("counter", "api_requests_total"),
        "errors": ("counter", 'api_requests_total{status=~"5.."}'),
        "duration": ("histogram", "api_latency_seconds"),
        "queue": ("gauge", "api_queue_depth"),
    }


def test_openmetrics_names_in_the_metadata_are_found(tmp_path: Path) -> None:
    metadata = {"api_requests": {"type": "counter", "help": "Requests."}}
    made = draft("api", metadata, [counter("api_requests_total", code="200")])
    assert loaded(made, tmp_path).profile("api").metrics["api_requests_total"].help == "Requests."


def test_failures_counted_apart_make_the_goal_when_requests_have_no_status(tmp_path: Path) -> None:
    made = draft("api", {}, [counter("api_requests_total"), counter("api_errors_total"), counter("mail_errors_total")])
    catalog = loaded(made, tmp_path)
    (objective,) = catalog.objectives["api"]
    assert objective.indicator == RatioIndicator(total="sum(api_requests_total)", bad="sum(api_errors_total)")
    assert list(catalog.profile("api").variants("errors")) == ["errors", "errors.mail-errors-total"]


def test_requests_and_failures_of_other_families_pair_up(tmp_path: Path) -> None:
    series = [
        counter(name) for name in ("gw_proxy_total_requests", "gw_proxy_failed_requests", "gw_admin_requests_total")
    ]
    metadata = {name["__name__"]: {"type": "counter", "help": ""} for name in series}
    made = draft("gw", metadata, series)
    profile = loaded(made, tmp_path).profile("gw")
    pairs = {name.partition(".")[2]: role.select for name, role in profile.variants("requests").items()}
    variant = next(name for name, select in pairs.items() if select == "gw_proxy_total_requests")
    assert profile.roles[f"errors.{variant}" if variant else "errors"].select == "gw_proxy_failed_requests"


def test_a_native_histogram_is_left_out_with_the_query_that_reads_it(tmp_path: Path) -> None:
    metadata = {"http_request_duration_seconds": {"type": "histogram", "help": ""}}
    series = [counter("http_requests_total", code="200"), counter("http_request_duration_seconds", code="200")]
    made = draft("api", metadata, series)
    assert list(loaded(made, tmp_path).profile("api").roles) == ["requests", "errors"]
    assert "histogram_quantile(0.95, sum(rate(" in made.left_out["http_request_duration_seconds"]


TIMED = [counter("http_request_duration_seconds_bucket", le=le, status_code="200") for le in ("1", "+Inf")]


@pytest.mark.parametrize(
    ("series", "total", "bad"),
    [
        ([*TIMED, *[labels | {"status_code": "500"} for labels in TIMED]], "http_request_duration_seconds_count", ""),
        ([counter("app_responses_total", code=code) for code in ("200", "503")], "app_responses_total", ""),
        ([counter("rpc_calls_total", outcome=word) for word in ("ok", "timeout")], "rpc_calls_total", 'outcome!~"ok"'),
        ([counter("runs_processed_total", success=word) for word in ("true", "false")], "runs_processed_total",
         'success!~"true"'),
        ([counter("app_requests_total", http_response_code=code) for code in ("200", "500")], "app_requests_total", ""),
    ],
)  # fmt: skip
def test_answers_with_their_outcome_are_requests_when_no_counter_is_named_so(series, total, bad, tmp_path) -> None:
    made = draft("api", {}, series)
    (objective,) = loaded(made, tmp_path).objectives["api"]
    assert total in objective.indicator.total
    assert bad in f"{objective.indicator.bad} {objective.indicator.good}".replace("=~", "!~")
    assert "CHECK" in made.profile


def test_a_counter_of_failures_only_promises_nothing_of_its_own(tmp_path: Path) -> None:
    series = [counter("api_requests_total", code=code) for code in ("200", "500")]
    made = draft("api", {}, [*series, counter("api_request_timeouts_total", code="504")])
    assert len(loaded(made, tmp_path).objectives["api"]) == 1


def test_tokens_that_contain_one_another_are_added_once(tmp_path: Path) -> None:
    names = ("input_tokens", "output_tokens", "total_tokens", "cached_input_tokens", "reasoning_tokens")
    profile = loaded(draft("gw", {}, [counter(f"gw_{name}_total") for name in names]), tmp_path).profile("gw")
    alone = [role.select for role in profile.variants("tokens").values() if not role.view_of and not role.inside]
    assert alone == ["gw_input_tokens_total", "gw_output_tokens_total"]


def test_a_histogram_whose_bounds_are_no_seconds_asks(tmp_path: Path) -> None:
    series = [counter("api_latency_bucket", le=bound) for bound in ("50", "5000", "+Inf")]
    made = draft("api", {}, series)
    assert loaded(made, tmp_path).profile("api").roles["duration"].unit == "ms"
    assert "CHECK: guessed from the name of a histogram; milliseconds? its largest bucket is 5000" in made.profile


def test_what_its_help_calls_deprecated_is_left_out(tmp_path: Path) -> None:
    metadata = {"old_requests_total": {"type": "counter", "help": "deprecated - use new_requests_total"}}
    made = draft("api", metadata, [counter("old_requests_total"), counter("new_requests_total")])
    assert loaded(made, tmp_path).profile("api").roles["requests"].select == "new_requests_total"
    assert "deprecated" in made.left_out["old_requests_total"]


def test_every_unused_metric_is_listed_by_prefix() -> None:
    made = draft("api", {}, [counter(f"odd_{number}") for number in range(1_000)])
    assert len(made.unused) == 1_000
    assert "#   odd (1000): odd_0, odd_1" in made.profile


def test_without_a_counter_of_requests_nothing_is_promised(tmp_path: Path) -> None:
    made = draft("api", {}, [counter("api_queue_depth")])
    assert made.slos == ""
    assert loaded(made, tmp_path).objectives == {}


@pytest.mark.parametrize("name", exposed.names())
def test_known_exporters_are_drafted_without_a_guess_of_theirs(name: str, tmp_path: Path) -> None:
    text = text_of(name)
    series = [labels for labels, _ in samples_of(text, job="api", instance="a:1")]
    made = draft("api", metadata_of(text), series)
    profile = loaded(made, tmp_path).profile("api")
    assert made.dialects
    assert [role.name for role in made.roles if role.check.startswith("guessed")] == []
    assert profile.variants("requests") or profile.variants("tasks") or profile.roles
    bare = draft("api", {}, series)  # history that was imported has no metadata
    assert {role.name: role.select for role in bare.roles} == {role.name: role.select for role in made.roles}


def test_litellms_draft_counts_each_token_once_and_pairs_budgets(tmp_path: Path) -> None:
    text = text_of("litellm-1.108.7")
    made = draft("gw", metadata_of(text), [labels for labels, _ in samples_of(text, job="litellm", instance="a:1")])
    profile = loaded(made, tmp_path).profile("gw")
    alone = [name for name, role in profile.variants("tokens").items() if not role.view_of and not role.inside]
    assert alone == ["tokens.input", "tokens.output"]
    assert profile.roles["duration"].metric == "litellm_request_total_latency_metric"
    assert profile.roles["requests"].metric == "litellm_proxy_total_requests_metric_total"
    assert {name for name in profile.roles if name.startswith("budget")} == {
        "budget.key", "budget_left.key", "budget_left.team", "budget_left.user"
    }  # fmt: skip
    assert "litellm_requests_metric_total" in made.left_out


def test_every_dialect_says_where_its_facts_come_from() -> None:
    for dialect in dialects():
        assert any(word in fact for fact in dialect.facts for word in ("run of", "runs of", "source", "documentation"))


def test_an_unknown_dialect_names_the_nearest() -> None:
    with pytest.raises(ParameterError, match=r"no dialect 'litelm'") as caught:
        draft("gw", {}, [counter("up")], dialect=["litelm"])
    assert "litellm" in caught.value.hint


@pytest.mark.parametrize("name", ["", "My System", "../x", "a" * 64, "-a", "a\nb"])
def test_a_name_that_cannot_be_a_systems_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match="cannot be the name of a system"):
        draft(name, {}, [counter("up")])


def test_a_job_nobody_has_is_refused_with_those_there_are() -> None:
    with pytest.raises(ParameterError, match="No series of the job 'nodes'") as caught:
        draft("mine", SERVER["metadata"], SERVER["series"], jobs=["nodes"])
    assert caught.value.hint == "Did you mean 'node'? Jobs seen in the last hour: node, prometheus."


hostile = st.text(max_size=30) | st.sampled_from(
    ['"}: {', "# x", "\n- a", "*x", "&x", "!!python/x", "{{ x }}", "\\", "'"]
)


@pytest.mark.slow
@given(
    names=st.lists(st.sampled_from(["a_requests_total", "b_errors_total", "c:d_seconds_bucket"]) | hostile, min_size=1),
    job=hostile,
    label=hostile,
    value=hostile,
    help=hostile,
    title=hostile,
)
def test_whatever_a_server_says_the_draft_loads(
    tmp_path_factory: pytest.TempPathFactory,
    names: list[str],
    job: str,
    label: str,
    value: str,
    help: str,
    title: str,
) -> None:
    series = [
        {"__name__": name, "job": job, "instance": value, "le": value, "status": value, label: value} for name in names
    ]
    metadata = {name.removesuffix("_bucket"): {"type": "counter", "help": help} for name in names[:1]}
    made = draft("mine", metadata, series, title=title)
    assert loaded(made, tmp_path_factory.mktemp("draft")).profile("mine").system == "mine"


VTS = "# TYPE nginx_vts_server_requests_total counter\n" + "".join(
    f'nginx_vts_server_requests_total{{host="{host}",code="{code}"}} {count * times}\n'
    for host, times in (("a.example", 3), ("b.example", 1), ("*", 4))
    for code, count in (("1xx", 0), ("2xx", 900), ("3xx", 50), ("4xx", 40), ("5xx", 10))
)
DOCKER = "# TYPE container_memory_working_set_bytes gauge\n# TYPE container_spec_memory_limit_bytes gauge\n" + "".join(
    f'container_memory_working_set_bytes{{id="{id}",image="{image}",name="{name}"}} {used}\n'
    f'container_spec_memory_limit_bytes{{id="{id}",image="{image}",name="{name}"}} {limit}\n'
    for id, image, name, used, limit in (
        ("/docker/1", "shop:1", "shop", 300, 1000), ("/docker/2", "db:1", "db", 200, 0), ("/", "", "", 900, 0))
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "role", "values"),
    [
        (VTS, "requests", [0, 2700, 150, 120, 30, 0, 900, 50, 40, 10]),
        (VTS, "errors", [30, 10]),
        (DOCKER, "memory", [300, 200]),
        (DOCKER, "memory_total", [1000]),
    ],
)
def test_sums_beside_their_parts_are_left_out_of_a_draft(text: str, role: str, values: list[int], tmp_path) -> None:
    samples = samples_of(text, job="api", instance="a:1")
    made = draft("api", metadata_of(text), [labels for labels, _ in samples])
    select = loaded(made, tmp_path).profile("api").roles[role].select
    times = np.array([0])
    store = MemoryStore(SeriesSet.of((labels, times, np.array([value])) for labels, value in samples))
    assert sorted(evaluate_instant(select, store, time_ms=0).values.ravel().tolist()) == sorted(values)


def test_what_the_metrics_cannot_answer_is_said() -> None:
    series = [counter("api_requests_total", code=code) for code in ("200", "500")]
    assert draft("api", {}, series).unanswered == (
        "spend (no counter of cost or tokens)",
        "quality (no score of answers)",
    )
    assert len(draft("api", {}, [counter("jobs_total")]).unanswered) == 3
