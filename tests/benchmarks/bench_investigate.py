"""Are incidents found, and are quiet windows left alone? Beside ranking by plain count, and drain3 with a count ratio.

``bench_investigate.py [seed] [folder]``; the folder keeps the simulated archive. drain3 is asked where it is installed.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.incidents import Incident, planned, written
from workbench.archive import Archive
from workbench.archive.source import ArchiveSource
from workbench.core.settings import load_settings
from workbench.demo import build_demo
from workbench.studies import Context, open_context
from workbench.studies.investigate.investigate import investigate
from workbench.studies.investigate.reading import default_windows, lines_of

ANCHOR = datetime(2026, 11, 1, tzinfo=UTC)


def place_of(names: list[str], pattern: str) -> int:
    """Place of the first name that matches, from 1; 0 where none does."""
    return next((place for place, name in enumerate(names, start=1) if re.search(pattern, name)), 0)


def by_count(lines: pd.DataFrame, case: Incident) -> list[str]:
    """Masked messages of the window, most frequent first: what a table of counts shows."""
    inside = lines[lines["time_ns"] >= case.span.start_ms * 1_000_000]
    inside = inside[inside["time_ns"] < case.span.end_ms * 1_000_000]
    return [text for text, _ in Counter(re.sub(r"\d+", "N", text) for text in inside["message"]).most_common()]


def by_drain3(lines: pd.DataFrame, case: Incident) -> list[str]:
    """Templates of drain3, by the ratio of counts a minute in the window and before."""
    from drain3 import TemplateMiner
    from drain3.template_miner_config import TemplateMinerConfig

    miner = TemplateMiner(config=TemplateMinerConfig())
    inside = lines["time_ns"].between(case.span.start_ms * 1_000_000, case.span.end_ms * 1_000_000, inclusive="left")
    counts: Counter[tuple[int, bool]] = Counter()
    for text, now in zip(lines["message"], inside, strict=True):
        counts[miner.add_log_message(text)["cluster_id"], bool(now)] += 1
    names = {cluster.cluster_id: cluster.get_template() for cluster in miner.drain.clusters}
    scale = sum(span.seconds for span in default_windows(case.span).spans[1:]) / case.span.seconds
    ratio = {key: (counts[key, True] + 0.5) / (counts[key, False] / scale + 0.5) for key in names}
    return [names[key] for key in sorted(names, key=lambda key: -ratio[key])]


def judged(ctx: Context, case: Incident, drain: bool) -> dict[str, object]:
    """Return where the truth stands in each ranking."""
    study = investigate(ctx, system=case.system, range=case.span, as_of=ANCHOR)
    frame = study.results["changes"].frame
    found: dict[str, object] = {"system": case.system, "kind": case.kind, "magnitude": case.magnitude,
                                "minutes": case.span.seconds / 60, "named": int(frame["named"].sum())}  # fmt: skip
    if not case.kind:
        return found | {"rows": "; ".join(frame.loc[frame["named"], "what"])}
    if case.template:
        names = frame.loc[frame["kind"] == "log template", "what"].tolist()
        levels = frame.loc[frame["kind"] == "log template", "detail"].tolist()
        marked = [f"{name}" if "Request completed" not in name or "INFO" not in level else "" for name, level in
                  zip(names, levels, strict=True)]  # fmt: skip
        found["template"] = place_of(marked, case.template)
        lines = lines_of(ctx, case.system, default_windows(case.span)).frame
        found["by count"] = place_of(by_count(lines, case), case.template.replace("503", "N").replace("500", "N")
                                     .replace("502", "N").replace("429", "N").replace("401", "N"))  # fmt: skip
        if drain:
            found["drain3"] = place_of(by_drain3(lines, case), case.template)
    if case.operations:
        kind = case.row if case.row and case.row != "bad requests" else "failing operation"
        names = frame.loc[frame["kind"] == kind, "what"].tolist()
        found["operation"] = place_of(names, "|".join(f"(?:^|= ){re.escape(name)}$" for name in case.operations))
        named = frame.loc[(frame["kind"] == kind) & frame["named"], "what"]
        found["operation named"] = len(named) > 0
    return found


def main(seed: int, folder: Path) -> None:
    """Build, judge, print."""
    cases, scenario = planned(seed, ANCHOR)
    if not (folder / "truth.json").exists():
        started = time.perf_counter()
        build_demo(
            folder, scenario=written(scenario, folder.with_name(folder.name + "-scenario")), seed=seed, end=ANCHOR
        )
        print(f"built in {time.perf_counter() - started:.0f} s")
    home = Path(mkdtemp())
    (home / "workbench.toml").write_text(f'home = "{home}"\n[sources.demo]\nkind = "archive"\npath = "{folder}"\n')
    ctx = open_context(load_settings(home / "workbench.toml"))
    assert isinstance(ctx.sources["demo"], ArchiveSource)
    assert Archive.open(folder)
    try:
        import drain3  # noqa: F401

        drain = True
    except ImportError:
        drain = False
    started = time.perf_counter()
    table = pd.DataFrame([judged(ctx, case, drain) for case in cases])
    incidents, quiet = table[table["kind"] != ""], table[table["kind"] == ""]
    print(incidents.drop(columns="rows").to_string())
    print(quiet[["system", "minutes", "named", "rows"]].to_string())
    for column in ("template", "operation", "by count", "drain3"):
        if column in incidents:
            places = incidents[column].dropna()
            first, three = (places == 1).mean(), places.between(1, 3).mean()
            print(f"seed {seed}: {column}: first in {first:.0%}, in the first three in {three:.0%} of {len(places)}")
    print(f"seed {seed}: quiet windows that name nothing: {(quiet['named'] == 0).mean():.0%} of {len(quiet)}")
    print(f"{(time.perf_counter() - started) / len(table):.2f} s a window")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else 1, Path(given[1]) if len(given) > 1 else Path(mkdtemp()) / "incidents")
