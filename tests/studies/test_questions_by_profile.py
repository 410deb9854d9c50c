"""Every profile that ships, and one that a user wrote, answers the questions by its roles alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.catalog import Catalog, Profile, load_catalog
from workbench.core.money import total
from workbench.core.series import SeriesSet
from workbench.core.timerange import TimeRange, to_ms
from workbench.promql import parse, selectors
from workbench.studies import Context, overview, service_performance, spend_and_tokens

END = datetime(2026, 10, 3, tzinfo=UTC)
BEGIN = END - timedelta(hours=6)
CATALOG = load_catalog([Path(__file__).parents[1] / "catalog" / "litellm.yaml"])


def matching(select: str) -> dict[str, str]:
    """Labels that a selector accepts, from its equalities and the first words of its regular expressions."""
    (selector,) = selectors(parse(select))
    labels = {"__name__": selector.name} if selector.name else {}
    for matcher in selector.matchers:
        if matcher.op == "=":
            labels[matcher.name] = matcher.value
        elif matcher.op == "=~":
            pattern = re.sub(r"\((\w+)\|[^)]*\)", r"\1", matcher.value)
            labels[matcher.name] = pattern.split("|")[0].replace("5..", "500").replace(".*", "").replace(".+", "x")
    return labels


def series_of(profile: Profile) -> Iterator[tuple[dict[str, str], range, np.ndarray]]:
    """One or more series for every role, each counter one a minute and each gauge 0.5."""
    times = range(to_ms(BEGIN - timedelta(hours=13)), to_ms(END) + 1, 60_000)
    minutes = np.arange(len(times), dtype=float)
    done: set[tuple[tuple[str, str], ...]] = set()
    for role in profile.roles.values():
        given = {"job": "j", "instance": "i", **{label: f"{name}-1" for name, label in role.labels.items()}}
        used = [str(one.name) for one in selectors(parse(role.select))] if role.kind == "expr" else [role.select]
        parts = [{**given, **matching(select), **profile.scope} for select in used]
        labels = parts[0]
        if role.kind == "histogram":
            parts = [{**labels, "__name__": f"{role.metric}_bucket", "le": le} for le in ("1.0", "5.0", "+Inf")]
            parts.append({**labels, "__name__": f"{role.metric}_count"})
        for part in parts:
            if (key := tuple(sorted(part.items()))) not in done:
                done.add(key)
                yield part, times, np.full(len(times), 0.5) if role.kind in ("gauge", "expr") else minutes


@pytest.fixture
def asked(tmp_path: Path) -> Callable[[str], Context]:
    def build(system: str) -> Context:
        archive = Archive.open(tmp_path / system, create=True)
        archive.append_samples(SeriesSet.of(series_of(CATALOG.profile(system))))
        source = ArchiveSource("made", archive)
        catalog = Catalog({system: CATALOG.profile(system)}, {})
        return Context(sources={"made": source}, catalog=catalog, clock=lambda: END)

    return build


@pytest.mark.slow
@pytest.mark.parametrize("system", sorted(CATALOG.profiles))
def test_performance_is_answered_by_roles_alone(system, asked):
    study = service_performance(asked(system), system=system, range=TimeRange(BEGIN, END), as_of=END)
    assert study.status in ("ok", "at_risk"), study.warnings
    assert not study.warnings
    profile = CATALOG.profile(system)
    flows = study.results["flows"].frame
    whole = flows[flows["dimension"] == ""]
    assert set(profile.variants("requests")) <= set(whole["flow"])
    assert (whole["requests"] > 0).all()
    timed = [name for name, role in profile.variants("duration").items() if role.kind == "histogram"]
    assert whole["p95"].notna().sum() >= len(timed)
    assert bool(profile.variants("cache_hits")) == bool(len(study.results["caches"].frame))
    for word in ("memory", "disk", "connections", "queue"):
        for name, role in profile.variants(word).items():
            assert (role.title or name) in set(study.results["resources"].frame["title"])


@pytest.mark.slow
@pytest.mark.parametrize("system", sorted(CATALOG.profiles))
def test_cost_is_answered_by_roles_alone(system, asked):
    study = spend_and_tokens(asked(system), system=system, range=TimeRange(BEGIN, END), as_of=END)
    profile = CATALOG.profile(system)
    totals, groups = study.results["totals"].frame, study.results["groups"].frame
    assert {"cost", "tokens"} & {name.partition(".")[0] for name in profile.roles} == set(totals["measure"])
    assert not study.warnings
    for (measure, unit), parts in groups.groupby(["measure", "unit"]):
        whole = totals[(totals["measure"] == measure) & (totals["unit"] == unit)]["amount"].iloc[0]
        assert whole > 0
        views = {str(name) for one in profile.variants(str(measure)).values() if one.view_of for name in one.labels}
        for dimension, rows in parts.groupby("dimension"):
            assert total(rows["amount"]) == rows["whole"].iloc[0]
            assert dimension in views or total(rows["amount"]) == whole
    assert bool(any(profile.variants(word) for word in ("budget", "budget_left", "budget_used"))) == bool(
        len(study.results["budgets"].frame)
    )


@pytest.mark.slow
def test_a_system_of_one_file_is_on_the_overview_with_its_goal_spend_and_budgets(tmp_path: Path) -> None:
    archive = Archive.open(tmp_path / "litellm", create=True)
    archive.append_samples(SeriesSet.of(series_of(CATALOG.profile("litellm"))))
    catalog = Catalog({"litellm": CATALOG.profile("litellm")}, {"litellm": CATALOG.objectives["litellm"]})
    context = Context(sources={"made": ArchiveSource("made", archive)}, catalog=catalog, clock=lambda: END)
    seen = overview(context, as_of=END)
    assert not seen.warnings
    assert seen.results["board"].frame[["system", "objective"]].to_numpy().tolist() == [["litellm", "availability"]]
    (spend,) = seen.results["spend"].frame.itertuples()
    asked = spend_and_tokens(context, system="litellm", as_of=END).results["totals"].frame
    assert spend.spent == asked.loc[asked["measure"] == "cost", "amount"].iloc[0]
    assert spend.spent > 0
