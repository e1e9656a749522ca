"""Proxy devices of a latency table made ready for a new device: what to measure on it, and what follows from that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from archlock.errors import UsageError
from archlock.hwcost.devices.design import CANDIDATES, choose_measurements
from archlock.hwcost.devices.encoding import IntArray
from archlock.hwcost.devices.features import Features
from archlock.hwcost.devices.gaussian import predict
from archlock.hwcost.devices.table import BoolArray, LatencyTable
from archlock.scores import FloatArray, Origin
from archlock.seeding import numpy_generator

FEWEST = 5


@dataclass(frozen=True)
class Forecast:
    """Latency of one architecture on the target: measured, or predicted with its standard deviation."""

    row: int
    latency_ms: float
    sd_ms: float
    origin: Origin


@dataclass(frozen=True)
class Adapter:
    """What adaptation needs of a table for some proxies, worked out once for all targets and seeds.

    Attributes:
        table: the measurements.
        proxies: their names.
        usable: shape (n,), architectures that some proxy measured.
        proxies_ms: shape (n, j); where one of several proxies failed, filled in from the others.
        features: of all architectures, for the Gaussian process.
        designs: what was chosen for which rows, candidates and seed: targets measured on the same rows share it.
    """

    table: LatencyTable
    proxies: tuple[str, ...]
    usable: BoolArray
    proxies_ms: FloatArray
    features: Features
    designs: dict[tuple[bytes, int, int], IntArray] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, table: LatencyTable, proxies: Sequence[str]) -> Adapter:
        """Prepare.

        Raises:
            UsageError: an unknown or repeated proxy, none at all, or one measured on too few architectures.
        """
        columns = [table.column(proxy) for proxy in proxies]
        if not columns or len(set(columns)) < len(columns):
            raise UsageError(
                f"{table.name}: expected one or more different proxies, not {', '.join(proxies) or 'none'}"
            )
        filled, usable = _filled(table.latency_ms[:, columns], table.measured[:, columns])
        if usable.sum() < FEWEST:
            raise UsageError(f"{table.name}: {', '.join(proxies)}: measured on {usable.sum()} architectures only")
        return cls(table, tuple(proxies), usable, filled, Features.of(filled, table.encoding))

    def rows(self, target: str) -> IntArray:
        """Architectures measured on the target and on a proxy.

        Raises:
            UsageError: an unknown target, or one that is a proxy.
        """
        if target in self.proxies:
            raise UsageError(f"{self.table.name}: {target!r} is both proxy and target")
        return np.flatnonzero(self.usable & self.table.measured[:, self.table.column(target)]).astype(np.int64)

    def choose(self, rows: IntArray, samples: int, seed: int) -> IntArray:
        """Rows to measure, see `choose_measurements`."""
        key = (rows.tobytes(), max(CANDIDATES, 2 * samples), seed)
        known = self.designs.get(key)
        if known is None or len(known) < samples:
            # The first k of a longer choice are the choice for k, where both choose from the same candidates.
            rng = numpy_generator(seed, "adapt", "design")
            known = self.designs[key] = choose_measurements(self.features, rows, samples, rng)
        return known[:samples]

    def plan(self, samples: int, seed: int) -> list[tuple[int, tuple[str, ...]]]:
        """Rows to measure on a device that is not in the table, with their architectures where these are known.

        Raises:
            UsageError: more samples than architectures.
        """
        rows = np.flatnonzero(self.usable).astype(np.int64)
        encoding = self.table.encoding
        chosen = self.choose(rows, samples, seed)
        return [(int(row), () if encoding is None else encoding.words(int(row))) for row in chosen]

    def forecast(self, target: str) -> list[Forecast]:
        """Latency of all usable architectures, from everything that is measured on the target.

        Raises:
            UsageError: an unknown target, one that is a proxy, or fewer than three measurements of it.
        """
        rows = self.rows(target)
        latency_ms = self.table.latency_ms[:, self.table.column(target)]
        found = predict(self.features, rows, latency_ms[rows])
        measured = set(rows.tolist())
        return [
            Forecast(int(row), float(latency_ms[row]), 0.0, Origin.TABLE)
            if row in measured
            else Forecast(int(row), float(found.latency_ms[row]), float(found.sd_ms[row]), Origin.PREDICTED)
            for row in np.flatnonzero(self.usable).tolist()
        ]


def _filled(values: FloatArray, measured: BoolArray) -> tuple[FloatArray, BoolArray]:
    """Proxy latencies with failed ones filled in from the other proxies by a log-linear fit, and the usable rows."""
    usable: BoolArray = np.asarray(measured.any(axis=1))
    whole: BoolArray = np.asarray(measured.all(axis=1))
    if whole[usable].all():
        return np.asarray(np.where(measured, values, np.median(values[usable])), dtype=np.float64), usable
    logs = np.log(values)
    centres = np.array([np.median(logs[measured[:, place], place]) if measured[:, place].any() else 0.0
                        for place in range(values.shape[1])])  # fmt: skip
    start = np.where(measured, logs, centres)
    filled = start.copy()
    for place in range(values.shape[1]):
        design = np.column_stack([np.delete(start, place, axis=1), np.ones(len(start))])
        known = measured[:, place]
        weights, *_ = np.linalg.lstsq(design[known], logs[known, place], rcond=1e-6)
        filled[~known, place] = (design @ weights)[~known]
    return np.asarray(np.exp(filled), dtype=np.float64), usable
