"""Writes an export of charges to a file: CSV, or Parquet with decimals that lose nothing."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from workbench.core.errors import ParameterError
from workbench.core.foreign_text import spreadsheet


def write_charges(texts: Sequence[Mapping[str, str]], path: Path, to_parquet: Callable[[Path], object]) -> None:
    """Write all rows, ``texts`` as CSV or the frame by its own ``to_parquet``; the file is there whole or not at all.

    Raises
    ------
    ParameterError
        Its name ends in neither ``.csv`` nor ``.parquet``, or its folder cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in (".csv", ".parquet"):
        raise ParameterError(f"{path.name} is neither .csv nor .parquet.", hint="Name the file --file charges.csv.")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if kind == ".csv":
            _write_csv(texts, draft)
        else:
            to_parquet(draft)
        draft.replace(path)
    except OSError as error:
        raise ParameterError(f"{path} cannot be written: {error.strerror}.", hint="Check the folder.") from None
    finally:
        draft.unlink(missing_ok=True)


def _write_csv(texts: Sequence[Mapping[str, str]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(texts[0]) if texts else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: spreadsheet(text) for name, text in row.items()} for row in texts)
