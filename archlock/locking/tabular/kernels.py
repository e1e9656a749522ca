"""What makes two classes alike: groups of features, each with a length scale of its own, under one Matern kernel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from archlock.locking.tabular.cell_traits import cell_traits, live_one_hot
from archlock.locking.tabular.features import CELLS
from archlock.locking.tabular.problem import IntArray, Pool
from archlock.scores import FloatArray

BLOCKS = ("one_hot_mean", "paths")
"""Features of a pool that share one length scale each."""
COLUMNS, GRAPH = "shape", "graph"
"""Features of a pool of which every column has its own length scale; the latter in `rich_groups` alone."""
EXTRA = "extra"
"""Further label-free columns of a pool, such as proxies or hardware cost, each with its own length scale; pools of the
published tables have none, because none helped on the tables for development (`benchmarks/lock_known.py --with`)."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Features of all classes, scaled so that two random classes are at squared distance 1 in every group.

    Attributes:
        features: shape (classes, width), all groups side by side.
        group: shape (width,), which group a column belongs to.
    """

    features: FloatArray
    group: IntArray

    @property
    def count(self) -> int:
        """Number of groups."""
        return int(self.group[-1]) + 1

    def squared_distances(self, indices: IntArray) -> FloatArray:
        """Squared distances among some classes by group; shape (groups, n * n)."""
        return np.stack([squared_distances(block, block).ravel() for block in self._blocks(indices)])

    def _blocks(self, indices: IntArray) -> Iterable[FloatArray]:
        edges = np.flatnonzero(np.diff(self.group)) + 1
        return np.split(self.features[indices], edges, axis=1)

    def shuffled(self, rng: np.random.Generator) -> Groups:
        """The same features on other classes, drawn at random: nothing can be learnt from them."""
        return Groups(self.features[rng.permutation(len(self.features))], self.group)


def squared_distances(first: FloatArray, second: FloatArray) -> FloatArray:
    """Squared Euclidean distances of rows; shape (n, m)."""
    norms = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)
    return np.asarray(np.maximum(norms - 2 * first @ second.T, 0.0), dtype=np.float64)


def feature_groups(pool: Pool) -> Groups:
    """Groups of a pool: operations and paths as one group each, every trait as its own.

    A space of which nothing is known but its genes has one group for each gene.
    """
    blocks = [pool.features[name] for name in BLOCKS if name in pool.features]
    if pool.space in CELLS:
        blocks += [live_one_hot(pool.operations), *cell_traits(pool.operations).T]
    elif COLUMNS in pool.features:
        blocks += [*pool.features[COLUMNS].T]
    else:
        blocks += [np.eye(int(gene.max()) + 1)[gene] for gene in pool.operations.T]
    return grouped([*blocks, *(pool.features[EXTRA].T if EXTRA in pool.features else ())])


def rich_groups(pool: Pool) -> Groups:
    """Groups of `feature_groups`, and for cells every count and depth of ``graph`` as its own.

    For models that are fitted seldom and to the labels of several tasks, where more groups pay.
    """
    groups = feature_groups(pool)
    if GRAPH not in pool.features:
        return groups
    graph = grouped(pool.features[GRAPH].T)
    return Groups(np.hstack([groups.features, graph.features]), np.append(groups.group, graph.group + groups.count))


def grouped(blocks: Iterable[FloatArray]) -> Groups:
    """Groups of blocks, shape (classes,) or (classes, width) each; a block that is constant is left out."""
    scaled = [block for block in map(_scaled, blocks) if block is not None]
    group = np.repeat(np.arange(len(scaled)), [block.shape[1] for block in scaled])
    return Groups(np.hstack(scaled), group)


def _scaled(block: FloatArray) -> FloatArray | None:
    centred = block.reshape(len(block), -1) - block.reshape(len(block), -1).mean(axis=0)
    mean_square = float((centred**2).sum(axis=1).mean())
    return centred / np.sqrt(2 * mean_square) if mean_square > 1e-12 else None


def matern32(squared: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Matern kernel of smoothness 3/2 and its derivative by the squared distance; shape as given.

    k(r) = (1 + sqrt(3) r) exp(-sqrt(3) r) (Rasmussen and Williams, Gaussian Processes for Machine Learning, eq. 4.17).
    """
    distance = np.sqrt(3 * squared)
    decay = np.exp(-distance)
    return (1 + distance) * decay, -1.5 * decay
