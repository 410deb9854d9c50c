"""Deployments of a local git repository: one per tag, with the commits that it brought."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workbench.core.errors import ParameterError
from workbench.core.timerange import TimeRange

#: Words in the subject of a commit, or in the name of a tag, of a deployment that nobody planned.
UNPLANNED = re.compile(r"\b(?:hotfix|revert|rollback|roll(?:ed)? back)", re.IGNORECASE)

#: Tags read before a range, so that incidents in its first days have a deployment to belong to. [count]
_EARLIER = 20

_TIMEOUT_S = 60

#: Nothing of a repository's own configuration may run a program.
_SAFE = ("--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "log.showSignature=false")


@dataclass(frozen=True, eq=False)
class GitDeployments:
    """Deployments of a repository.

    Attributes
    ----------
    deployments : DataFrame
        ``deployment`` (tag), ``finished`` [UTC], ``rework`` (bool: a commit or the tag is named hotfix, revert or
        rollback, or the tag goes back to an earlier commit), oldest first.
    commits : DataFrame
        Commits that a deployment brought, merges left out: ``deployment``, ``authored``, ``deployed`` [UTC].
    """

    deployments: pd.DataFrame
    commits: pd.DataFrame


def git_deployments(repository: Path, span: TimeRange, *, tags: str = "v*") -> GitDeployments:
    """Read the tags of a local repository as deployments.

    Parameters
    ----------
    repository : Path
        Work tree or bare repository on this machine; nothing is fetched.
    span : TimeRange
        Tags made in it, and a few before.
    tags : str
        Pattern of the tags that mark deployments to production, as of ``git tag --list``.

    Raises
    ------
    ParameterError
        There is no git, no repository, or no tag of that name.

    Notes
    -----
    A deployment happens when its tag is made (of a lightweight tag: when its commit was). It brings the commits that
    the tag before does not reach; the first tag of all has none before it, so its commits have no lead time.
    """
    if tags.startswith("-"):
        raise ParameterError(f"{tags!r} is not a pattern of tags.", hint="Give one such as 'v*' or 'release/*'.")
    listed = _git(
        repository, "for-each-ref", "--sort=creatordate", "--format=%(refname)%00%(creatordate:unix)",
        f"refs/tags/{tags}",
    )  # fmt: skip
    rows = [line.split("\0") for line in listed.split("\n") if line]
    known = [(name, int(made)) for name, made in rows if made]
    if not known:
        raise ParameterError(
            f"{repository} has no tag that fits {tags!r}.", hint="Name the tags of deployments with --tags."
        )
    start, end = span.start.timestamp(), span.end.timestamp()
    first = max(sum(made < start for _, made in known) - _EARLIER, 0)
    deployments, commits = list[tuple[str, int, bool]](), list[tuple[str, int, int]]()
    for place in range(first, len(known)):
        name, made = known[place]
        if made >= end:
            break
        brought = _brought(repository, known[place - 1][0], name) if place else []
        tag = name.removeprefix("refs/tags/")
        back = place > 0 and not brought and _reaches(repository, known[place - 1][0], name)
        unplanned = back or any(UNPLANNED.search(text) for text in (tag, *(subject for _, subject in brought)))
        deployments.append((tag, made, unplanned))
        commits += [(tag, authored, made) for authored, _ in brought]
    table = pd.DataFrame(deployments, columns=["deployment", "finished", "rework"])
    lines = pd.DataFrame(commits, columns=["deployment", "authored", "deployed"])
    for frame, names in ((table, ["finished"]), (lines, ["authored", "deployed"])):
        for column in names:
            frame[column] = pd.to_datetime(frame[column].astype("int64"), unit="s", utc=True)
    return GitDeployments(table, lines)


def _brought(repository: Path, before: str, tag: str) -> list[tuple[int, str]]:
    """Time of authoring and subject of the commits between two tags. [s since the epoch]"""
    text = _git(repository, "log", "--no-merges", "--format=%at%x00%s", f"{before}..{tag}", "--")
    return [(int(at), subject) for at, _, subject in (line.partition("\0") for line in text.split("\n") if line)]


def _reaches(repository: Path, later: str, earlier: str) -> bool:
    """Whether a tag stands on a commit that lies behind another tag's."""
    one, other = (_git(repository, "rev-parse", f"{name}^{{commit}}") for name in (later, earlier))
    return one != other and _git(repository, "merge-base", later, earlier) == other


def _git(repository: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", "-C", str(repository), *_SAFE, *arguments]
    try:
        answer = subprocess.run(  # noqa: S603 - a list, no shell; the path and the pattern are the owner's
            command, capture_output=True, env=environment, timeout=_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise ParameterError("The program git is not installed.", hint="Install it, or give --deployments.") from None
    except subprocess.TimeoutExpired:
        raise ParameterError(
            f"git took longer than {_TIMEOUT_S} s in {repository}.", hint="Shorten the period."
        ) from None
    if answer.returncode:
        errors = answer.stderr.decode(errors="replace").strip().splitlines()
        raise ParameterError(
            f"git could not read {repository}: {errors[0] if errors else 'no reason given'}.",
            hint="Give the path of a local repository that you own.",
        )
    return answer.stdout.decode(errors="replace").strip()
