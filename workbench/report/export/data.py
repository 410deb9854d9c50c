"""The figures of a report as data: every result of its studies as Parquet, CSV or one workbook of XLSX."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from workbench.core.errors import ReportError
from workbench.core.foreign_text import spreadsheet
from workbench.core.result import Study, jsonable

DataFormat = Literal["parquet", "csv", "xlsx"]

#: Longest name of a sheet in a workbook, and most rows of one. [count]
_SHEET_NAME, _SHEET_ROWS = 31, 1_048_575


def keep_frames(values: Mapping[str, Any], folder: Path) -> None:
    """Write the frames of all studies among the variables of a notebook to a folder, as Parquet.

    Parameters
    ----------
    values : mapping of str to value
        Studies, and mappings that hold studies at any depth; everything else is passed over.
    folder : Path
        Made when it is not there.
    """
    folder.mkdir(exist_ok=True)
    for path, study in studies_in(values):
        for name, result in study.results.items():
            target = folder / f"{'.'.join(filter(None, (*path, study.name, name)))}.parquet"
            plain(result.frame).to_parquet(target, index=False)


def studies_in(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Study]]:
    """Yield each study once, with the system that it is about where there are several."""
    seen: set[tuple[str, str]] = set()
    for study in _studies(values):
        if (study.system, study.name) not in seen:
            seen.add((study.system, study.name))
            yield (study.system,), study


def _studies(values: Mapping[str, Any]) -> Iterator[Study]:
    for value in list(values.values()):
        if isinstance(value, Study):
            yield value
        elif isinstance(value, Mapping):
            yield from _studies({str(name): part for name, part in value.items()})


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with values that every format keeps: what is no number, text or instant becomes JSON."""
    made = frame.copy()
    for name in made.columns:
        values = made[name]
        if values.dtype == object and values.map(lambda value: isinstance(value, (dict, list, tuple))).any():
            made[name] = [json.dumps(jsonable(value), ensure_ascii=False) for value in values]
        elif isinstance(values.dtype, pd.CategoricalDtype):
            made[name] = values.astype("str")
        elif values.dtype == object and len({type(value) for value in values if value is not None}) > 1:
            made[name] = values.map(lambda value: None if value is None else str(value))
    return made


def write_data(kept: Path, target: Path, form: DataFormat) -> Path:
    """Turn kept frames into the files that somebody wants.

    Parameters
    ----------
    kept : Path
        Folder that :func:`keep_frames` wrote.
    target : Path
        Path of the report without its ending; the data stands beside it as ``…-data`` or ``….xlsx``.
    form : {"parquet", "csv", "xlsx"}
        Format of the files.

    Raises
    ------
    ReportError
        XLSX without the package that writes it.

    Notes
    -----
    Money is decimal in Parquet and text with all its digits in CSV and XLSX. Texts that a spreadsheet would run as a
    formula get a quote before them. Instants in XLSX are UTC without a zone, since a sheet knows none.
    """
    files = sorted(kept.glob("*.parquet"))
    if form == "xlsx":
        return _workbook(files, target.with_name(f"{target.name}.xlsx"))
    folder = target.with_name(f"{target.name}-data")
    folder.mkdir(exist_ok=True)
    for file in files:
        if form == "parquet":
            (folder / file.name).write_bytes(file.read_bytes())
        else:
            (folder / f"{file.stem}.csv").write_text(_texts(pd.read_parquet(file)).to_csv(index=False), "utf-8")
    return folder


def _texts(frame: pd.DataFrame) -> pd.DataFrame:
    made = frame.map(lambda value: spreadsheet(value) if isinstance(value, str) else value)
    for name in made.columns:
        if isinstance(made[name].dtype, pd.DatetimeTZDtype):
            made[name] = made[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return made


def _workbook(files: list[Path], target: Path) -> Path:
    try:
        text_stays_text = {"strings_to_formulas": False, "strings_to_urls": False}
        writer = pd.ExcelWriter(target, engine="xlsxwriter", engine_kwargs={"options": text_stays_text})
    except ModuleNotFoundError:
        raise ReportError(
            "XLSX is not available: the package xlsxwriter is missing.", hint="pip install 'slo-workbench[xlsx]'"
        ) from None
    names: dict[str, int] = {}
    with writer:
        for file in files:
            frame = pd.read_parquet(file).head(_SHEET_ROWS)
            for name in frame.columns:
                if isinstance(frame[name].dtype, pd.DatetimeTZDtype):
                    frame[name] = frame[name].dt.tz_localize(None)
                elif frame[name].dtype == object:
                    frame[name] = frame[name].map(lambda value: None if value is None else str(value))
            short = file.stem[-_SHEET_NAME + 3 :]
            names[short] = names.get(short, 0) + 1
            sheet = short if names[short] == 1 else f"{short}-{names[short]}"
            frame.to_excel(writer, sheet_name=sheet, index=False)
    return target
