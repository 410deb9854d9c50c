"""OpenSLO v1: the rules of its reference implementation, and the objectives made of the documents."""

from decimal import Decimal
from pathlib import Path

import pytest

from workbench.catalog.load import Catalog, load_catalog, read_catalog
from workbench.catalog.slo.documents import CalendarWindow, RatioIndicator, RawIndicator, ThresholdIndicator
from workbench.core.errors import CatalogError, Fault

SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: shop-availability
  displayName: Availability
  labels: {system: shop}
spec:
  service: checkout
  indicator:
    metadata: {name: inline}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {spec: {query: sum(good_total)}}}
        total: {metricSource: {spec: {query: sum(all_total)}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives:
    - {displayName: Main, targetPercent: 99.9}
"""


def load(tmp_path: Path, *documents: str) -> Catalog:
    systems, slos = tmp_path / "systems", tmp_path / "slos"
    systems.mkdir(exist_ok=True)
    slos.mkdir(exist_ok=True)
    (systems / "shop.yaml").write_text("schema: 1\nsystem: shop\ntitle: Shop\n")
    (slos / "shop.yaml").write_text("---\n".join(documents))
    return read_catalog([systems, slos])


def faults(tmp_path: Path, *documents: str) -> tuple[Fault, ...]:
    with pytest.raises(CatalogError) as caught:
        load(tmp_path, *documents)
    return caught.value.faults


def test_a_ratio_over_a_rolling_window(tmp_path: Path) -> None:
    (objective,) = load(tmp_path, SLO).objectives["shop"]
    assert (objective.id, objective.slo, objective.system) == ("availability", "shop-availability", "shop")
    assert objective.target == Decimal("0.999")
    assert 1 - objective.target == Decimal("0.001")
    assert objective.indicator == RatioIndicator(total="sum(all_total)", good="sum(good_total)", counter=True)
    assert (objective.method, objective.window_days, objective.calendar) == ("occurrences", 30, None)
    assert (objective.line, objective.query_lines) == (19, {"good": 14, "total": 15})
    assert not objective.derived


def replaced(old: str, new: str) -> str:
    assert old in SLO
    return SLO.replace(old, new)


CALENDAR = "calendar: {startTime: '2026-01-01 00:00:00', timeZone: UTC}"
WINDOW = "[{duration: 30d, isRolling: true}]"
RATIO = SLO[SLO.index("        counter") : SLO.index("  timeWindow")]


@pytest.mark.parametrize(
    ("text", "line", "why", "nearest"),
    [
        (replaced("targetPercent: 99.9", "targetPercent: 100"), 19, "leaves no error budget", ""),
        (replaced("targetPercent: 99.9", "target: 1"), 19, "leaves no error budget", ""),
        (replaced("targetPercent: 99.9", "target: 99.9"), 19, "must be below 1", ""),
        (replaced("targetPercent: 99.9", "target: 0.9, targetPercent: 90"), 19, "target or targetPercent", ""),
        (replaced(", targetPercent: 99.9", ""), 19, "target or targetPercent", ""),
        (replaced("targetPercent: 99.9", "target: -0.1"), 19, "greater than or equal to 0", ""),
        (replaced(WINDOW, "[]"), 16, "at least 1 item", ""),
        (replaced(WINDOW, WINDOW[:-1] + "," + WINDOW[1:]), 16, "at most 1 item", ""),
        (replaced(WINDOW, "[{duration: 30 days, isRolling: true}]"), 16, "is not an OpenSLO duration", ""),
        (replaced(WINDOW, "[{duration: 1M, isRolling: false}]"), 16, "needs a calendar", ""),
        (
            replaced(WINDOW, "[{duration: 1M, isRolling: true, " + CALENDAR + "}]"),
            16,
            "a rolling window has no calendar",
            "",
        ),
        (
            replaced(WINDOW, "[{duration: 1m, " + CALENDAR + "}]"),
            16,
            "M is a month, m a minute",
            "1M",
        ),
        (
            replaced(WINDOW, "[{duration: 1M, calendar: {startTime: '2026-01-01T00:00:00Z', timeZone: UTC}}]"),
            16,
            "YYYY-MM-DD HH:MM:SS",
            "",
        ),
        (
            replaced(WINDOW, "[{duration: 1M, calendar: {startTime: '2026-01-01 00:00:00', timeZone: Europe/Berln}}]"),
            16,
            "No time zone 'Europe/Berln'",
            "",
        ),
        (replaced("Occurrences", "Occurences"), 17, "'Occurences' is not one of", "Occurrences"),
        (replaced("Occurrences", "Timeslices"), 19, "needs timeSliceTarget and timeSliceWindow", ""),
        (replaced("Occurrences", "RatioTimeslices"), 19, "needs timeSliceWindow", ""),
        (
            replaced("{displayName: Main,", "{displayName: Main, op: gt, value: 1,"),
            19,
            "takes neither op nor value",
            "",
        ),
        (
            replaced("{displayName: Main,", "{displayName: Main, indicatorRef: x,"),
            7,
            "each of its objectives has one",
            "",
        ),
        (replaced("{displayName: Main,", "{displayName: Main, compositeWeight: 2,"), 7, "belongs to a composite", ""),
        (
            replaced("good: {", "bad: {metricSource: {spec: {query: x}}}\n        good: {"),
            12,
            "good or bad, not both",
            "",
        ),
        (replaced("        total: {metricSource: {spec: {query: sum(all_total)}}}\n", ""), 12, "needs total", ""),
        (replaced("shop-availability", "Shop_Availability"), 4, "a name has lower-case letters", ""),
        (replaced("kind: SLO", "kind: SLOO"), 2, "'SLOO' is not one of", "SLO"),
        (replaced("openslo/v1", "openslo/v2"), 1, "'openslo/v2' is not one of", "openslo/v1"),
        (replaced("service: checkout", "service: checkout\n  discription: x"), 9, "not a key", "description"),
        (replaced("system: shop", "system: shopp"), 6, "no profile has the system 'shopp'", "shop"),
        (
            replaced("{spec: {query: sum(good_total)}}", "{type: Datadog, spec: {query: a}}"),
            14,
            "'Datadog' is not one of",
            "",
        ),
    ],
)
def test_a_wrong_document_names_line_reason_and_nearest_word(
    tmp_path: Path, text: str, line: int, why: str, nearest: str
) -> None:
    (found,) = faults(tmp_path, text)
    assert why in found.why
    assert (found.line, found.nearest) == (line, nearest)


def test_an_indicator_by_reference_with_calendar_and_slices(tmp_path: Path) -> None:
    sli = """\
apiVersion: openslo/v1
kind: SLI
metadata: {name: uptime}
spec:
  ratioMetric:
    counter: true
    bad: {metricSource: {metricSourceRef: prom-main, spec: {query: sum(bad_total)}}}
    total: {metricSource: {metricSourceRef: prom-main, spec: {query: sum(all_total)}}}
"""
    source = (
        "apiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: prom-main}\n"
        'spec: {type: Prometheus, connectionDetails: {url: "http://prom.example:9090"}}\n'
    )
    slo = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: checkout-uptime, labels: {system: shop}}
spec:
  service: checkout
  indicatorRef: uptime
  timeWindow: [{duration: 1M, isRolling: false, calendar: {startTime: "2025-01-01 00:00:00", timeZone: Europe/Warsaw}}]
  budgetingMethod: Timeslices
  objectives: [{displayName: SLA, target: 0.995, timeSliceTarget: 0.95, timeSliceWindow: 1m}]
  alertPolicies: [{alertPolicyRef: checkout-page}]
"""
    (objective,) = load(tmp_path, slo, sli, source).objectives["shop"]
    assert objective.id == "checkout-uptime"
    assert objective.indicator == RatioIndicator(total="sum(all_total)", bad="sum(bad_total)", counter=True)
    assert objective.calendar == CalendarWindow(1, "month", "2025-01-01 00:00:00", "Europe/Warsaw")
    assert (objective.window_ms, objective.zone) == (None, "Europe/Warsaw")
    assert (objective.slice_ms, objective.slice_target) == (60_000, Decimal("0.95"))
    assert objective.alert_policies == ("checkout-page",)
    assert objective.query_lines["bad"] == 18

    (fault,) = faults(tmp_path, slo, sli.replace("Ref: prom-main", "Ref: prom-mian", 1), source)
    assert (fault.why, fault.nearest, fault.line) == ("no DataSource is named 'prom-mian'.", "prom-main", 18)
    (objective,) = load(tmp_path, slo, sli).objectives["shop"]
    assert objective.queries() == {"bad": "sum(bad_total)", "total": "sum(all_total)"}

    (fault,) = faults(tmp_path, slo.replace("indicatorRef: uptime", "indicatorRef: uptme"), sli, source)
    assert (fault.why, fault.nearest, fault.line) == ("no SLI is named 'uptme'.", "uptime", 6)


def test_a_threshold_is_judged_once_a_slice(tmp_path: Path) -> None:
    text = replaced(RATIO, "        counter: true\n")
    text = text.replace(
        "      ratioMetric:\n        counter: true\n",
        "      thresholdMetric: {metricSource: {spec: {query: avg(score)}}}\n",
    )
    text = text.replace("Occurrences", "Timeslices")
    full = text.replace("{displayName: Main,", "{op: gte, value: 0.80, timeSliceTarget: 1, timeSliceWindow: 5m,")
    (objective,) = load(tmp_path, full).objectives["shop"]
    assert objective.indicator == ThresholdIndicator("avg(score)", ">=", Decimal("0.80"), 300_000)
    (fault,) = faults(tmp_path, full.replace("op: gte, value: 0.80, ", ""))
    assert "needs op and value" in fault.why
    (fault,) = faults(tmp_path, full.replace("Timeslices", "Occurrences"))
    assert "a threshold has no events to count" in fault.why
    assert fault.nearest == "Timeslices"


def test_a_raw_ratio_needs_slices_and_a_type(tmp_path: Path) -> None:
    raw = "        raw: {metricSource: {spec: {query: error_ratio}}}\n        rawType: failure\n"
    text = replaced(RATIO, raw).replace("Occurrences", "RatioTimeslices").replace("Main,", "Main, timeSliceWindow: 5m,")
    (objective,) = load(tmp_path, text).objectives["shop"]
    assert objective.indicator == RawIndicator("error_ratio", "failure")
    assert objective.method == "ratio_timeslices"
    (fault,) = faults(tmp_path, text.replace("        rawType: failure\n", ""))
    assert "raw needs rawType" in fault.why


def test_several_objectives_have_their_own_names_and_targets(tmp_path: Path) -> None:
    text = SLO + "    - {displayName: Stretch goal, target: 0.9995}\n    - {target: 0.9}\n"
    found = load(tmp_path, text).objectives["shop"]
    assert [(objective.id, objective.target) for objective in found] == [
        ("availability-main", Decimal("0.999")),
        ("availability-stretch-goal", Decimal("0.9995")),
        ("availability-3", Decimal("0.9")),
    ]


def test_a_rolling_month_is_thirty_days_and_says_so(tmp_path: Path) -> None:
    (objective,) = load(tmp_path, replaced("duration: 30d", "duration: 1M")).objectives["shop"]
    assert objective.window_days == 30
    assert objective.assumptions == ("The rolling window 1M is counted as 30 days.",)


def test_marks_and_the_system_of_the_service_are_read(tmp_path: Path) -> None:
    service = "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: checkout, labels: {system: shop}}\nspec: {}\n"
    marked = 'labels: {derived: "true"}\n  annotations: {assumption: No document sets it.}'
    (objective,) = load(tmp_path, replaced("labels: {system: shop}", marked), service).objectives["shop"]
    assert objective.derived
    assert objective.assumptions == ("No document sets it.",)


def test_alert_documents_are_checked_and_kept(tmp_path: Path) -> None:
    condition = (
        "apiVersion: openslo/v1\nkind: AlertCondition\nmetadata: {name: fast}\nspec: {severity: page, condition: "
        "{kind: burnrate, op: gt, threshold: 14.4, lookbackWindow: 1h, alertAfter: 0m}}\n"
    )
    policy = (
        "apiVersion: openslo/v1\nkind: AlertPolicy\nmetadata: {name: page}\nspec: {alertWhenBreaching: true, "
        "conditions: [{conditionRef: fast}], notificationTargets: [{targetRef: on-call}]}\n"
    )
    catalog = load(tmp_path, SLO, condition, policy)
    kept = {document.name: document.spec for document in catalog.documents}
    assert list(kept) == ["shop-availability", "fast", "page"]
    assert kept["fast"].condition.threshold == Decimal("14.4")
    assert kept["page"].conditions == ({"conditionRef": "fast"},)
    (fault,) = faults(tmp_path, SLO, condition.replace("burnrate", "burn"))
    assert (fault.nearest, fault.line) == ("burnrate", 24)


def test_the_same_name_twice_is_refused_with_both_places(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, SLO, SLO)
    assert fault.line == 24
    assert "a second SLO is named shop-availability; the first is" in fault.why
    assert fault.why.endswith("shop.yaml:1.")


@pytest.mark.slow
def test_a_users_documents_replace_the_shipped_ones_of_the_systems_they_name(tmp_path: Path) -> None:
    text = SLO.replace("system: shop", "system: counterfactual-lab").replace("shop-", "counterfactual-lab-")
    (tmp_path / "mine.yaml").write_text(text)
    catalog = load_catalog([], [tmp_path])
    assert [objective.id for objective in catalog.objectives["counterfactual-lab"]] == ["availability"]
    assert len(load_catalog().objectives["counterfactual-lab"]) == 5


def test_profiles_and_slo_documents_may_share_a_folder_named_twice(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text("schema: 1\nsystem: shop\ntitle: Shop\n---\n" + SLO)
    catalog = load_catalog([tmp_path], [tmp_path])
    assert catalog.profile("shop").title == "Shop"
    assert catalog.objective("shop", "availability").line == 23


def test_a_document_without_a_spec_is_told_so(tmp_path: Path) -> None:
    head = "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: checkout}\n"
    (fault,) = faults(tmp_path, SLO, head + "spec:\n")
    assert (fault.line, fault.why) == (24, "this must be a map of keys to values.")
    (fault,) = faults(tmp_path, SLO, head)
    assert fault.why == "'spec' is required here."


@pytest.mark.parametrize("word", ["hold", "Bad", "maybe"])
def test_an_slo_says_what_absent_data_counts_as(word: str, tmp_path: Path) -> None:
    text = SLO.replace("labels: {system: shop}", f"labels: {{system: shop}}\n  annotations: {{absence: {word}}}")
    if word == "maybe":
        (fault,) = faults(tmp_path, text)
        assert "no policy for absent data" in fault.why
        return
    (objective,) = load(tmp_path, text).objectives["shop"]
    assert objective.absence == word.lower()
