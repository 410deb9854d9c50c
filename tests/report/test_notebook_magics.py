"""Cells of a notebook against the demo: answers in variables, costs said before, mistakes with their place."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import workbench
from workbench.core.errors import QueryRejected
from workbench.core.settings import Settings
from workbench.report.notebook.completion import completions, promql_matcher
from workbench.report.notebook.languages import read_logql, read_traceql

WHEN = "-s counterfactual-lab -p 2026-10-30..2026-11-01"


@pytest.fixture
def shell(demo_settings: Settings) -> Any:
    InteractiveShell.clear_instance()
    opened = InteractiveShell.instance()
    workbench.load_ipython_extension(opened)
    yield opened
    InteractiveShell.clear_instance()


def test_promql_says_its_cost_and_gives_a_frame(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell_magic("promql", f"{WHEN} -o up --step 1h", "sum(up)")
    frame = shell.user_ns["up"]
    assert isinstance(frame, pd.DataFrame)
    assert (frame.shape, frame.index.name) == ((49, 1), "time")
    assert "Cost: " in capsys.readouterr().out
    shell.run_cell_magic("promql", f"{WHEN} -o none --cost", "sum(up)")
    assert "none" not in shell.user_ns


def test_a_parameter_of_the_notebook_reaches_a_cell(shell: Any) -> None:
    shell.user_ns |= {"system": "choreoai", "period": "2026-10-30..2026-11-01"}
    shell.run_cell_magic("promql", "-s $system -p $period -o up", "count(up)")
    assert len(shell.user_ns["up"])


def test_a_mistake_is_shown_with_its_place(shell: Any) -> None:
    with pytest.raises(UsageError) as caught:
        shell.run_cell_magic("promql", WHEN, "sum(rate(x[5m])")
    assert "\n" in str(caught.value)
    assert "^" in str(caught.value)
    with pytest.raises(UsageError, match="There is no system"):
        shell.run_cell_magic("promql", "-s nowhere", "up")
    with pytest.raises(UsageError, match="needs a system"):
        shell.run_cell_magic("logql", "", '{service="x"}')
    with pytest.raises(UsageError, match="not the name of a variable"):
        shell.run_cell_magic("sql", "-o 1x", "select 1")


def test_logs_spans_and_sql_answer(shell: Any) -> None:
    shell.run_cell_magic("logql", "-s choreoai -p 2026-10-31..2026-11-01 -n 5 -o lines", '{severity="error"}')
    shell.run_cell_magic("traceql", "-s choreoai -p 2026-10-31..2026-11-01 -n 5 -o spans", "{ duration > 1s }")
    shell.run_cell_magic("sql", "-o top", "select count(*) as series from series")
    lines, spans, top = (shell.user_ns[name] for name in ("lines", "spans", "top"))
    assert set(lines["severity"]) == {"ERROR"}
    assert (spans["duration_ms"] > 1000).all()
    assert len(lines) == len(spans) == 5
    assert top["series"][0] > 100


def test_names_are_completed(shell: Any) -> None:
    fragment, words = completions("sum(rate(http_requests_t", system="counterfactual-lab")
    assert fragment == "http_requests_t"
    assert "http_requests_total" in words
    assert "method" in completions("sum(rate(http_requests_total{me", system="counterfactual-lab")[1]
    assert "GET" in completions('http_requests_total{method="', system="counterfactual-lab")[1]
    assert promql_matcher in shell.Completer.custom_matchers


@pytest.mark.parametrize(
    ("read", "text", "place"),
    [
        (read_logql, 'rate({service="x"}[5m])', 0),
        (read_logql, '{service="x"} | line_format "y"', 13),
        (read_traceql, "{ duration > 1s } | count() > 3", 0),
        (read_traceql, "{ kind = server }", 2),
    ],
)
def test_what_not_every_source_can_answer_is_refused_with_its_place(read: Any, text: str, place: int) -> None:
    with pytest.raises(QueryRejected) as caught:
        read(text)
    assert caught.value.position == place
    assert "^" in str(caught.value)


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    from workbench.report.notebook.answers import Answer

    page = Answer(pd.DataFrame({"a": ["<script>alert(1)</script>", "=1+1"]}), "x", ("<b>",))._repr_html_()
    assert "<script>" not in page
    assert "<b>" not in page
