"""The manifest of an issue: what it is, from what it was made, and why it differs from the one before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workbench.analysis.slo.revisions import RevisionDiff, revision_causes, revision_diff
from workbench.core.result import jsonable
from workbench.studies.issue.frozen import COSTS_FILE, EVENTS_FILE, FrozenInputs


def manifest_of(
    frozen: FrozenInputs, *, report: str, period: str, issued: datetime, by: str, before: Mapping[str, Any] | None,
    inputs: Mapping[str, str], figures: str,
) -> dict[str, Any]:  # fmt: skip
    """Return what is written down of an issue, as plain JSON values.

    Parameters
    ----------
    frozen : FrozenInputs
        Inputs of the issued report.
    report, period : str
        Name of the template and of the period.
    issued : datetime
        When the report was issued.
    by : str
        Who issues it.
    before : mapping or None
        Manifest of the issue it replaces.
    inputs : mapping of str to str
        Fingerprints of the frozen files.
    figures : str
        Canonical text of the figures.
    """
    compared = {
        "exclusions": jsonable(
            {name: [vars(exclusion) for exclusion in group] for name, group in frozen.exclusions.items()}
        ),
        "definitions": frozen.made["definitions"],
        "parameters": {
            "report": report,
            "period": str(frozen.span),
            "zone": frozen.zone,
            "source": frozen.made["source"],
            "semantics": frozen.made["semantics"],
        },
        "events": inputs[EVENTS_FILE],
        "costs": inputs[COSTS_FILE],
        "version": frozen.made["version"],
    }
    number = int(before["number"]) + 1 if before is not None else 1
    return {
        "report": report,
        "system": frozen.system,
        "period": f"{period} ({frozen.zone})",
        "title": f"{report.capitalize()} report of {frozen.title}, {period}",
        "covers": f"{frozen.span}, history read up to {frozen.as_of:%Y-%m-%d %H:%M} UTC",
        "number": number,
        "before": number - 1,
        "issued": f"{issued:%Y-%m-%d %H:%M} UTC",
        "by": by,
        "causes": list(revision_causes(before["compared"], compared)) if before is not None else [],
        "compared": compared,
        "made": {**frozen.made, "inputs_sha256": dict(inputs)},
        "figures_sha256": sha256(figures.encode()),
    }


def differences(before: Mapping[str, Any], after: Mapping[str, Any], *, number: int) -> RevisionDiff:
    """Compare the figures of an issue with those of the one it replaces."""
    return revision_diff(before, after, numbers=(number - 1, number))


def sha256(content: bytes) -> str:
    """Fingerprint of bytes."""
    return hashlib.sha256(content).hexdigest()
