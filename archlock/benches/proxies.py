"""Zero-cost proxies of NAS-Bench-201 cells beside the published scores of the same cells, and beside true accuracy.

The published scores are those of NAS-Bench-Suite-Zero and FreeREA; the accuracy is that of NATS-Bench, 200 epochs.
"""

from __future__ import annotations

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
from archlock.benches.proxy_data import Batch, need_pictures, no_pictures, read_cells, read_pictures
from archlock.benches.record import check_writable
from archlock.errors import UsageError
from archlock.iospec import IOSpec, OutputKind
from archlock.proxies import PROXIES, find_proxies
from archlock.proxies.scoring import score_network
from archlock.scores import FloatArray, Score, ScoreBatch, ScoreFailed
from archlock.seeding import derive_seed, numpy_generator
from archlock.spaces.registry import load_space
from archlock.tables.folder import data_folder


@dataclass(frozen=True)
class ProxyBenchOptions:
    """What to measure.

    Attributes:
        data: folder with ``nasbench201``, ``nasbench201_zerocost`` and ``images``; the usual one for None.
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
        TableError: a file of the data is missing or damaged.
        UsageError: an unknown proxy, more cells than the table scores, or a file of kept scores that cannot be written.
    """
    asked = [proxy.name for proxy in find_proxies(options.names or None)]
    if options.kept is not None:
        check_writable(options.kept)
    known = read_cells(data_folder(options.data))
    cells = _draw(known.published, options)
    pictures = cifar10_batch(options) if need_pictures(asked) else no_pictures(options.batch)
    scores = _score(known.operations[cells], cells, pictures, asked, options)
    published = {name: column[cells] for name, column in known.published.items()}
    results = tuple(compare(name, batch, published.get(name), known.accuracy[cells]) for name, batch in scores.items())
    return ProxyBench(cells, scores, results, options.batch, options.seed)


def _draw(published: Mapping[str, FloatArray], options: ProxyBenchOptions) -> NDArray[np.int64]:
    scored = np.flatnonzero(np.isfinite(published["synflow"]))
    if not 2 < options.cells <= len(scored):
        raise UsageError(f"bench proxies: {options.cells} cells asked for, expected 3 to {len(scored)}")
    drawn = numpy_generator(options.seed, "bench", "proxies", "cells").permutation(scored)[: options.cells]
    return np.asarray(drawn, dtype=np.int64)


def cifar10_batch(options: ProxyBenchOptions) -> Batch:
    """The batch of pictures of a bench; raises as `read_pictures`."""
    rng = numpy_generator(options.seed, "bench", "proxies", "pictures", *options.drawn)
    return read_pictures(data_folder(options.data), rng, options.batch)


def _score(
    genotypes: NDArray[Any],
    cells: NDArray[np.int64],
    pictures: Batch,
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
