"""Recorded traffic instead of simulated: the hourly volumes of a dataset's clients, as keys of a gateway with prices.

A scenario names the dataset under ``traffic``; docs/demo.md describes the keys and the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from workbench.core.errors import ParameterError
from workbench.core.timerange import DAY_MS, duration_ms
from workbench.demo.traffic import Pool, Price, Traffic

FILE = "hourly_by_client.parquet"
#: Clients outside the largest of a pool stand under this key together.
OTHER = "other"
#: Money of recorded traffic moves in units of 2**-30 dollars: sums up to 8 million dollars stay exact in a float.
UNIT = 2**30

_HOURS = 24
_NEEDED = (
    "pool", "client", "hour", "requests", "cv", "mean_input_tokens", "mean_output_tokens", "mean_text_tokens",
    "mean_image_tokens",
)  # fmt: skip

Hours = NDArray[np.int64]


@dataclass(frozen=True)
class Volume:
    """What one key asks of one model, by hour since ``first_day``, which is counted from the anchor.

    Attributes
    ----------
    cv : float64 array, (hours,)
        Coefficient of variation of the time between two requests. [1]
    prompt, completion, units : int64 arrays, (hours,)
        Tokens, and money in units of ``1 / UNIT`` dollars.
    filled : int
        Tokens of clients whose token counts the dataset does not have. [tokens]
    """

    key: str
    pool: str
    model: str
    provider: str
    first_day: int
    requests: Hours
    cv: NDArray[np.float64]
    prompt: Hours
    completion: Hours
    units: Hours
    filled: int

    @property
    def mean_tokens(self) -> float:
        """Tokens of an answer. [tokens]"""
        return float(self.completion.sum() / max(int(self.requests.sum()), 1))

    def hours(self, day: int) -> slice | None:
        """Hours of a day, counted from the anchor; None when the volumes do not reach there."""
        start = (day - self.first_day) * _HOURS
        return slice(start, start + _HOURS) if 0 <= start < len(self.requests) else None


@dataclass(frozen=True)
class Volumes:
    """Recorded traffic, ready to be replayed. ``digest`` is the SHA-256 of the file."""

    traffic: Traffic
    digest: str
    clients: int
    all: tuple[Volume, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Virtual keys, the largest of each pool first, the rest last."""
        names = dict.fromkeys(volume.key for volume in self.all)
        return (*(key for key in names if key != OTHER), *(key for key in names if key == OTHER))

    @property
    def models(self) -> Mapping[str, Pool]:
        """Model -> its pool."""
        return {pool.model: pool for pool in self.traffic.pools.values()}

    def facts(self) -> dict[str, Any]:
        """Return what the truth says of the input, as plain JSON values."""
        return {
            "dataset": self.traffic.dataset,
            "sha256": self.digest,
            "clients": self.clients,
            "money_unit_dollars": f"2**-{UNIT.bit_length() - 1}",
            "pools": {name: self._pool(name, pool) for name, pool in self.traffic.pools.items()},
        }

    def _pool(self, name: str, pool: Pool) -> dict[str, Any]:
        own = [volume for volume in self.all if volume.pool == name]
        return {
            "model": pool.model,
            "price": {
                "prompt_per_million": str(pool.price.prompt),
                "completion_per_million": str(pool.price.completion),
                "as_of": pool.price.as_of.isoformat(),
                "source": pool.price.source,
            },
            "requests": sum(int(volume.requests.sum()) for volume in own),
            "prompt_tokens": sum(int(volume.prompt.sum()) for volume in own),
            "completion_tokens": sum(int(volume.completion.sum()) for volume in own),
            "filled_tokens": sum(volume.filled for volume in own),
        }


def read_volumes(traffic: Traffic, directory: Path) -> Volumes:
    """Read the dataset of a scenario from a folder.

    Raises
    ------
    ParameterError
        The folder or the file is absent, or the file is not what docs/demo.md describes.
    """
    file = directory / FILE
    expected = f"It must hold {FILE} with the columns {', '.join(_NEEDED)}; docs/demo.md says how it is made."
    if not file.is_file():
        where = f"The folder {directory} does not exist." if not directory.is_dir() else f"{directory} has no {FILE}."
        raise ParameterError(where, hint=f"{expected} Without --from, the slice beside the scenario is used.")
    raw = file.read_bytes()
    try:
        names = pq.read_schema(file).names
        missing = [name for name in _NEEDED if name not in names]
        rows = pd.DataFrame() if missing else pd.read_parquet(file, columns=list(_NEEDED))
    except (OSError, ValueError) as error:
        raise ParameterError(f"{file} cannot be read: {error}", hint=expected) from None
    if missing:
        raise ParameterError(f"{file} lacks the columns {', '.join(missing)}.", hint=expected)
    whole = rows[["pool", "client", "hour", "requests", "cv"]].notna().all(axis=1)
    sound = whole & (rows[["hour", "requests", "cv"]].fillna(-1) >= 0).all(axis=1)
    if not sound.all():
        first = int(np.flatnonzero(~sound)[0])
        says = f"Row {first} of {file} lacks a value or has a negative one: {rows.iloc[first].dropna().to_dict()}."
        raise ParameterError(says, hint=expected)
    unknown = sorted(set(rows["pool"]) - set(traffic.pools))
    absent = [pool for pool in traffic.pools if pool not in set(rows["pool"])]
    if unknown or absent:
        says = f"{file} has the pools {', '.join(sorted(set(rows['pool'])))}, the scenario {', '.join(traffic.pools)}."
        raise ParameterError(says, hint="Name the same pools under traffic in the scenario.")
    volumes = [volume for name in traffic.pools for volume in _of_pool(traffic, name, rows[rows["pool"] == name], file)]
    clients = int(rows[["pool", "client"]].drop_duplicates().shape[0])
    return Volumes(traffic, sha256(raw).hexdigest(), clients, tuple(volumes))


