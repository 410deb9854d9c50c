"""The export of charges against the FOCUS validator: ``bench_focus.py MODEL.json [PRICES.json]``.

MODEL.json is the validator's model of FOCUS 1.2 (621 rules). The validator needs Python 3.12 and pins other versions,
so it lives in an environment of its own below ``.bench``, made here when it is not there. Of each pair of rules that
say when a value must and when it must not be null, the one that does not apply "fails" alone; their parent counts.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

HOME = Path(__file__).resolve().parents[2] / ".bench" / "focus-validator-env"
SYSTEMS = ("conduit", "counterfactual-lab", "choreoai")
CRITERIA = "ACCOUNT_NAMING_SUPPORTED,USAGE_MEASUREMENT_SUPPORTED,TAGGING_SUPPORTED"
PRICED = f"{CRITERIA},PUBLIC_PRICE_LIST_SUPPORTED,UNIT_PRICING_SUPPORTED"


def validator() -> str:
    if not HOME.exists():
        python = shutil.which("python3.12") or sys.exit("python3.12 is needed for the validator.")
        subprocess.run([python, "-m", "venv", str(HOME)], check=True)
        subprocess.run([str(HOME / "bin/pip"), "-q", "install", "focus-validator==2.2.1", "pyarrow<19"], check=True)
    return str(HOME / "bin/focus-validator")


def failed(file: Path, rules: Path, criteria: str) -> tuple[str, list[str]]:
    """Return the validator's totals and the rules that fail though their parent fails too, or have none."""
    command = [validator(), "--data-file", str(file), "--validate-version", "1.2", "--rule-set-path", str(rules)]
    command += ["--block-download", "--applicability-criteria", criteria, "--show-violations"]
    text = subprocess.run(command, capture_output=True, text=True, cwd=rules.parent).stdout
    names = re.findall(r"^\S+ (\S+): FAIL ", text, re.M)
    totals = re.search(r"Total: .*", text)
    columns = {name.split("-C-")[0] for name in names if name.endswith(("-C-000-M", "-C-000-C", "-C-000-O"))}
    real = [name for name in names if name.split("-C-")[0] in columns or "-C-" not in name]
    return totals.group(0) if totals else text[-400:], real


def main(model: Path, prices: Path | None) -> None:
    from workbench.cli.main import cli
    from workbench.demo import build_demo

    folder = Path(tempfile.mkdtemp())
    build_demo(folder / "demo", seed=7, end=datetime(2026, 11, 1, tzinfo=UTC))
    (folder / "rules").mkdir()
    shutil.copy(model, folder / "rules" / "model-1.2.json")
    validator()
    codes = next(HOME.rglob("currency_codes.csv"))
    (folder / "focus_validator" / "rules").mkdir(parents=True)
    shutil.copy(codes, folder / "focus_validator" / "rules")
    runs = [(system, [], CRITERIA) for system in SYSTEMS]
    runs.append(("conduit", ["--by", "key"], f"{CRITERIA},SUB_ACCOUNT_SUPPORTED"))
    if prices is not None:
        runs.append(("conduit", ["--book", str(prices)], PRICED))
    for system, options, criteria in runs:
        file = folder / "focus.csv"
        words = ["--home", str(folder), "cost", "export", system, "--period", "2026-10", "--file", str(file), *options]
        cli.main(words, standalone_mode=False)
        totals, real = failed(file, folder / "rules", criteria)
        print(f"{system} {' '.join(options[:1])}: {totals}; violations: {', '.join(real) or 'none'} (bar: none)")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
