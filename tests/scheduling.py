"""Which tests one worker runs together, and in which order: a file at a time, the longest first.

``--dist loadgroup`` is of no use: its marks are lost with pytest 9.2, which keeps node ids elsewhere than xdist writes.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

#: Files whose tests share what takes long to load: servers, by their fixture, and the parsed program.
TOGETHER = {
    "test_parity.py": "demo_servers",
    "test_slo_parity.py": "demo_servers",
    "test_questions_parity.py": "demo_servers",
    "test_questions_surfaces.py": "demo_servers",
    "test_elastic_mappings.py": "opensearch_node",
    "test_elastic_rows.py": "opensearch_node",
    "test_log_conformance.py": "opensearch_node",
    "test_source_checks.py": "opensearch_node",
    "test_rooms.py": "source_imports",
    "test_wings.py": "source_imports",
}

#: Files that take half a minute and more in `make test`, the longest first.
LONGEST = ("test_parity.py", "test_slo_parity.py", "test_browser.py", "test_hostile_text.py", "test_demo_build.py",
           "test_scheduler_clock.py", "test_report_run.py", "test_report_issue.py", "test_quality_drift.py",
           "test_dialects.py", "test_demo_traffic.py", "test_surfaces_cost.py", "test_reviews.py", "test_sign_in.py",
           "test_notebooks.py", "test_demo_systems.py", "test_wheel.py", "test_forbidden_sentences.py",
           "test_cli_collect.py", "test_loki_limits.py", "test_log_sampling.py", "test_scraping.py",
           "test_archive_processes.py", "test_seven_surfaces.py", "test_slo_rules.py", "test_question_truth.py",
           "test_surfaces_performance.py", "test_answer_pool.py", "test_five_surfaces.py", "test_secret_sweep.py",
           "test_elastic_mappings.py", "test_report_first_page.py", "test_every_page.py", "test_archive_objects.py",
           "test_serve.py")  # fmt: skip


def in_order(items: list[pytest.Item]) -> None:
    """Put what is long first, so that no worker is left alone with it at the end."""
    long = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("live")}

    def place(item: pytest.Item) -> tuple[int, bool]:
        name = item.path.name
        return LONGEST.index(name) if name in LONGEST else len(LONGEST), item.path not in long

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return TOGETHER.get(PurePosixPath(file).name, file)

    config.option.loadscopereorder = False
    return Together(config, log)
