"""Features of cells of four nodes in which every edge carries one operation (NAS-Bench-201, TransNAS-Bench-101 micro).

Genes are the edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3; options are 0 none, 1 skip, 2 and above an operation.
"""

from __future__ import annotations

import numpy as np

from archlock.locking.tabular.problem import IntArray
from archlock.scores import FloatArray

PATHS = ((3,), (0, 4), (1, 5), (0, 2, 5))
"""Edges of each way from the input, node 0, to the output, node 3."""

NONE, SKIP, CONV3 = 0, 1, 3


def cell_paths(operations: IntArray) -> FloatArray:
    """How often each sequence of operations, skips left out, leads from input to output; shape (n, sequences).

    Equal for cells of the same function up to shared prefixes. Source: path encodings of BANANAS (White et al., 2021).
    """
    base = int(operations.max()) + 1
    codes = np.stack([_path_codes(operations[:, list(path)], base) for path in PATHS], axis=1)
    sequences = np.unique(codes[codes >= 0])
    return np.stack([(codes == sequence).sum(axis=1) for sequence in sequences], axis=1).astype(np.float64)


def _path_codes(steps: IntArray, base: int) -> IntArray:
    """One number for the sequence of operations of each row; -1 where an edge is missing."""
    codes = np.zeros(len(steps), dtype=np.int64)
    for step in steps.T:
        codes = np.where(step > SKIP, codes * base + step - SKIP, codes)
    return np.where((steps == NONE).any(axis=1), -1, codes)


def live_edges(operations: IntArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which edges lie on a way from input to output; shape (n, 6)."""
    live = np.zeros(operations.shape, dtype=bool)
    for path in PATHS:
        whole = (operations[:, list(path)] != NONE).all(axis=1)
        live[:, list(path)] |= whole[:, None]
    return live


def cell_graph(operations: IntArray) -> FloatArray:
    """Counts and depths of the live part; shape (n, 11 + operations).

    Columns: live edges of each operation but skip; live ways; ways without any operation; least, mean and greatest
    number of operations on a way; the same of 3x3 operations (their receptive field); weights in units of a 1x1
    convolution; edges into the output that are live; whether the cell is connected at all.
    """
    live, count = live_edges(operations), len(operations)
    kinds = np.stack(
        [((operations == kind) & live).sum(axis=1) for kind in range(2, int(operations.max()) + 1)], axis=1
    )
    ways = np.stack([(operations[:, list(path)] != NONE).all(axis=1) for path in PATHS], axis=1)
    steps = np.stack([(operations[:, list(path)] > SKIP).sum(axis=1) for path in PATHS], axis=1)
    wide = np.stack([(operations[:, list(path)] >= CONV3).sum(axis=1) for path in PATHS], axis=1)
    weights = kinds[:, :2] @ np.array([1.0, 9.0]) if kinds.shape[1] >= 2 else np.zeros(count)
    columns = [
        *kinds.T, ways.sum(axis=1), (ways & (steps == 0)).sum(axis=1), *_spread(steps, ways), *_spread(wide, ways),
        weights, live[:, 3:].sum(axis=1), ways.any(axis=1),
    ]  # fmt: skip
    return np.stack(columns, axis=1).astype(np.float64)


def _spread(lengths: IntArray, ways: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> list[FloatArray]:
    """Least, mean and greatest length over the whole ways of each row; 0 where there is none."""
    some = ways.any(axis=1)
    least = np.where(some, np.where(ways, lengths, lengths.max() + 1).min(axis=1), 0)
    greatest = np.where(ways, lengths, 0).max(axis=1)
    mean = np.where(ways, lengths, 0).sum(axis=1) / np.maximum(ways.sum(axis=1), 1)
    return [least.astype(np.float64), mean, greatest.astype(np.float64)]
