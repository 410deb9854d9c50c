"""Deployments of a git repository: tags, the commits that they bring, and what nobody planned."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from workbench.core.errors import ParameterError
from workbench.core.timerange import TimeRange
from workbench.query.deployments.git import git_deployments

DAY = pd.Timestamp("2026-10-01", tz="UTC")


def git(folder: Path, *arguments: str, at: str = "") -> None:
    dates = {f"GIT_{who}_DATE": at for who in ("AUTHOR", "COMMITTER")} if at else {}
    people = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    command = ["git", "-C", str(folder), *arguments]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **people, **dates})


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    for at, subject, tag in (
        ("2026-10-01T00:00Z", "begin", ""),
        ("2026-10-01T12:00Z", "more", "v1"),
        ("2026-10-02T00:00Z", "two", ""),
        ("2026-10-02T06:00Z", "three", "v2"),
        ("2026-10-04T00:00Z", 'Revert "two"', "v3"),
        ("2026-10-05T00:00Z", "a draft", "draft-1"),
    ):
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", subject, at=at)
        if tag:
            git(tmp_path, "tag", "-a", "-m", tag, tag, at=f"{at[:10]}T20:00Z")
    git(tmp_path, "tag", "-a", "-m", "back", "v4", "v2^{commit}", at="2026-10-06T00:00Z")
    return tmp_path


def window(first: int, days: int) -> TimeRange:
    start = DAY + pd.Timedelta(days=first)
    return TimeRange(start.to_pydatetime(), (start + pd.Timedelta(days=days)).to_pydatetime())


def test_a_tag_is_a_deployment_of_the_commits_since_the_tag_before(repository: Path) -> None:
    read = git_deployments(repository, window(0, 30))
    assert read.deployments["deployment"].tolist() == ["v1", "v2", "v3", "v4"]
    assert read.deployments["finished"].dt.strftime("%d %H").tolist() == ["01 20", "02 20", "04 20", "06 00"]
    hours = (read.commits["deployed"] - read.commits["authored"]) / pd.Timedelta(hours=1)
    assert sorted(zip(read.commits["deployment"], hours, strict=True)) == [("v2", 14), ("v2", 20), ("v3", 20)]


@pytest.mark.parametrize("sign", ["\u2028", "\x0c", "\x1c", "\x85", "\r"])
def test_a_subject_with_a_sign_that_ends_lines_is_one_subject(repository: Path, sign: str) -> None:
    git(repository, "commit", "-q", "--allow-empty", "-m", f"five{sign}Hotfix of four", at="2026-10-07T00:00Z")
    git(repository, "tag", "-a", "-m", "x", "v5", at="2026-10-07T20:00Z")
    read = git_deployments(repository, window(6, 10))
    assert read.deployments["rework"].tolist()[-1]


def test_a_revert_and_a_tag_that_goes_back_are_rework(repository: Path) -> None:
    assert git_deployments(repository, window(0, 30)).deployments["rework"].tolist() == [False, False, True, True]


def test_the_end_of_the_range_is_left_out_and_deployments_before_it_are_kept(repository: Path) -> None:
    assert git_deployments(repository, window(2, 1)).deployments["deployment"].tolist() == ["v1", "v2"]
    assert git_deployments(repository, window(0, 30), tags="draft-*").deployments["deployment"].tolist() == ["draft-1"]


def test_what_cannot_be_read_says_why(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(ParameterError, match="no tag that fits 'x'"):
        git_deployments(repository, window(0, 30), tags="x")
    with pytest.raises(ParameterError, match="not a git repository"):
        git_deployments(tmp_path_factory.mktemp("none"), window(0, 30))
    with pytest.raises(ParameterError, match="not a pattern"):
        git_deployments(repository, window(0, 30), tags="--exec=x")


def test_a_repository_cannot_run_a_program(repository: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    for name in ("core.fsmonitor", "core.pager", "gpg.program", "core.sshCommand"):
        git(repository, "config", name, f"touch {mark}; false")
    git(repository, "config", "log.showSignature", "true")
    git_deployments(repository, window(0, 30))
    assert not mark.exists()
