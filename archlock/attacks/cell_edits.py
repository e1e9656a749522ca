"""Surgery on a cell of four nodes: an edge that carries nothing, or a pooling, becomes a skip or a convolution.

Which edge: the first to open on the longest way through the cell. Where none is closed, a 1x1 convolution is widened to
3x3, which keeps what it computes. Both were chosen by the 12-epoch columns of NAS-Bench-201: the 60 best locks of each
pair of tasks lie at a target percentile of 94 on average, after the best of these edits at 99, as after the best of all
one-edge changes; see ``benchmarks/cell_surgery.py``.
"""

from __future__ import annotations

from collections.abc import Callable

from archlock.spaces.cell import AVERAGE_POOL, CONV_1X1, CONV_3X3, EDGES, NODES, NONE, SKIP
from archlock.spaces.protocol import Genotype

CLOSED = (NONE, AVERAGE_POOL)
"""Operations that an attacker would replace before any other."""
SHORTCUT = EDGES.index((0, NODES - 1))
ORDER = tuple(EDGES.index(edge) for edge in ((0, 1), (2, 3), (1, 2), (0, 2), (1, 3), (0, 3)))
"""Edges in the order in which one is looked for: those of the longest way first, its ends before its middle."""


def open_edge(cell: Genotype, edge: int, operation: int) -> Genotype:
    """The cell with another operation on an edge, and skips to and from it where it would lead nowhere.

    Args:
        cell: operation of each of `archlock.spaces.cell.EDGES`.
        edge: index of the edge.
        operation: `SKIP` or `CONV_3X3`.
    """
    source, target = EDGES[edge]
    genes = list(cell)
    genes[edge] = operation
    if source not in _joined(genes, 0):
        genes[EDGES.index((0, source))] = SKIP
    if NODES - 1 not in _joined(genes, target):
        genes[EDGES.index((target, NODES - 1))] = SKIP
    return tuple(genes)


def _joined(cell: list[int], start: int) -> set[int]:
    """Nodes that something reaches from a node, itself among them."""
    reached = {start}
    for (source, target), operation in zip(EDGES, cell, strict=True):
        if operation != NONE and source in reached:
            reached.add(target)
    return reached


def closed_edges(cell: Genotype) -> tuple[int, ...]:
    """Edges that may be opened, in the order in which they would be."""
    return tuple(edge for edge in ORDER if cell[edge] in CLOSED)


def _skip(cell: Genotype) -> Genotype:
    closed = closed_edges(cell)
    return open_edge(cell, closed[0], SKIP) if closed else cell


def _conv(cell: Genotype) -> Genotype:
    narrow = tuple(edge for edge in ORDER if cell[edge] == CONV_1X1)
    chosen = (closed_edges(cell) or narrow)[:1]
    return open_edge(cell, chosen[0], CONV_3X3) if chosen else cell


def _all_opened(cell: Genotype) -> Genotype:
    """A residual block of what was closed: a skip past all nodes, convolutions elsewhere; every convolution is 3x3."""
    opened = {NONE: CONV_3X3, AVERAGE_POOL: CONV_3X3, CONV_1X1: CONV_3X3}
    genes = [opened.get(operation, operation) for operation in cell]
    if cell[SHORTCUT] in CLOSED:
        genes[SHORTCUT] = SKIP
    return tuple(genes)


CELL_EDITS: dict[str, Callable[[Genotype], Genotype]] = {"skip": _skip, "conv": _conv, "all": _all_opened}
"""Edits by name; where nothing is left to open, each gives the cell back."""
