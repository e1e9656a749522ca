"""Zero-cost proxies of NAS-Bench-201 cells beside the published scores of the same cells, and beside true accuracy.

The published scores are those of NAS-Bench-Suite-Zero and FreeREA; the accuracy is that of NATS-Bench, 200 epochs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from archlock.benches.kept_scores import KeptScores
from archlock.benches.proxy_agreement import ProxyRow, compare, spearman
from archlock.errors import UsageError
from archlock.iospec import IOSpec, OutputKind
from archlock.proxies import PROXIES, find_proxies
from archlock.proxies.scoring import score_network
from archlock.scores import FloatArray, Score, ScoreBatch, ScoreFailed
from archlock.seeding import derive_seed, numpy_generator
from archlock.spaces.registry import load_space

PUBLISHED: Mapping[str, str] = {
    **dict.fromkeys(("epe_nas", "fisher", "grad_norm", "grasp", "jacov", "l2_norm", "nwot", "params", "plain"), ""),
    **dict.fromkeys(("snip", "synflow", "zen"), ""),
    "macs": "flops",
    "logsynflow": "freerea_cifar10_logsynflow",
    "linear_regions": "freerea_cifar10_nregions",
}
"""Proxy to the column of its published score; empty where the column bears the proxy's name."""


@dataclass(frozen=True)
class ProxyBenchOptions:
    """What to measure.

    Attributes:
        data: folder with ``nasbench201``, ``nasbench201_zerocost`` and ``images``; ``$ARCHLOCK_DATA`` for None.
        cells: cells drawn from those that the published table scores.
        batch: pictures of CIFAR-10 in the batch.
        seed: of the cells, the pictures and the weights.
        names: proxies; all for empty.
        kept: file of JSON lines that scores are kept in as they come, and taken from where they are there already.
        progress: told how many cells are done.
        draw: another one has the same cells with other pictures and other weights, as another laboratory would.
    """

    data: Path | None = None
    cells: int = 300
    batch: int = 64
    seed: int = 0
    names: tuple[str, ...] = ()
    kept: Path | None = None
    progress: Callable[[int], None] = field(default=lambda done: None)
    draw: int = 0

    @property
    def drawn(self) -> tuple[int, ...]:
        """What names the draw among the seeds; nothing for the first."""
        return (self.draw,) if self.draw else ()


