"""Errors that come from another process by kind, message and hint are the same errors here."""

from __future__ import annotations

import pytest

from workbench.core import errors
from workbench.core.errors import CatalogError, ChangedMeanwhile, Fault, QueryRejected, WorkbenchError, raised_elsewhere

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, WorkbenchError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_of_any_kind_has_its_message_its_hint_and_its_exit_code(kind: type[WorkbenchError]) -> None:
    error = raised_elsewhere(kind.__name__, "Two lines\nof text.", "Look there.")
    assert type(error) is kind
    assert (error.message, error.hint, error.exit_code) == ("Two lines\nof text.", "Look there.", kind.exit_code)
    assert str(error) == "Two lines\nof text.\nLook there."


@pytest.mark.parametrize(
    "error",
    [
        CatalogError((Fault("mine.yaml", 3, "titel: x", "no such key", "title"),), hint="Correct it."),
        ChangedMeanwhile("lab", ("ana excluded an hour",), newest=7),
        QueryRejected("No such function.", hint="Write rate().", position=2),
    ],
)
def test_what_was_said_there_is_said_here(error: WorkbenchError) -> None:
    assert str(raised_elsewhere(type(error).__name__, error.message, error.hint)) == str(error)


def test_a_kind_that_is_not_known_is_an_error_all_the_same() -> None:
    assert type(raised_elsewhere("ErrorOfALaterVersion", "m", "h")) is WorkbenchError
