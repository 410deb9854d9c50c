"""Write known_misses.txt: every eval that the engine does not answer as Prometheus does, with its cause."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from promql_script import Eval
from test_promqltest import MISSES, all_evals, judge

FLAGS = {
    "duration_expression.test": "experimental: durations as expressions",
    "type_and_unit.test": "experimental: type and unit labels",
    "name_label_dropping.test": "experimental: delayed name removal",
}


def cause(one: Eval) -> str:
    if one.file in FLAGS:
        return FLAGS[one.file]
    if "limit_ratio" in one.query:
        return "experimental: limit_ratio"
    return "native histogram" if one.native else "open"


def main() -> None:
    evals = all_evals()
    lines = []
    for one in evals:
        try:
            judge(one)
        except BaseException as fault:
            lines.append(f"{one.name}\t{cause(one)}")
            if lines[-1].endswith("open") or "-v" in sys.argv:
                first = (str(fault).strip() or type(fault).__name__).splitlines()[0]
                print(f"{lines[-1]}: {one.query[:90]}: {type(fault).__name__} {first[:140]}")
    MISSES.write_text("# Evals that differ, with the cause; written by list_misses.py.\n" + "\n".join(lines) + "\n")
    native = sum(one.native for one in evals)
    print(f"{len(evals)} evals ({native} near native histograms): {len(evals) - len(lines)} equal, {len(lines)} listed")


if __name__ == "__main__":
    main()
