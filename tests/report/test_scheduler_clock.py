"""A clock that is set two hours on or back: each due report is made once, and none is left out."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.report.made_reports import made
from tests.report.test_scheduler import EXPECTED, START, ended_jobs, planned_from_start, scheduler
from workbench.core.settings import Settings
from workbench.store import Store


class AtOnce:
    """Makes a report where it stands."""

    slots = 2

    def submit(self, _function: Any, arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(made(arguments))
        return future


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moved", "restarted"),
    [
        (-2, False),
        (2, True),
        pytest.param(2, False, marks=pytest.mark.soak),
        pytest.param(-2, True, marks=pytest.mark.soak),
    ],
)
def test_a_clock_that_was_moved_makes_each_report_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: int, restarted: bool
) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    monkeypatch.setenv("WORKBENCH_TEST_LEDGER", str(tmp_path / "ledger"))
    channels = {"out": {"kind": "folder", "path": str(tmp_path)}}
    settings = Settings.model_validate({"home": tmp_path, "sources": {}, "channels": channels})
    planned_from_start(url)
    store, now = Store(url), [START]

    def started() -> Any:
        return scheduler(settings, store, AtOnce(), lambda: now[0])

    work = started()
    for hour in range(24 * 10 + 1):
        wrong = hour < 230 and hour % 31 >= 21  # ten hours, at other hours of each day
        now[0] = START + timedelta(hours=hour + moved * wrong)
        work = started() if restarted else work
        assert work.run(lambda: False, once=True, rest_s=0.01) == []
    lines = Counter((tmp_path / "ledger").read_text().splitlines())
    assert set(lines.values()) == {1}
    assert Counter(line.split()[0] for line in lines) == {name: 2 * count for name, count in EXPECTED.items()}
    assert sum(ended_jobs(url).values()) == len(lines)
    store.close()
