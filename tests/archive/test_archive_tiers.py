from __future__ import annotations

import pytest

from workbench.archive.tiers.verdicts import FIVE_MINUTES, HOUR, RAW, TIERS, answering_tier, verdict, verdicts
from workbench.core.errors import QueryRejected
from workbench.promql import parse

MINUTE = 60_000


@pytest.mark.parametrize(
    ("function", "window_min", "tier", "answer"),
    [
        ("quantile_over_time", 60, RAW, "exact"),
        ("rate", 1, RAW, "exact"),
        ("rate", 5, FIVE_MINUTES, "refused"),
        ("rate", 10, FIVE_MINUTES, "bounded"),
        ("increase", 60, HOUR, "refused"),
        ("increase", 120, HOUR, "bounded"),
        ("sum_over_time", 5, FIVE_MINUTES, "exact"),
        ("avg_over_time", 7, FIVE_MINUTES, "refused"),
        ("avg_over_time", 12, FIVE_MINUTES, "bounded"),
        ("delta", 30, FIVE_MINUTES, "bounded"),
        ("quantile_over_time", 600, FIVE_MINUTES, "refused"),
        ("changes", 600, FIVE_MINUTES, "refused"),
        ("resets", 600, HOUR, "refused"),
        ("deriv", 600, HOUR, "refused"),
        ("irate", 600, FIVE_MINUTES, "refused"),
        ("", 60, FIVE_MINUTES, "refused"),
        ("a_function_of_tomorrow", 60, FIVE_MINUTES, "refused"),
    ],
)
def test_the_table_of_functions_and_tiers(function, window_min, tier, answer):
    found = verdict(function, tier, window_ms=window_min * MINUTE)
    assert found.answer == answer
    assert found.reason


def test_the_reason_says_what_window_would_do():
    assert verdict("rate", FIVE_MINUTES, window_ms=300_000).reason.endswith("needs a window of at least 10m")


def test_a_plain_value_of_a_tier_is_bounded_by_its_age_and_its_time_is_refused():
    assert verdict("", HOUR).answer == "bounded"
    assert verdict("abs", HOUR).answer == "bounded"
    assert verdict("timestamp", HOUR).answer == "refused"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("rate(a[10m]) / sum(b)", ["bounded", "bounded"]),
        ("max_over_time(rate(a[5m])[1h:5m])", ["refused"]),
        ("quantile_over_time(0.9, a[1h])", ["refused"]),
        ("histogram_quantile(0.9, sum by (le) (rate(a[15m])))", ["bounded"]),
        ("-max_over_time(a[1h])", ["exact"]),
        ("1", []),
    ],
)
def test_every_selector_of_a_query_gets_a_verdict(query, expected):
    assert [found.answer for found in verdicts(parse(query), FIVE_MINUTES)] == expected


def test_the_finest_tier_that_may_answer_is_chosen():
    assert answering_tier(parse("irate(a[5m])")) == RAW
    assert answering_tier(parse("rate(a[1h])"), held=TIERS) == RAW
    assert answering_tier(parse("rate(a[1h])"), held=(FIVE_MINUTES, HOUR)) == FIVE_MINUTES
    with pytest.raises(QueryRejected, match="irate on the 5m tier: it needs the last two samples"):
        answering_tier(parse("irate(a[5m])"), held=(FIVE_MINUTES, HOUR))
