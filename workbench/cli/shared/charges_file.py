"""Writes an export of charges to a file: CSV, or Parquet with decimals that lose nothing."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.core.errors import ParameterError
from workbench.core.foreign_text import spreadsheet

if TYPE_CHECKING:
    import pandas as pd


def write_charges(frame: pd.DataFrame, texts: Sequence[Mapping[str, str]], path: Path) -> None:
    """Write all rows, as a frame or as their texts; the file is there whole or not at all.

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
            frame.to_parquet(draft, index=False)
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
