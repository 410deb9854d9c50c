"""Scheduled reports: planned from a file, made once whoever runs, sent once."""

from workbench.report.schedule.plan import open_schedule, plan, schedule_file
from workbench.report.schedule.runner import Event, Scheduler

__all__ = ["Event", "Scheduler", "open_schedule", "plan", "schedule_file"]
