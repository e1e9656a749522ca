"""Numbers that tell how a four-node cell is likely to train: what its paths carry, and what meets input and output.

Each trait gets a length scale of its own in the surrogate's kernel, so that a hundred labels suffice to find out which
of them a task cares about.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archlock.locking.tabular.cell_features import NONE, PATHS, SKIP, live_edges
from archlock.locking.tabular.problem import IntArray
from archlock.scores import FloatArray

BoolArray = NDArray[np.bool_]

CONV1, CONV3, POOL = 2, 3, 4
INPUT_EDGES, OUTPUT_EDGES = (0, 1, 3), (3, 4, 5)
DIRECT = 3
"""Edge from input to output."""

GAINS = (
    {CONV1: 2.0, CONV3: 2.0, POOL: 1.0},
    {CONV1: 1.0, CONV3: 9.0, POOL: 1.0},
    {CONV1: 1.5, CONV3: 3.0, POOL: 0.5},
)
"""What a signal gains on an operation, by three accounts: depth, synaptic flow (9 weights a tap), and a blend."""


def live_one_hot(operations: IntArray) -> FloatArray:
    """One-hot operations with dead edges counted as none; shape (n, 6 * options)."""
    live = np.where(live_edges(operations), operations, NONE)
    return np.eye(int(operations.max()) + 1)[live].reshape(len(operations), -1)


def cell_traits(operations: IntArray) -> FloatArray:
    """Traits of cells, one column each; shape (n, traits).

    Args:
        operations: shape (n, 6), option of each edge: 0 none, 1 skip, 2 and 3 convolutions, 4 pooling if there is one.
    """
    ways = np.stack([(operations[:, list(path)] != NONE).all(axis=1) for path in PATHS], axis=1)
    kinds = range(CONV1, int(operations.max()) + 1)
    counts = {kind: _on_paths(operations, kind) * ways for kind in kinds}
    columns = [*_path_columns(ways, counts), *_flow_columns(ways, counts), *_edge_columns(operations)]
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)


def _on_paths(operations: IntArray, kind: int) -> IntArray:
    """How many operations of a kind lie on each path; shape (n, 4)."""
    return np.stack([(operations[:, list(path)] == kind).sum(axis=1) for path in PATHS], axis=1)


def _mean(values: FloatArray | IntArray, ways: BoolArray) -> FloatArray:
    """Mean over the whole paths; 0 where there is none."""
    return np.asarray((values * ways).sum(axis=1) / np.maximum(ways.sum(axis=1), 1), dtype=np.float64)


def _path_columns(ways: BoolArray, counts: dict[int, IntArray]) -> list[FloatArray | IntArray]:
    """Greatest and mean number of each operation on a path, the same of convolutions, and how many paths there are."""
    columns: list[FloatArray | IntArray] = []
    for count in counts.values():
        columns += [count.max(axis=1), _mean(count, ways)]
    convolutions = sum(
        (counts[kind] for kind in (CONV1, CONV3) if kind in counts), np.zeros(ways.shape, dtype=np.int64)
    )
    length = sum(counts.values(), np.zeros(ways.shape, dtype=np.int64))
    least = np.where(ways, convolutions, len(PATHS)).min(axis=1) * ways.any(axis=1)
    plain = ways & (length == 0)
    columns += [convolutions.max(axis=1), least, _mean(convolutions, ways), length.max(axis=1)]
    columns += [ways.sum(axis=1), plain.sum(axis=1), ways.max(axis=1).astype(np.int64), _distinct_paths(ways, counts)]
    if POOL in counts:
        columns.append((ways & (counts[POOL] == length) & (length > 0)).sum(axis=1))
    return columns


def _distinct_paths(ways: BoolArray, counts: dict[int, IntArray]) -> IntArray:
    """How many whole paths differ in what they carry; shape (n,)."""
    code = sum((count * 4**position for position, count in enumerate(counts.values())), np.zeros_like(ways, dtype=int))
    ordered = np.sort(np.where(ways, code, -1), axis=1)
    fresh = np.concatenate([ordered[:, :1] >= 0, (np.diff(ordered, axis=1) > 0) & (ordered[:, 1:] >= 0)], axis=1)
    return np.asarray(fresh.sum(axis=1), dtype=np.int64)


def _flow_columns(ways: BoolArray, counts: dict[int, IntArray]) -> list[FloatArray]:
    """Log of the summed gains of all paths, for each account of gains, and the receptive field."""
    columns = []
    for gains in GAINS:
        log_gain = sum((count * np.log(gains[kind]) for kind, count in counts.items() if kind in gains), np.zeros(1))
        columns.append(np.log((np.exp(log_gain) * ways).sum(axis=1) + 0.1))
    field = 2 * sum((counts[kind] for kind in (CONV3, POOL) if kind in counts), np.zeros(ways.shape))
    return [*columns, field.max(axis=1), _mean(field, ways)]


def _edge_columns(operations: IntArray) -> list[FloatArray | IntArray]:
    """Live edges of each operation: in all, at the input, at the output; live degree of both; the direct edge."""
    live = np.where(live_edges(operations), operations, NONE)
    entering, leaving = live[:, list(INPUT_EDGES)], live[:, list(OUTPUT_EDGES)]
    columns: list[FloatArray | IntArray] = []
    for kind in range(SKIP, int(operations.max()) + 1):
        columns += [(part == kind).sum(axis=1) for part in (live, entering, leaving)]
    columns += [(entering != NONE).sum(axis=1), (leaving != NONE).sum(axis=1)]
    columns += [(live[:, DIRECT] == SKIP).astype(np.int64), (live[:, DIRECT] != NONE).astype(np.int64)]
    weights = 9 * (live == CONV3).sum(axis=1) + (live == CONV1).sum(axis=1)
    return [*columns, np.log1p(weights)]
