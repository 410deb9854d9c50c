from __future__ import annotations

from pathlib import Path

import pytest

from workbench.core.errors import CatalogError
from workbench.core.shipped import shipped
from workbench.studies.schedule.file import Known, read_schedule

KNOWN = Known(
    systems=("choreoai", "conduit"),
    templates=("monthly",),
    outputs=("html", "notebook"),
    channels={"mail": "email", "ops": "slack"},
    zone="Europe/Berlin",
)

GOOD = """\
schema: 1
zone: America/New_York
holidays:
  company: [2026-12-25]
schedules:
  - name: month-to-finance
    template: monthly
    systems: [conduit]
    when: 3rd working day at 08:00
    holidays: company
    period: last-month
    grace: 6h
    outputs: [html, notebook]
    to:
      - channel: mail
        recipients: [cfo@example.com]
      - ops
"""


def test_a_schedule_is_read(tmp_path: Path) -> None:
    file = tmp_path / "schedule.yaml"
    file.write_text(GOOD)
    (entry,) = read_schedule(file, KNOWN)
    assert str(entry.when) == "3rd working day at 08:00 (America/New_York)"
    assert entry.systems == ("conduit",)
    assert [(each.channel, each.recipients) for each in entry.to] == [("mail", ("cfo@example.com",)), ("ops", ())]
    assert entry.grace.total_seconds() == 6 * 3600


def test_the_shipped_schedule_is_sound() -> None:
    (entry,) = read_schedule(shipped("reports", "schedule.yaml"), KNOWN)
    assert entry.template == "monthly"


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("template: monthly", "template: montly", 7, "there is no template 'montly'. Did you mean 'monthly'?"),
        ("[conduit]", "[condit]", 8, "Did you mean 'conduit'?"),
        ("3rd working day at 08:00", "0 25 * * *", 9, "is not cron text"),
        ("holidays: company", "holidays: bank", 10, "there is no list of holidays 'bank'"),
        ("last-month", "sometimes", 11, "is not a calendar period"),
        ("grace: 6h", "grace: soon", 12, "is not a duration"),
        ("[html, notebook]", "[html, fax]", 13, "there is no output 'fax'"),
        ("channel: mail", "channel: mial", 15, "Did you mean 'mail'?"),
        ("[cfo@example.com]", "[cfo]", 15, "'cfo' is not an e-mail address"),
        ("grace: 6h", "gracee: 6h", 12, "Did you mean 'grace'?"),
        ("America/New_York", "America/Nowhere", 2, "No time zone"),
        ("2026-12-25", "2026-13-25", 4, "is not a date"),
        ("schema: 1", "schema: 2", 1, "schema is 1"),
    ],
)
def test_a_mistake_has_its_line_and_the_nearest_name(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    file = tmp_path / "schedule.yaml"
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(CatalogError) as caught:
        read_schedule(file, KNOWN)
    assert f"{file}:{line}: " in str(caught.value)
    assert words in str(caught.value)
