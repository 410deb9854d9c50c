"""Streamlit writes the value of any bare expression of a page: only calls and texts may stand alone."""

from __future__ import annotations

import ast

from workbench.core.shipped import shipped


def test_no_page_writes_a_value_by_standing_alone():
    bare = [
        f"{file.name}:{node.lineno}"
        for file in sorted(shipped("pages").glob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Call | ast.Constant)
    ]
    assert bare == []
