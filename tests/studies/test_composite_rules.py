"""Rules of a composite count what we count: the same shares of the same history, and alerts that promtool tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.catalog.test_slo_rules import promtool, run
from tests.studies.test_slo_records import END, LOGS, SYSTEM, composite
from workbench.catalog import Catalog, CompositeIndicator, Member, RawIndicator, ThresholdIndicator
from workbench.core.errors import ParameterError
from workbench.core.timerange import TimeRange
from workbench.studies import Context, slo_compliance
from workbench.studies.authoring.composite_rules import composed_by
from workbench.studies.authoring.rules import slo_rules

#: Two hours in which both instances answer at a steady rate, 0.25 % of requests with an error and 4 % of them late.
QUIET = TimeRange(END - timedelta(days=2), END - timedelta(days=1, hours=22))
SLICES = {"slice_ms": 300_000, "target": Decimal("0.93")}


def over(lab: Context, indicator: CompositeIndicator, **given: Any) -> Context:
    objective = replace(lab.catalog.objective(SYSTEM, "availability"), indicator=indicator, **given)
    return replace(lab, catalog=Catalog(lab.catalog.profiles, {SYSTEM: (objective,)}))


def ruled_share(ctx: Context, window: str = "5m") -> float:
    """Share of bad ones over the quiet time, as the recording rules count it once a slice."""
    (objective,) = ctx.catalog.objectives[SYSTEM]
    counted = composed_by(objective, ctx.catalog.profile(SYSTEM).scope, QUIET)
    ends = TimeRange.from_ms(QUIET.start_ms + 300_000, QUIET.end_ms)
    source = ctx.source_for(SYSTEM)
    bad, total = (
        source.range(text.replace("$window", window), ends, step_ms=300_000).values.sum()
        for text in (counted.bad, counted.total)
    )
    return float(bad / total)


@pytest.mark.slow
@pytest.mark.parametrize(("weights", "given"), [
    ("sum", {"target": Decimal("0.98")}),
    ("sum", {"method": "timeslices", "slice_target": Decimal("0.99"), **SLICES}),
    ("sum", {"method": "ratio_timeslices", **SLICES}),
    ("share", {"method": "ratio_timeslices", **SLICES}),
])  # fmt: skip
def test_rules_count_a_composite_as_we_do(lab: Context, weights: Any, given: dict[str, Any]) -> None:
    members = composite(weights).members
    if given.get("method") == "timeslices":
        limits = (Decimal("0.99"), Decimal("0.97"))
        members = tuple(replace(one, slice_target=limit) for one, limit in zip(members, limits, strict=True))
    ctx = over(lab, CompositeIndicator(members, weights), **given)
    ours = slo_compliance(ctx, system=SYSTEM, range=QUIET, as_of=QUIET.end).results["compliance"].frame.iloc[0]
    assert ruled_share(ctx) == pytest.approx(1 - ours.sli, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("low", [
    ThresholdIndicator("avg(counterfactual_quality_score)", ">", Decimal("0.95"), 300_000),
    RawIndicator("avg(counterfactual_quality_score)", "success"),
])  # fmt: skip
def test_a_member_without_samples_has_no_say_and_a_bad_gauge_spoils_the_slice(
    lab: Context, low: ThresholdIndicator | RawIndicator
) -> None:
    """The gauge is 0.9 throughout: below the threshold, and as a share below what makes a slice good."""
    silent = Member("gone", "Gone", Decimal("0.9"), Decimal(1), RawIndicator("sum(nothing_here)", "success"))
    easy = tuple(replace(one, slice_target=Decimal("0.5")) for one in (*composite().members, silent))
    spoilt = (*easy, Member("low", "Low", Decimal("0.9"), Decimal(1), low, Decimal("0.95")))
    for members, share in ((spoilt, 1.0), (easy, 0.0)):
        ctx = over(lab, CompositeIndicator(members), method="timeslices", slice_target=None, **SLICES)
        assert ruled_share(ctx) == share
        if share:
            judged = slo_compliance(ctx, system=SYSTEM, range=QUIET, as_of=QUIET.end)
            assert judged.results["compliance"].frame["sli"].tolist() == [1 - share]


def test_a_member_that_prometheus_cannot_count_is_named(lab: Context) -> None:
    logged = composite("sum", Member("logged", "Logged", Decimal("0.9"), Decimal(1), LOGS))
    with pytest.raises(ParameterError, match=r"member logged counts logs.*\n.*SLOs of their own"):
        slo_rules(over(lab, logged, target=Decimal("0.98")), system=SYSTEM)


@pytest.mark.live
def test_promtool_runs_the_tests_of_composites(lab: Context, tmp_path: Path, omit: Callable[[str], NoReturn]) -> None:
    tests = []
    for name, given in (("pool", {"target": Decimal("0.98")}), ("slices", {"method": "ratio_timeslices", **SLICES})):
        ctx = over(lab, composite(), id=name, **given)
        made = slo_rules(ctx, system=SYSTEM)
        for file, text in {**made.files, **made.tests}.items():
            (tmp_path / file).write_text(text)
        tests += [tmp_path / file for file in made.tests]
    done = run(promtool("3", omit), "test", tests)
    assert done.returncode == 0, done.stdout + done.stderr
