"""The house rules that a machine can hold: who may import what, where, and how long a file may be."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.source_imports import ROOT, imports, python_files, relative

EVERY_ROOM = {path.name for path in (ROOT / "workbench").iterdir() if (path / "__init__.py").exists()}

#: room -> (rooms, packages) it may import; the standard library is free unless STANDARD_LIBRARY says otherwise.
MAY_IMPORT: dict[str, tuple[set[str], set[str]]] = {
    "core": (set(), {"numpy", "pandas", "pydantic", "distributed"}),
    "catalog": ({"core"}, {"pydantic", "pydantic_core", "yaml"}),
    "query": (
        {"core", "catalog"},
        {
            "numpy",
            "orjson",
            "pandas",
            "pyarrow",
            "numba",
            "urllib3",
            "httpx",
            "google",
            "botocore",
            "prometheus_api_client",
            "requests",
        },
    ),
    "promql": ({"core", "catalog"}, {"numpy", "pandas", "pyarrow", "numba", "promql_parser"}),
    "archive": (
        {"core", "catalog", "promql"},
        {"numpy", "pandas", "pyarrow", "numba", "deltalake", "duckdb", "obstore", "botocore"},
    ),
    # dateutil reads recurrence rules (RFC 5545); pandas depends on it anyway, and it is pure.
    "analysis": ({"core"}, {"numpy", "pandas", "pyarrow", "scipy", "dateutil"}),
    "charts": ({"core", "analysis"}, {"numpy", "pandas", "plotly"}),
    "store": ({"core"}, {"numpy", "pandas", "sqlalchemy", "alembic"}),
    "studies": (
        {"core", "catalog", "query", "promql", "archive", "analysis", "store"},
        # tomlkit puts a source into a settings file and keeps its comments; cronsim reads cron text.
        {"numpy", "pandas", "pyarrow", "tomlkit", "cronsim"},
    ),
    "report": (
        {"core", "studies", "charts", "store"},
        {
            "IPython",
            "httpx",
            "pandas",
            "papermill",
            "nbconvert",
            "nbformat",
            "nbclient",
            "jupyter_client",
            "jupyter_core",
            "traitlets",
            "plotly",
            "yaml",
        },
    ),
    "demo": (
        {"core", "catalog", "archive", "promql"},
        {"numpy", "pandas", "pyarrow", "numba", "pydantic", "scipy", "yaml"},
    ),
    # The parts of `workbench serve` as processes, their health and logs.
    "service": ({"core", "store"}, {"httpx", "prometheus_client"}),
    "ui": (EVERY_ROOM - {"cli", "service"}, {"numpy", "pandas", "plotly", "streamlit", "starlette"}),
    "cli": (EVERY_ROOM, {"click", "streamlit"}),
    "pages": ({"core", "studies", "charts", "ui"}, {"streamlit"}),
    "notebooks": ({"charts"}, {"numpy", "pandas"}),
}

#: (file, import) -> the method it must be in: the exceptions, each by name.
EXCEPTIONS = {("workbench/core/result.py", "workbench.charts"): "Result.plot"}

#: Packages with few importers.
ONLY_IN = {
    "distributed": ("workbench/core/executor/cluster.py",),
    "cronsim": ("workbench/studies/schedule/when.py",),
    "promql_parser": ("workbench/promql/parser/parse.py",),
    "deltalake": ("workbench/archive/storage/tables.py",),
    "obstore": ("workbench/archive/storage/objects.py",),
    "tomlkit": ("workbench/studies/authoring/settings_file.py",),
    "prometheus_api_client": ("workbench/query/checks/details.py",),
    "botocore": ("workbench/query/http/sigv4.py", "workbench/archive/storage/objects.py"),
}

#: `analysis` is pure: no reading, no writing, no clock, no chance without a seed.
IMPURE_MODULES = {"io", "logging", "os", "pathlib", "random", "shutil", "socket", "sqlite3", "subprocess", "tempfile",
                  "threading", "time", "urllib"}  # fmt: skip
IMPURE_CALLS = {
    "open",
    "now",
    "today",
    "utcnow",
    "read_csv",
    "read_parquet",
    "read_sql",
    "to_csv",
    "to_parquet",
    "print",
}

#: What a page may not do to data: that belongs in `analysis`, reached by a study.
DATA_CALLS = {"agg", "aggregate", "apply", "cumsum", "diff", "groupby", "max", "mean", "melt", "merge", "min",
              "pct_change", "pivot", "pivot_table", "quantile", "resample", "rolling", "std", "sum",
              "value_counts"}  # fmt: skip
QUERY_TEXT = re.compile(r"\b(?:rate|increase|irate|histogram_quantile|\w+_over_time)\s*\(|\w+\{\w+\s*=~?\s*\"")
VAGUE_NAME = re.compile(r"(?:^|_)(?:util|utils|helper|helpers|manager|managers|misc|common)(?:_|$)")


def trespasses(path: str, source: str) -> list[str]:
    """Say every import of a file that its room may not have."""
    parts = path.split("/")
    room = parts[1] if parts[0] == "workbench" else parts[0]
    if room not in MAY_IMPORT:
        return []
    rooms, packages = MAY_IMPORT[room]
    found = []
    for item in imports(source):
        where = f"{path}:{item.line} imports {item.module}"
        if (path, item.module) in EXCEPTIONS:
            if item.inside != EXCEPTIONS[path, item.module]:
                found.append(f"{where} outside {EXCEPTIONS[path, item.module]}")
        elif item.room in EVERY_ROOM:
            if item.room not in rooms | {room}:
                found.append(f"{where}; {room} may import {', '.join(sorted(rooms)) or 'no room'}")
            elif room == "cli" and not item.inside and item.room not in ("cli", "core"):
                found.append(f"{where} outside a command")
        elif item.package not in sys.stdlib_module_names | {"workbench"} | packages:
            found.append(f"{where}; {room} may import {', '.join(sorted(packages))}")
        elif item.package in ONLY_IN and path not in ONLY_IN[item.package]:
            found.append(f"{where}; only {' and '.join(ONLY_IN[item.package])} may")
        elif room == "cli" and not item.inside and item.package == "streamlit":
            found.append(f"{where} outside a command")
        elif room == "analysis" and item.package in IMPURE_MODULES:
            found.append(f"{where}; analysis is pure")
    return found


def notebook_cells(path: Path) -> list[dict]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def notebooks() -> list[Path]:
    return sorted(path for root in ("reports", "notebooks") for path in (ROOT / root).rglob("*.ipynb"))


def test_every_room_has_a_line_in_the_table() -> None:
    assert EVERY_ROOM | {"pages", "notebooks"} == set(MAY_IMPORT)


def test_every_room_imports_only_what_the_table_grants() -> None:
    files = python_files("workbench", "pages")
    assert not [fault for path in files for fault in trespasses(relative(path), path.read_text())]


def test_notebooks_import_the_public_names_and_charts_only() -> None:
    faults = [
        f"{relative(path)}: {fault}"
        for path in notebooks()
        for cell in notebook_cells(path)
        for fault in trespasses("notebooks/cell", "".join(cell["source"]))
    ]
    assert not faults


@pytest.mark.parametrize(
    ("path", "source", "fault"),
    [
        ("workbench/core/x.py", "def f():\n    from workbench.archive import Archive", "may import no room"),
        ("workbench/core/result.py", "import workbench.charts", "outside Result.plot"),
        ("workbench/studies/x.py", "if True:\n    import streamlit as st", "studies may import"),
        (
            "workbench/studies/x.py",
            "import importlib\nimportlib.import_module('workbench.charts')",
            "studies may import",
        ),
        ("workbench/cli/x.py", "from workbench.studies import open_context", "outside a command"),
        ("workbench/cli/x.py", "import streamlit", "outside a command"),
        ("workbench/promql/x.py", "import promql_parser", "only workbench/promql/parser/parse.py may"),
        ("workbench/analysis/x.py", "from pathlib import Path", "analysis is pure"),
        ("workbench/catalog/x.py", "from workbench import query", "catalog may import core"),
        ("pages/x.py", "from workbench.query import PrometheusSource", "pages may import"),
    ],
)
def test_the_walker_finds_a_trespass(path: str, source: str, fault: str) -> None:
    (found,) = trespasses(path, source)
    assert fault in found


def test_the_walker_lets_the_named_exceptions_pass() -> None:
    inside = "class Result:\n    def plot(self):\n        from workbench.charts import figure"
    assert not trespasses("workbench/core/result.py", inside)
    assert not trespasses("workbench/cli/x.py", "def command():\n    from workbench.studies import open_context")


@pytest.mark.slow
def test_analysis_calls_nothing_that_reads_writes_or_tells_the_time() -> None:
    faults = []
    for path in python_files("workbench/analysis"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in IMPURE_CALLS:
                    faults.append(f"{relative(path)}:{node.lineno} calls {name}")
    assert not faults


def test_the_command_line_starts_without_the_heavy_packages() -> None:
    heavy = [
        "streamlit",
        "pandas",
        "pyarrow",
        "duckdb",
        "deltalake",
        "numba",
        "plotly",
        "scipy",
        "sqlalchemy",
        "papermill",
        "nbconvert",
    ]
    code = f"import sys, workbench.cli.main; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def page_faults(path: str, source: str) -> list[str]:
    """Say what a page does that belongs in `analysis` or in a query."""
    found = []
    lines = source.count("\n")
    if lines > 120:
        found.append(f"{path} has {lines} lines; a page has at most 120")
    for node in ast.walk(ast.parse(source)):
        match node:
            case (
                ast.BinOp(op=ast.Sub() | ast.Mult() | ast.Div() | ast.FloorDiv() | ast.Mod() | ast.Pow())
                | ast.AugAssign()
            ):
                found.append(f"{path}:{node.lineno} computes")
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                if not any(
                    isinstance(side, ast.List | ast.Tuple | ast.JoinedStr | ast.Constant) for side in (left, right)
                ):
                    found.append(f"{path}:{node.lineno} computes")
            case ast.Call(func=ast.Attribute(attr=name)) if name in DATA_CALLS:
                found.append(f"{path}:{node.lineno} calls .{name}()")
            case ast.Constant(value=str(text)) if QUERY_TEXT.search(text):
                found.append(f"{path}:{node.lineno} holds query text")
    return found


def test_pages_are_thin() -> None:
    assert not [fault for path in python_files("pages") for fault in page_faults(relative(path), path.read_text())]


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("share = good / total", "computes"),
        ("total += 1", "computes"),
        ("frame.groupby('job')", "calls .groupby()"),
        ("query = 'sum(rate(http_requests_total[5m]))'", "holds query text"),
        ("x = 1\n" * 121, "at most 120"),
    ],
)
def test_a_page_that_computes_is_found(source: str, fault: str) -> None:
    assert fault in page_faults("pages/x.py", source)[0]


def test_notebook_cells_are_short_and_without_outputs() -> None:
    faults = []
    for path in notebooks():
        for number, cell in enumerate(notebook_cells(path)):
            lines = [line for line in "".join(cell["source"]).splitlines() if line.strip()]
            declares = "parameters" in cell["metadata"].get("tags", [])  # a line each, however many there are
            if len(lines) > 6 and not declares:
                faults.append(f"{relative(path)} cell {number} has {len(lines)} lines; at most 6")
            if cell["outputs"] or cell["execution_count"] is not None:
                faults.append(f"{relative(path)} cell {number} keeps outputs: run nbstripout")
    assert not faults


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {relative(path): path.read_text().count("\n") for path in python_files("workbench", "pages", "tests")}
    assert not {path: lines for path, lines in lengths.items() if lines > 400}


def test_every_file_is_named_for_its_subject() -> None:
    names = [relative(path) for path in python_files("workbench", "pages", "tests")]
    assert not [name for name in names if any(VAGUE_NAME.search(part) for part in Path(name).with_suffix("").parts)]


def test_no_text_of_the_package_reaches_for_pickle_or_eval() -> None:
    faults = []
    for path in python_files("workbench", "pages"):
        source = path.read_text()
        if not re.search(r"\b(pickle|shelve|marshal|eval|exec)\b", source):
            continue
        faults += [
            f"{relative(path)}:{item.line}"
            for item in imports(source)
            if item.package in ("pickle", "shelve", "marshal")
        ]
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec"):
                faults.append(f"{relative(path)}:{node.lineno}")
    assert not faults
