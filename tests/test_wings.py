"""The house rules inside a room: subjects apart, no circles, no crowded folders."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.source_imports import ROOT, imports, python_files, relative

#: Wings that are subjects, called the same in every room.
SUBJECTS = {"slo", "performance", "cost", "quality", "capacity", "alerts", "logs", "traces", "operations", "overview"}

#: Rooms whose wings are held apart: a subject imports shared wings and no sibling subject.
WINGED_ROOMS = ("analysis", "studies")

#: Wings that look at all subjects: the overview, investigations, reviews, an issue, what keeps the archive, and what
#: writes definitions.
OVERARCHING = {"overview", "investigate", "issue", "upkeep", "authoring", "reviews"}

#: (room, wing, wing of a subject) -> why the first may import the second.
WING_EXCEPTIONS = {
    ("studies", "traces", "logs"): "a trace is shown with the log lines between its spans",
    ("studies", "traces", "cost"): "the tokens of a trace are priced by the price book",
    ("studies", "sources", "alerts"): "a source of metrics is a source of episodes, by its samples of ALERTS",
    ("studies", "slo", "alerts"): "attribution shows the alerts that fired while a budget burned",
    ("studies", "operations", "logs"): "security shows the lines of its events; a free question may be one for lines",
    ("studies", "performance", "operations"): "the step of a chart is that of a free query",
}

#: Most modules that a folder holds; a folder with more has two subjects in it.
FOLDER_LIMIT = 20
CROWDED_FOLDERS = {"workbench/demo/engine": 24, "workbench/analysis/counting": 24, "workbench/cli": 24,
                   "workbench/store": 21}  # fmt: skip


def wing_trespass(room: str, wing: str, other: str) -> bool:
    """Whether a wing of a room may not import another wing of it."""
    if wing == other or wing in OVERARCHING or other not in SUBJECTS or (room, wing, other) in WING_EXCEPTIONS:
        return False
    return room in WINGED_ROOMS


def wing_of(module: str) -> str | None:
    """Name the wing of a dotted module: the folder below its room."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 and (ROOT.joinpath(*parts[:3]) / "__init__.py").exists() else None


def test_a_subject_imports_shared_wings_and_no_sibling_subject() -> None:
    faults = []
    for path in python_files(*(f"workbench/{room}" for room in WINGED_ROOMS)):
        room, wing = path.relative_to(ROOT).parts[1:3]
        for item in imports(path.read_text()):
            other = wing_of(item.module)
            if item.room == room and other and not wing.endswith(".py") and wing_trespass(room, wing, other):
                faults.append(f"{relative(path)}:{item.line} imports {item.module}; {wing} may not import {other}")
    assert not faults


def test_every_wing_exception_is_used() -> None:
    used = set()
    for path in python_files(*(f"workbench/{room}" for room in WINGED_ROOMS)):
        room, wing = path.relative_to(ROOT).parts[1:3]
        used |= {(room, wing, wing_of(item.module)) for item in imports(path.read_text()) if item.room == room}
    assert set(WING_EXCEPTIONS) <= used


def modules() -> dict[str, Path]:
    dotted = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in python_files("workbench")}
    return {name.removesuffix(".__init__"): path for path, name in dotted.items()}


def imported_modules(source: str, known: set[str]) -> set[str]:
    """Name our modules that a file imports at run time, at whatever depth; types only do not count."""
    names = set()
    for item in imports(source):
        if item.at_once:
            places = (f"{item.module}.{item.name}", item.module, item.module.rpartition(".")[0])
            names |= set([place for place in places if place in known][:1])
    return names & known


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Find modules that import each other, directly or in a round: what is left when all others are taken away."""
    left = {name: others - {name} for name, others in graph.items()}
    while True:
        wanted = set().union(*left.values())
        ends = {name for name, others in left.items() if not others & set(left) or name not in wanted}
        if not ends:
            return [sorted(left)] if left else []
        left = {name: others - ends for name, others in left.items() if name not in ends}


def test_no_modules_import_each_other_in_a_circle() -> None:
    known = modules()
    assert circles({name: imported_modules(path.read_text(), set(known)) for name, path in known.items()}) == []


def test_a_circle_is_found_and_a_chain_is_none() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []


def test_no_folder_holds_more_than_one_subject_can_fill() -> None:
    counts = Counter(relative(path.parent) for path in python_files("workbench"))
    assert not {folder: count for folder, count in counts.items() if count > CROWDED_FOLDERS.get(folder, FOLDER_LIMIT)}
