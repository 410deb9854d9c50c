"""A draft for an unknown system loads as it is, whatever its server says."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.catalog.draft.draft import Draft, draft
from workbench.catalog.load import Catalog, read_catalog
from workbench.catalog.slo.documents import RatioIndicator
from workbench.catalog.yaml_lines import parse_documents
from workbench.core.errors import ParameterError

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


def test_a_real_server_gives_roles_a_starter_promise_and_no_mistake(tmp_path: Path) -> None:
    made = draft("mine", SERVER["metadata"], SERVER["series"], title="Mine")
    catalog = loaded(made, tmp_path)
    profile = catalog.profile("mine")
    assert profile.scope == {}
    assert {name: role.select for name, role in profile.roles.items() if "." not in name} == {
        "requests": "prometheus_http_requests_total",
        "errors": 'prometheus_http_requests_total{code=~"5.."}',
        "duration": "prometheus_http_request_duration_seconds",
        "size": "prometheus_http_response_size_bytes",
        "up": "up",
        "started": "process_start_time_seconds",
        "cpu": "node_cpu_seconds_total",
        "memory": "process_resident_memory_bytes",
        "memory_left": "node_memory_MemAvailable_bytes",
        "memory_total": "node_memory_MemTotal_bytes",
        "disk_left": "node_filesystem_avail_bytes",
        "disk_total": "node_filesystem_size_bytes",
        "network": "node_network_receive_bytes_total",
        "open_files": "process_open_fds",
    }
    assert profile.roles["duration"].kind == "histogram"
    assert profile.metrics["prometheus_http_request_duration_seconds"].buckets[:3] == (0.1, 0.2, 0.4)
    (objective,) = catalog.objectives["mine"]
    assert objective.derived
    assert objective.indicator == RatioIndicator(
        total="sum(prometheus_http_requests_total)", good='sum(prometheus_http_requests_total{code!~"5.."})'
    )
    assert "go_threads" in made.unused


def test_a_job_becomes_the_scope(tmp_path: Path) -> None:
    made = draft("mine", SERVER["metadata"], SERVER["series"], job="prometheus")
    profile = loaded(made, tmp_path).profile("mine")
    assert profile.scope == {"job": "prometheus"}
    assert "node_cpu_seconds_total" not in profile.metrics


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


def test_failures_counted_apart_make_the_promise_when_requests_have_no_status(tmp_path: Path) -> None:
    made = draft("api", {}, [counter("api_requests_total"), counter("api_errors_total"), counter("mail_errors_total")])
    catalog = loaded(made, tmp_path)
    (objective,) = catalog.objectives["api"]
    assert objective.indicator == RatioIndicator(total="sum(api_requests_total)", bad="sum(api_errors_total)")
    assert list(catalog.profile("api").variants("errors")) == ["errors", "errors.mail-errors-total"]


def test_without_a_counter_of_requests_nothing_is_promised(tmp_path: Path) -> None:
    made = draft("api", {}, [counter("api_queue_depth")])
    assert made.slos == ""
    assert loaded(made, tmp_path).objectives == {}


def test_litellms_names_find_their_roles() -> None:
    names = parse_documents(Path(__file__).with_name("litellm.yaml").read_text(), file="x")[0].data["metrics"]
    series = [
        counter(name + ("_bucket" if entry["kind"] == "histogram" else ""), **dict.fromkeys(entry["labels"], "x"))
        | ({"le": "1.0"} if entry["kind"] == "histogram" else {})
        for name, entry in names.items()
    ]
    made = draft("litellm", {}, series)
    words = {name.partition(".")[0] for name in made.roles}
    assert words >= {"requests", "errors", "cost", "tokens", "duration", "first_token", "budget", "budget_left"}
    assert words >= {"cache_hits", "cache_misses", "fallbacks", "limit_left"}


@pytest.mark.parametrize("name", ["", "My System", "../x", "a" * 64, "-a", "a\nb"])
def test_a_name_that_cannot_be_a_systems_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match="cannot be the name of a system"):
        draft(name, {}, [counter("up")])


def test_a_job_nobody_has_is_refused() -> None:
    with pytest.raises(ParameterError, match="No series of the job 'nobody'"):
        draft("mine", SERVER["metadata"], SERVER["series"], job="nobody")


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
    tmp_path_factory: pytest.TempPathFactory, names: list[str], job: str, label: str, value: str, help: str, title: str
) -> None:
    series = [
        {"__name__": name, "job": job, "instance": value, "le": value, "status": value, label: value} for name in names
    ]
    metadata = {name.removesuffix("_bucket"): {"type": "counter", "help": help} for name in names[:1]}
    made = draft("mine", metadata, series, title=title)
    assert loaded(made, tmp_path_factory.mktemp("draft")).profile("mine").system == "mine"