@dataclass(frozen=True)
class ProxyBench:
    """The result.

    Attributes:
        cells: shape (cells,), rows of the table.
        scores: proxy name to our scores in that order.
        results: one per proxy.
        batch, seed: as asked.
    """

    cells: NDArray[np.int64]
    scores: Mapping[str, ScoreBatch]
    results: tuple[ProxyRow, ...]
    batch: int
    seed: int

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary per proxy, for tables and JSON."""
        return [
            asdict(row) | {"meets": row.meets, "meets_tied": row.meets_tied, "near": row.near} for row in self.results
        ]


def run(options: ProxyBenchOptions) -> ProxyBench:
    """Score full-size NAS-Bench-201 networks before training, and compare.

    Each cell's weights come from a seed of its own, so that a cell's scores do not depend on the others.

    Raises:
        UsageError: a file of the data is missing, or more cells are asked for than the table scores.
    """
    folder = _folder(options.data)
    table, published = _load(folder / "nasbench201" / "nasbench201.npz"), _published(folder)
    cells = _draw(published, options)
    asked = [proxy.name for proxy in find_proxies(options.names or None)]
    scores = _score(table["arch_ops"][cells], cells, cifar10_batch(options), asked, options)
    accuracy = table["nats_cifar10_test_200"][cells].astype(np.float64)
    results = tuple(
        compare(name, batch, published[name][cells] if name in published else None, accuracy)
        for name, batch in scores.items()
    )
    return ProxyBench(cells, scores, results, options.batch, options.seed)


def _folder(data: Path | None) -> Path:
    named = data or (Path(os.environ["ARCHLOCK_DATA"]) if os.environ.get("ARCHLOCK_DATA") else None)
    if named is None:
        raise UsageError("bench proxies: no folder of tables; set ARCHLOCK_DATA or name one")
    return named


def _load(path: Path) -> dict[str, NDArray[Any]]:
    if not path.is_file():
        raise UsageError(f"{path}: no such table; `archlock data list` says how to get it")
    with np.load(path, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def _published(folder: Path) -> dict[str, FloatArray]:
    """Proxy name to its published score of each cell, NaN where there is none."""
    archive = _load(folder / "nasbench201_zerocost" / "nb201_zerocost.npz")
    suite = dict(zip(archive["suitezero_columns"].tolist(), archive["suitezero_cifar10"].T, strict=True))
    columns = {name: column or name for name, column in PUBLISHED.items()}
    return {name: np.asarray(suite.get(column, archive.get(column)), np.float64) for name, column in columns.items()}


def _draw(published: Mapping[str, FloatArray], options: ProxyBenchOptions) -> NDArray[np.int64]:
    scored = np.flatnonzero(np.isfinite(published["synflow"]))
    if not 2 < options.cells <= len(scored):
        raise UsageError(f"bench proxies: {options.cells} cells asked for, expected 3 to {len(scored)}")
    drawn = numpy_generator(options.seed, "bench", "proxies", "cells").permutation(scored)[: options.cells]
    return np.asarray(drawn, dtype=np.int64)


def cifar10_batch(options: ProxyBenchOptions) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch of CIFAR-10's training pictures, standardised by channel, and their classes."""
    archive = _load(_folder(options.data) / "images" / "cifar10.npz")
    pictures = torch.from_numpy(archive["x_train"]).permute(0, 3, 1, 2).float() / 255
    deviation, mean = torch.std_mean(pictures, dim=(0, 2, 3), keepdim=True)
    rng = numpy_generator(options.seed, "bench", "proxies", "pictures", *options.drawn)
    order = rng.permutation(len(pictures))[: options.batch]
    labels = torch.from_numpy(archive["y_train"].astype(np.int64))
    return ((pictures - mean) / deviation)[order], labels[order]


def _score(
    genotypes: NDArray[Any],
    cells: NDArray[np.int64],
    pictures: tuple[torch.Tensor, torch.Tensor],
    names: Sequence[str],
    options: ProxyBenchOptions,
) -> dict[str, ScoreBatch]:
    space, io = load_space("nasbench201"), IOSpec(3, 32, 32, OutputKind.CLASSES, 10)
    wanted = tuple(dict.fromkeys(part for name in names for part in (PROXIES[name].components or (name,))))
    kept = KeptScores(options.kept, (options.seed, options.batch, *options.drawn))
    rows: list[dict[str, Score | ScoreFailed]] = []
    for cell, genotype in zip(cells.tolist(), genotypes.tolist(), strict=True):
        known = kept.of(cell)
        missing = [name for name in wanted if name not in known]
        if missing:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(derive_seed(options.seed, "bench", "proxies", cell, *options.drawn))
                network = space.build(tuple(genotype), io)
            kept.add(cell, score_network(network, *pictures, functional.cross_entropy, missing))
        rows.append(kept.of(cell))
        options.progress(len(rows))
    batches = {name: ScoreBatch.of([row[name] for row in rows]) for name in wanted}
    combined = {name: PROXIES[name].combine for name in names}
    return {name: batches[name] if combine is None else combine(batches) for name, combine in combined.items()}


def repeatability(first: ProxyBench, second: ProxyBench) -> dict[str, float | None]:
    """Spearman correlation, by proxy, of two draws of weights and pictures over the cells that both scored.

    It is about the most that a score can agree with one published from a draw of its own. None where either draw has
    no order.

    Raises:
        UsageError: the two are not of the same cells.
    """
    if first.cells.tolist() != second.cells.tolist():
        raise UsageError("bench proxies: the two draws are of different cells")
    found = {}
    for name in (name for name in first.scores if name in second.scores):
        one, other = first.scores[name], second.scores[name]
        known = one.known & other.known
        found[name] = spearman(one.values[known], other.values[known])
    return found
