"""Features of cells of four nodes in which every edge carries one operation (NAS-Bench-201, TransNAS-Bench-101 micro).

Genes are the edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3; options are 0 none, 1 skip, 2 and above an operation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from archlock.locking.tabular.problem import IntArray
from archlock.scores import FloatArray

PATHS = ((3,), (0, 4), (1, 5), (0, 2, 5))
"""Edges of each way from the input, node 0, to the output, node 3."""

INCOMING = {1: ((0, 0),), 2: ((0, 1), (1, 2)), 3: ((0, 3), (1, 4), (2, 5))}
"""Node to its (node it hears, edge)."""

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


def cell_subtrees(operations: IntArray) -> FloatArray:
    """How often each rooted subtree of height 1 and 2 occurs in the live part, skips contracted; shape (n, subtrees).

    A kernel of two rows is the Weisfeiler-Lehman kernel (Shervashidze et al., 2011; NAS-BOWL, Ru et al., 2021).
    Subtrees that occur in one cell alone are left out: no other cell could share them.
    """
    live = live_edges(operations)
    counters = [_subtrees(row, alive) for row, alive in zip(operations.tolist(), live.tolist(), strict=True)]
    seen = Counter(tree for counter in counters for tree in counter)
    trees = {tree: column for column, tree in enumerate(sorted(tree for tree, cells in seen.items() if cells > 1))}
    features = np.zeros((len(operations), len(trees)))
    for row, counter in enumerate(counters):
        for tree, count in counter.items():
            if tree in trees:
                features[row, trees[tree]] = count
    return features


def _subtrees(operations: Sequence[int], live: Sequence[bool]) -> Counter[str]:
    """Subtrees below every operation and below the output, as text."""
    found: Counter[str] = Counter()
    roots: list[tuple[str, int]] = [("out", 3)]
    for hears in INCOMING.values():
        roots += [(str(operations[edge]), heard) for heard, edge in hears if live[edge] and operations[edge] > SKIP]
    for label, node in roots:
        for height in (1, 2):
            found[f"{height}{label}{_below(operations, live, node, height)}"] += 1
    return found


def _below(operations: Sequence[int], live: Sequence[bool], node: int, height: int) -> str:
    """What a node hears, to a height, in an order that does not depend on the numbering of nodes."""
    return "(" + ",".join(sorted(_heard(operations, live, node, height))) + ")"


def _heard(operations: Sequence[int], live: Sequence[bool], node: int, height: int) -> Iterable[str]:
    if node == 0:
        yield "in"
        return
    for heard, edge in INCOMING[node]:
        if not live[edge]:
            continue
        if operations[edge] == SKIP:
            yield from _heard(operations, live, heard, height)
        else:
            yield str(operations[edge]) + (_below(operations, live, heard, height - 1) if height > 1 else "")
