from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from workbench.core import errors
from workbench.core.result import STATUSES

HOSTILE = "<script>alert(1)</script> :red[x] [l](javascript:x)"


def shown(app: AppTest) -> str:
    assert not app.exception
    kinds = (app.markdown, app.caption, app.text, app.code)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def of_status(status: str) -> None:
    import streamlit as st

    from workbench.core.result import Provenance, Study
    from workbench.core.timerange import TimeRange, from_ms
    from workbench.ui.parts import states

    made = Provenance("lab", "workbench", "v3", "exact")
    study = Study("s", "lab", TimeRange.from_ms(0, 1), from_ms(1), {}, status, None, 0.0, made, ("first", "second"))
    st.text(f"usable: {states.usable(study)}")


def of_error(name: str, text: str) -> None:
    from workbench.core import errors
    from workbench.ui.parts import states

    with states.guard():
        kind = getattr(errors, name)
        if issubclass(kind, errors.CatalogError):
            raise kind((errors.Fault("mine.yaml", 3, "titel: x", text, "title"),))
        if kind is errors.ChangedMeanwhile:
            raise kind("lab", (text,), newest=1)
        if issubclass(kind, errors.SourceError):
            raise kind(text, source="lab", query="up{", hint=text)
        raise kind(text, hint=text)


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_without_numbers_says_why_and_what_to_do(status):
    text = shown(AppTest.from_function(of_status, args=(status,)).run())
    if status in ("ok", "at_risk", "spent"):
        assert text == "usable: True"
    else:
        assert "usable: False" in text
        assert "first" in text
        assert len(text.splitlines()) >= 4


@pytest.mark.parametrize(
    "name", [name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)]
)
def test_every_error_of_ours_is_a_titled_message_and_its_text_is_no_markup(name):
    app = AppTest.from_function(of_error, args=(name, HOSTILE)).run()
    text = shown(app)
    assert app.markdown[0].value.startswith("**:material/")
    assert "alert" in text
    for element in (*app.markdown, *app.caption):
        assert "<script" not in element.value.replace("\\<", "")
        assert ":red[" not in element.value.replace("\\:", "")


def test_the_four_kinds_of_source_errors_have_four_titles():
    kinds = ("SourceUnavailable", "QueryTooExpensive", "QueryRejected", "EmptyAnswer")
    titles = {AppTest.from_function(of_error, args=(kind, "x")).run().markdown[0].value for kind in kinds}
    assert len(titles) == 4


def of_parts() -> None:
    import pandas as pd
    import streamlit as st

    from workbench.analysis.cost.budgets import BudgetUse
    from workbench.core.result import Provenance, Study
    from workbench.core.timerange import TimeRange, from_ms
    from workbench.ui.parts import states

    made = Provenance("lab", "workbench", "v3", "exact")
    known = BudgetUse(pd.DataFrame({"status": ["ok", "no_data"]}), as_of=from_ms(1))
    study = Study("s", "lab", TimeRange.from_ms(0, 1), from_ms(1), {"budgets": known}, "no_data", None, 1.0, made)
    st.text(f"usable: {states.usable(study)}")


def test_one_part_without_data_does_not_blank_the_others():
    text = shown(AppTest.from_function(of_parts).run())
    assert "usable: True" in text
    assert "A part of this is not known" in text
    assert "Nothing was measured" not in text


def of_visit(page: str, placeholders: list[int], fails: bool) -> None:
    from contextlib import contextmanager

    from workbench.ui.parts import links, states

    class Place:
        @contextmanager
        def skeleton(self, height: int):
            placeholders.append(height)
            yield

    links.entered(page, page.title())
    with states.guard(), states.waiting(Place(), height=600):
        assert not fails


def test_a_placeholder_is_drawn_until_the_first_figures_of_a_page_and_never_over_them():
    app = AppTest.from_function(of_visit)
    for page, fails, drawn in (
        ("cost", True, [600]),  # nothing to keep: what failed drew no figures
        ("cost", False, [600]),
        ("cost", False, []),
        ("alerts", False, [600]),
        ("cost", False, [600]),
    ):
        placeholders: list[int] = []
        app.args = (page, placeholders, fails)
        app = app.run()
        assert placeholders == drawn, page