def _of_pool(traffic: Traffic, name: str, rows: pd.DataFrame, file: Path) -> list[Volume]:
    pool = traffic.pools[name]
    rows = rows.assign(requests=rows["requests"].round().astype("int64"))
    rows = rows.assign(
        prompt=rows["mean_input_tokens"].fillna(rows["mean_text_tokens"] + rows["mean_image_tokens"]),
        completion=rows["mean_output_tokens"],
    )
    filled = np.zeros(len(rows), np.int64)
    for kind in ("prompt", "completion"):
        known = rows[kind].notna() & (rows["requests"] > 0)
        if not known.any():
            raise ParameterError(f"No client of {name} in {file} has {kind} tokens.", hint="Choose another slice.")
        mean = np.average(rows.loc[known, kind], weights=rows.loc[known, "requests"])
        counted = np.rint(rows["requests"] * rows[kind].fillna(mean)).astype("int64")
        filled += np.where(rows[kind].isna(), counted, 0)
        rows = rows.assign(**{kind: counted})
    rows = rows.assign(filled=filled, key=_keys(name, rows, traffic.keys))
    length = -(-(int(rows["hour"].max()) + 1) // _HOURS) * _HOURS
    first_day = -(duration_ms(pool.before) // DAY_MS)
    return [
        _volume(str(key), name, pool, first_day, own, length)
        for key, own in rows.groupby("key", sort=False)
        if own["requests"].sum()
    ]


def _keys(name: str, rows: pd.DataFrame, count: int) -> pd.Series:
    """Name the largest clients of a pool after it, and all others alike."""
    volumes = rows.groupby("client")["requests"].sum().reset_index()
    largest = volumes.sort_values(["requests", "client"], ascending=[False, True])["client"].head(count)
    short = name.rpartition("/")[2]
    own: pd.Series = short + "-" + rows["client"].astype(str)
    return own.where(rows["client"].isin(largest), OTHER)


def _volume(key: str, name: str, pool: Pool, first_day: int, rows: pd.DataFrame, length: int) -> Volume:
    rows = rows.assign(dispersed=rows["requests"] * rows["cv"] ** 2)
    hours = rows.groupby("hour")[["requests", "prompt", "completion", "dispersed"]].sum()
    hours = hours.reindex(range(length), fill_value=0)
    requests, prompt, completion = (hours[column].to_numpy(np.int64) for column in ("requests", "prompt", "completion"))
    cv = np.sqrt(hours["dispersed"].to_numpy(np.float64) / np.maximum(requests, 1))
    units = np.array(
        [_units(pool.price, int(a), int(b)) for a, b in zip(prompt, completion, strict=True)], dtype=np.int64
    )
    filled = int(rows["filled"].sum())
    return Volume(key, name, pool.model, pool.provider, first_day, requests, cv, prompt, completion, units, filled)


def _units(price: Price, prompt: int, completion: int) -> int:
    """Money of an hour: exact in Decimal, rounded once, half to even, to a unit of money."""
    return round((price.prompt * prompt + price.completion * completion) * UNIT / 1_000_000)


def spread(
    requests: Hours, cv: NDArray[np.float64], noise: NDArray[np.float64], serving: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Spread hourly requests over the minutes in which anybody answers; every hour keeps its sum.

    Parameters
    ----------
    requests, cv : arrays, (hours,)
        Requests per hour, and how much they vary within it. [ratio]
    noise : float64 array, (hours * 60,)
        Standard normal.
    serving : bool array, (hours * 60,)
        An hour without such a minute is lost.

    Notes
    -----
    Counts of a renewal process in a minute with n expected scatter by ``cv * sqrt(n)``.
    """
    scatter = np.repeat(cv / np.sqrt(np.maximum(requests, 1) / 60), 60)
    weights = (np.maximum(1 + noise * scatter, 0.01) * serving).reshape(-1, 60)
    return _steps(np.cumsum(weights, axis=1), requests)


def along(amounts: Hours, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Spread hourly amounts as the counts of the minutes are; every hour with a count keeps its sum."""
    return _steps(np.cumsum(counts.reshape(-1, 60), axis=1).astype(np.float64), amounts)


def _steps(cumulated: NDArray[np.float64], sums: Hours) -> NDArray[np.int64]:
    whole = cumulated[:, -1:]
    shares = np.divide(cumulated, whole, out=np.zeros_like(cumulated), where=whole > 0)
    levels = np.rint(shares * sums[:, None]).astype(np.int64)
    return np.diff(levels, axis=1, prepend=0).ravel()
