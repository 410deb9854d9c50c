"""Messages name a system by its title to people, and by its id to programs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from workbench.core.settings import Settings
from workbench.report.delivery.messages import failure_messages, report_messages


def test_a_message_names_the_system_by_its_title_and_keeps_its_id_for_programs(tmp_path: Path) -> None:
    channels = {"hook": {"kind": "slack", "url": {"env": "TEST_SLACK"}}}
    settings = Settings.model_validate({"home": tmp_path, "sources": {}, "channels": channels})
    document = {"template": "monthly", "to": [{"channel": "hook", "recipients": []}]}
    job: Any = SimpleNamespace(id="j", schedule="lab", system="counterfactual-lab", period="2026-10", document=document)
    content = {"report": "monthly", "system": job.system, "period": job.period, "text": ""}
    (made,), (failed,) = report_messages(job, content, settings), failure_messages(job, "No disk.", settings)
    assert made.subject == "Monthly report of Multimodal Counterfactual Lab, 2026-10"
    assert failed.subject == "No monthly report of Multimodal Counterfactual Lab, 2026-10"
    assert made.content["system"] == failed.content["system"] == "counterfactual-lab"
