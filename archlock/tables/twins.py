"""Twins, rows that compute the same function: merging them, averaging them, and what is one edit away."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np
from scipy import sparse

from archlock.scores import FloatArray
from archlock.tables.archive import IntArray


def class_mean(values: FloatArray, classes: IntArray) -> FloatArray:
    """Mean over the rows of each class; shape (rows,) to read-only shape (C,)."""
    sums = np.bincount(classes, weights=values)
    mean: FloatArray = sums / np.bincount(classes)
    mean.setflags(write=False)
    return mean


def neighbouring_classes(genotypes: IntArray, classes: IntArray) -> tuple[IntArray, ...]:
    """Classes with a row that differs from a row of the class in exactly one gene; ascending, never the class itself.

    Args:
        genotypes: shape (rows, genes), rows distinct.
        classes: shape (rows,), row to class 0..C-1.

    Returns:
        C read-only arrays of classes.
    """
    count = int(classes.max()) + 1
    linked = sparse.csr_array((count, count), dtype=np.int64)
    for gene in range(genotypes.shape[1]):
        # Rows equal in all genes but this one stand in one group; classes that share a group are one edit apart.
        _, group = np.unique(np.delete(genotypes, gene, axis=1), axis=0, return_inverse=True)
        members = sparse.csr_array((np.ones(len(group), dtype=np.int64), (group.reshape(-1), classes)))
        linked = linked + members.T @ members
    linked = sparse.csr_array(linked)
    linked.sort_indices()
    columns = linked.indices.astype(np.int64)
    return tuple(_without(others, own) for own, others in enumerate(np.split(columns, linked.indptr[1:-1])))


def _without(classes: IntArray, own: int) -> IntArray:
    others: IntArray = classes[classes != own]
    others.setflags(write=False)
    return others


def first_of_kind(kinds: Iterable[Hashable]) -> IntArray:
    """For each row, the smallest row of the same kind; shape (rows,)."""
    first: dict[Hashable, int] = {}
    return np.array([first.setdefault(kind, row) for row, kind in enumerate(kinds)], dtype=np.int64)


def micro_twins(cells: IntArray) -> IntArray:
    """The smallest row of each TransNAS micro cell's class; shape (rows, 6) to (rows,).

    Edges that are on no path from node 0 to node 3 are pruned; nodes 1 and 2 change places where no edge joins them.
    """
    return first_of_kind(_micro_form(tuple(genes)) for genes in cells.tolist())


def _micro_form(genes: tuple[int, ...]) -> tuple[int, ...]:
    """Canonical genes, edges in the order 0-1, 0-2, 1-2, 0-3, 1-3, 2-3; 0 is no edge."""
    in_1, in_2, inner, through, out_1, out_2 = genes
    if not (in_1 and (out_1 or (inner and out_2))):
        in_1 = inner = out_1 = 0
    if not (out_2 and (in_2 or (in_1 and inner))):
        in_2 = inner = out_2 = 0
    pruned = (in_1, in_2, inner, through, out_1, out_2)
    return pruned if inner else min(pruned, (in_2, in_1, 0, through, out_2, out_1))
