"""The schedule in the language of other schedulers: each starts ``workbench schedule run --once NAME``.

That command knows by itself whether a report is due and not yet made, so starting it once too often does no harm: what
others cannot say (the third working day, holidays) they start on every day that may be it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import yaml

from workbench.core.errors import ParameterError
from workbench.studies.schedule.entries import Entry
from workbench.studies.schedule.when import Cron, When

TARGETS = ("cron", "systemd", "kubernetes", "airflow", "github-actions")

#: Holidays in a row that a working day can be late by. [days]
_LATE = 10
_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_NUMBER = re.compile(r"\d+|\*")


@dataclass(frozen=True)
class Command:
    """How the exported file starts the workbench.

    Attributes
    ----------
    program : str
        Path of ``workbench``.
    config : str
        Settings file on the machine that runs it.
    image : str
        Container image, for Kubernetes.
    """

    program: str = "workbench"
    config: str = "/etc/workbench/workbench.toml"
    image: str = "workbench:latest"

    def words(self, entry: Entry) -> list[str]:
        """Return the command of one schedule, word by word."""
        return [self.program, "--config", self.config, "schedule", "run", "--once", entry.name]


def export(entries: Sequence[Entry], target: str, command: Command) -> dict[str, str]:
    """Write the schedules for another scheduler.

    Parameters
    ----------
    entries : sequence of Entry
        Schedules of the settings.
    target : str
        One of :data:`TARGETS`.
    command : Command
        How the workbench is called on the target machine.

    Returns
    -------
    dict of str to str
        Text by file name.

    Raises
    ------
    ParameterError
        Another target, or a path or name with characters that the target could not take as they are.
    """
    for text in (command.program, command.config, command.image):
        if not re.fullmatch(r"[\w./:@+-]+", text):
            raise ParameterError(
                f"{text!r} has characters that other schedulers read in their own way.",
                hint="Use letters, digits and . / : @ + - _ only.",
            )
    writers = {
        "cron": _cron,
        "systemd": _systemd,
        "kubernetes": _kubernetes,
        "airflow": _airflow,
        "github-actions": _github,
    }
    if target not in writers:
        raise ParameterError(f"There is no export to {target!r}.", hint=f"Targets: {', '.join(TARGETS)}.")
    return writers[target](entries, command)


def cron_text(when: When) -> str:
    """Return cron text that is due whenever ``when`` is, in its zone.

    Examples
    --------
    >>> from workbench.studies.schedule.when import read_when
    >>> cron_text(read_when("3rd working day at 08:00", zone="UTC"))
    '0 8 3-5 * *'
    """
    if isinstance(when, Cron):
        return when.text
    last = min(31, when.number + 2 + 2 * ((when.number - 1) // 5) + (_LATE if when.holidays else 0))
    return f"{when.at.minute} {when.at.hour} {when.number}-{last} * *"


def _cron(entries: Sequence[Entry], command: Command) -> dict[str, str]:
    lines = [
        "# Made by workbench schedule export. One crontab reads one zone: CRON_TZ is that of the lines below it",
        "# (cronie, fcron); where cron does not know it, the system's zone must be the same.",
    ]
    zone = ""
    for entry in sorted(entries, key=lambda each: each.when.zone):
        if entry.when.zone != zone:
            zone = entry.when.zone
            lines.append(f"CRON_TZ={zone}")
        lines.append(f"{cron_text(entry.when)} {' '.join(command.words(entry))}")
    return {"workbench.crontab": "\n".join(lines) + "\n"}


def _systemd(entries: Sequence[Entry], command: Command) -> dict[str, str]:
    files = {}
    for entry in entries:
        words = " ".join(command.words(entry))
        files[f"workbench-{entry.name}.service"] = (
            f"[Unit]\nDescription=Workbench report {entry.name}\nWants=network-online.target\n"
            f"After=network-online.target\n\n[Service]\nType=oneshot\nExecStart={words}\n"
        )
        calendars = "".join(f"OnCalendar={text}\n" for text in calendar_texts(entry.when))
        files[f"workbench-{entry.name}.timer"] = (
            f"[Unit]\nDescription=When the report {entry.name} is due\n\n[Timer]\n{calendars}Persistent=true\n\n"
            "[Install]\nWantedBy=timers.target\n"
        )
    return files


def calendar_texts(when: When) -> list[str]:
    """Return calendar events of systemd that are due whenever ``when`` is.

    Day of month and weekday of cron text mean either of both where both are given; systemd means both, so such text
    becomes two events.

    Examples
    --------
    >>> from workbench.studies.schedule.when import read_when
    >>> calendar_texts(read_when("0 8 1,15 * 1-5", zone="UTC"))
    ['*-*-1,15 8:0:00 UTC', 'Mon..Fri *-*-* 8:0:00 UTC']
    >>> calendar_texts(read_when("*/15 0 * 6-8 *", zone="Europe/Berlin"))
    ['*-6..8-* 0:0/15:00 Europe/Berlin']
    """
    minute, hour, day, month, weekday = cron_text(when).upper().split()
    clock = f"{_field(hour)}:{_field(minute)}:00 {when.zone}"
    months, days, weekdays = _field(month, names=_MONTHS), _field(day, start="1"), _weekdays(weekday)
    by_day, by_weekday = f"*-{months}-{days} {clock}", f"{weekdays} *-{months}-* {clock}"
    if weekday == "*":
        return [by_day]
    return [by_weekday] if day == "*" else [by_day, by_weekday]


_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTHS = {name: str(number) for number, name in enumerate(_MONTH_NAMES, start=1)}
_WEEKDAYS = {name.upper(): str(number) for number, name in enumerate(_DAYS[:7])}


def _field(text: str, *, names: Mapping[str, str] | None = None, start: str = "0") -> str:
    parts = []
    for part in text.split(","):
        span, _, step = part.partition("/")
        edges = [(names or {}).get(edge, edge) for edge in span.split("-")]
        if not all(_NUMBER.fullmatch(edge) for edge in edges):
            raise ParameterError(
                f"The cron field {text!r} cannot be written for systemd.", hint="Run `workbench schedule run` there."
            )
        written = "..".join(edges)
        if step:
            written = f"{start if written == '*' else written}/{step}"
        parts.append(written)
    return ",".join(parts)


def _weekdays(text: str) -> str:
    days = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        edges = [_WEEKDAYS.get(edge, edge) for edge in span.split("-")] if span != "*" else ["0", "6"]
        if not all(edge.isdigit() and int(edge) <= 7 for edge in edges):
            raise ParameterError(
                f"The weekday {text!r} cannot be written for systemd.", hint="Run `workbench schedule run` there."
            )
        days |= {number % 7 for number in range(int(edges[0]), int(edges[-1]) + 1, int(step or 1))}
    if days == set(range(1, 6)):
        return "Mon..Fri"
    return ",".join(_DAYS[number] for number in sorted(days, key=lambda number: number or 7))


def _kubernetes(entries: Sequence[Entry], command: Command) -> dict[str, str]:
    jobs = []
    for entry in entries:
        container = {
            "name": "workbench",
            "image": command.image,
            "command": command.words(entry),
            "envFrom": [{"secretRef": {"name": "workbench", "optional": True}}],
            "volumeMounts": [{"name": "settings", "mountPath": command.config.rpartition("/")[0] or "/"}],
            "securityContext": {"allowPrivilegeEscalation": False, "runAsNonRoot": True},
        }
        pod = {
            "restartPolicy": "Never",
            "containers": [container],
            "volumes": [{"name": "settings", "configMap": {"name": "workbench"}}],
        }
        jobs.append(
            {
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "metadata": {"name": f"workbench-{entry.name}"[:52].rstrip("-"), "labels": {"app": "workbench"}},
                "spec": {
                    "schedule": cron_text(entry.when),
                    "timeZone": entry.when.zone,
                    "concurrencyPolicy": "Forbid",
                    "startingDeadlineSeconds": 3600,
                    "jobTemplate": {"spec": {"backoffLimit": 2, "template": {"spec": pod}}},
                },
            }
        )
    return {"workbench-cronjobs.yaml": yaml.safe_dump_all(jobs, sort_keys=False)}


def _airflow(entries: Sequence[Entry], command: Command) -> dict[str, str]:
    lines = [
        '"""Made by workbench schedule export."""',
        "",
        "import pendulum",
        "from airflow import DAG",
        "from airflow.providers.standard.operators.bash import BashOperator",
    ]
    for entry in entries:
        identifier = f"workbench_{entry.name.replace('-', '_')}"
        zone = json.dumps(entry.when.zone)
        lines += [
            "",
            "with DAG(",
            f"    dag_id={json.dumps(identifier)},",
            f"    schedule={json.dumps(cron_text(entry.when))},",
            f"    start_date=pendulum.datetime(2026, 1, 1, tz={zone}),",
            "    catchup=False,",
            "    max_active_runs=1,",
            '    tags=["workbench"],',
            f") as {identifier}:",
            f'    BashOperator(task_id="report", bash_command={json.dumps(" ".join(command.words(entry)))}, retries=2)',
        ]
    return {"workbench_dags.py": "\n".join(lines) + "\n"}


def _github(entries: Sequence[Entry], command: Command) -> dict[str, str]:
    lines = ["# Made by workbench schedule export. GitHub reads cron text in UTC: where a zone has summer time, a"]
    lines += ["# schedule is started at both of its hours in UTC; the workbench knows which of them is due.", ""]
    texts = sorted({text for entry in entries for text in _utc_texts(entry.when)})
    names = " ".join(entry.name for entry in entries)
    base = " ".join([command.program, "--config", command.config, "schedule", "run", "--once", names])
    document = {
        "name": "workbench reports",
        "on": {"schedule": [{"cron": text} for text in texts], "workflow_dispatch": {}},
        "concurrency": {"group": "workbench-reports"},
        "permissions": {"contents": "read"},
        "jobs": {
            "reports": {
                "runs-on": "ubuntu-latest",
                "timeout-minutes": 60,
                "steps": [
                    {"uses": "actions/checkout@v4"},
                    {"uses": "actions/setup-python@v5", "with": {"python-version": "3.12"}},
                    {"run": "pip install slo-workbench"},
                    {"run": base, "env": {"WORKBENCH_STORE_URL": "${{ secrets.WORKBENCH_STORE_URL }}"}},
                ],
            }
        },
    }
    return {"workbench-reports.yml": "\n".join(lines) + yaml.safe_dump(document, sort_keys=False)}


def _utc_texts(when: When) -> list[str]:
    """Return cron text in UTC that is due at, or within a day after, every instant at which ``when`` is."""
    minute, hour, day, month, weekday = cron_text(when).split()
    offsets = {datetime(2026, number, 15, 12, tzinfo=ZoneInfo(when.zone)).utcoffset() for number in range(1, 13)}
    if offsets == {timedelta(0)} or (hour, day, weekday) == ("*", "*", "*"):
        return [" ".join((minute, hour, day, month, weekday))]
    if not (minute.isdigit() and hour.isdigit()):
        return ["*/15 * * * *"]
    texts = []
    for offset in sorted(each for each in offsets if each is not None):
        total = int(hour) * 60 + int(minute) - round(offset.total_seconds() / 60)
        same_day = 0 <= total < 24 * 60
        at = f"{total % 60} {total // 60 % 24}"
        texts.append(f"{at} {day} {month} {weekday}" if same_day else f"{at} * * *")
    return texts
