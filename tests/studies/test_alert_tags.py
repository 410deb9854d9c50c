"""What people say of alerts is kept with their name, in bulk, and the untagged share is shown."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.errors import ParameterError
from workbench.core.timerange import TimeRange
from workbench.studies import Context, alert_load
from workbench.studies.alerts.tags import tag_alerts

OCTOBER = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
SYSTEM = "counterfactual-lab"


@pytest.mark.slow
def test_tags_are_counted_by_rule_and_the_rest_is_untagged(
    demo_home: Path, context_over: Callable[..., Context]
) -> None:
    ctx = context_over(ArchiveSource("demo", Archive.open(demo_home / "demo")))
    asked = {"system": SYSTEM, "range": OCTOBER, "as_of": OCTOBER.end}
    before = alert_load(ctx, **asked).results["tags"].frame.set_index("alertname")
    assert before.loc["all", "untagged_share"] == 1
    assert math.isnan(before.loc["all", "useful_share"])
    count = tag_alerts(ctx, **asked, tag="no action", rule="ModelGenerationLatency", note="A batch job")
    assert count == 10
    assert tag_alerts(ctx, **asked, tag="useful", rule="ModelGenerationLatency") == 0
    assert tag_alerts(ctx, **asked, tag="useful", rule="HighErrorRate") == 4
    after = alert_load(ctx, **asked).results["tags"].frame.set_index("alertname")
    assert after.loc["ModelGenerationLatency", ["useful", "no_action", "useful_share"]].tolist() == [0, 10, 0]
    assert after.loc["HighErrorRate", "useful_share"] == 1
    assert after.loc["all", "untagged"] == after.loc["all", "alerts"] - 14
    assert ctx.store is not None
    entry = ctx.store.audit(SYSTEM)[0]
    assert (entry.action, entry.subject, entry.document["count"]) == ("alert.tag", "useful", 4)
    with pytest.raises(ParameterError, match="No alert of the rule 'Nope'"):
        tag_alerts(ctx, **asked, tag="useful", rule="Nope")
