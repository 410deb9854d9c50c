"""Papermill runs: a template and parameters in, one self-contained HTML file out."""

from workbench.report.run.archive import past_runs
from workbench.report.run.run import ReportRun, run_report
from workbench.report.run.several import run_reports

__all__ = ["ReportRun", "past_runs", "run_report", "run_reports"]
