"""What happened beside the figures: annotations, and changes of definition that split a period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from workbench.core.result import Result


@dataclass(frozen=True, eq=False, repr=False)
class Happened(Result):
    """Deploys, incidents, reviews, comments and changes of definition in a period; one row each, oldest first.

    Columns of ``frame``: ``start``, ``end`` [UTC; NaT for a moment], ``kind``, ``slo`` (empty for all of the system),
    ``text``, ``link``, ``author``.
    """

    as_of: datetime


@dataclass(frozen=True, eq=False, repr=False)
class DefinitionParts(Result):
    """A period split where a definition changed, each part judged by its own; one row per part, oldest first.

    Objectives whose definition held for all of the period have no rows.

    Columns of ``frame``: ``objective``, ``revision`` (start of the fingerprint), ``start``, ``end`` [UTC], ``target``
    [ratio], ``status``, ``sli`` [ratio], ``bad``, ``total``, ``budget_total``, ``budget_left`` [events or slices].
    """

    as_of: datetime
