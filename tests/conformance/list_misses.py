"""Write what the engine does not answer as Prometheus does: known_misses.txt and the list in docs/promql.md.

``python tests/conformance/list_misses.py`` runs every eval; ``-v`` says more of each miss.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from promql_script import Eval
from test_promqltest import MISSES, all_evals, judge, known_misses

DOCS = Path(__file__).parents[2] / "docs" / "promql.md"
BEGIN, END = "<!-- misses: begin -->", "<!-- misses: end -->"
FLAGS = {
    "duration_expression.test": "experimental: durations as expressions",
    "type_and_unit.test": "experimental: type and unit labels",
    "name_label_dropping.test": "experimental: delayed name removal",
}


def cause(one: Eval) -> str:
    """Why an eval is not met; "open" where nobody has said."""
    return FLAGS.get(one.file, "open")


def section(evals: list[Eval], misses: dict[str, str]) -> str:
    """The generated part of docs/promql.md."""
    native = sum(one.native for one in evals)
    met = len(evals) - len(misses)
    native_met = sum(one.native and one.name not in misses for one in evals)
    lines = [
        BEGIN,
        f"Of {len(evals):,} evals {met:,} give what Prometheus gives, among them {native_met} of the {native} that",
        "read native histograms. The others need a feature flag of the server:",
        "",
        "| cause | evals | where |",
        "| --- | --- | --- |",
    ]
    for text, count in Counter(misses.values()).most_common():
        places: dict[str, list[str]] = {}
        for name in (name for name, why in misses.items() if why == text):
            file, line = name.split(":")
            places.setdefault(file, []).append(line)
        where = "; ".join(f"`{file}` {', '.join(numbers)}" for file, numbers in places.items())
        lines.append(f"| {text} | {count} | {where} |")
    return "\n".join([*lines, END])


def renewed(document: str, part: str) -> str:
    """A document with its generated part replaced."""
    return re.sub(f"{BEGIN}.*?{END}", lambda _: part, document, flags=re.DOTALL)


def main() -> None:
    evals = all_evals()
    misses: dict[str, str] = {}
    for one in evals:
        try:
            judge(one)
        except BaseException as fault:
            misses[one.name] = cause(one)
            if misses[one.name] == "open" or "-v" in sys.argv:
                first = (str(fault).strip() or type(fault).__name__).splitlines()[0]
                print(f"{one.name}\t{misses[one.name]}: {one.query[:90]}: {type(fault).__name__} {first[:140]}")
    lines = [f"{name}\t{why}" for name, why in misses.items()]
    MISSES.write_text("# Evals that differ, with the cause; written by list_misses.py.\n" + "\n".join(lines) + "\n")
    assert misses == known_misses()
    DOCS.write_text(renewed(DOCS.read_text(), section(evals, misses)))
    print(f"{len(evals)} evals: {len(evals) - len(misses)} equal, {len(misses)} listed")


if __name__ == "__main__":
    main()
