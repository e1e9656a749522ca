"""Surgery on a cell of four nodes: an edge that carries nothing, or a pooling, becomes a skip or a convolution.

Which edge: the first to open on the longest way through the cell. By the 12-epoch columns of NAS-Bench-201 that brings
the cells that are best at locking to within a point of what the best of all one-edge edits brings them to (98 and 99
on average, in percentiles of the target); see ``benchmarks/cell_surgery.py``.
"""

from __future__ import annotations

from collections.abc import Callable

from archlock.spaces.cell import AVERAGE_POOL, CONV_3X3, EDGES, NODES, NONE, SKIP
from archlock.spaces.protocol import Genotype

CLOSED = (NONE, AVERAGE_POOL)
"""Operations that an attacker would replace."""
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


def _first_becomes(operation: int) -> Callable[[Genotype], Genotype]:
    def edit(cell: Genotype) -> Genotype:
        closed = closed_edges(cell)
        return open_edge(cell, closed[0], operation) if closed else cell

    return edit


def _all_opened(cell: Genotype) -> Genotype:
    """A residual block of what was closed: a skip past all nodes, a convolution on every other edge."""
    return tuple(
        (SKIP if edge == SHORTCUT else CONV_3X3) if operation in CLOSED else operation
        for edge, operation in enumerate(cell)
    )


CELL_EDITS: dict[str, Callable[[Genotype], Genotype]] = {
    "skip": _first_becomes(SKIP),
    "conv": _first_becomes(CONV_3X3),
    "all": _all_opened,
}
"""Edits by name; where no edge is closed, each gives the cell back."""
