"""Papermill runs: a template and parameters in, one self-contained HTML file out."""

from workbench.report.run.archive import past_runs
from workbench.report.run.many_systems import run_reports
from workbench.report.run.run import ReportRun, run_report

__all__ = ["ReportRun", "past_runs", "run_report", "run_reports"]
