"""Which cells of NAS-Bench-201 are one network, by the benchmark's own rule, and in which order twins draw weights.

The rule writes the last node as a string: an edge of `none`, or one that starts at a node of nothing but one zero, is
a zero; a skip is what it skips from; other operations wrap their source; terms are sorted and added (Dong and Yang,
ICLR 2020). Of 15,625 cells it leaves 6,466. It takes a term that is computed once and used twice for two terms, so a
few twins are equal in what they compute but not in how many weights they share; tables merge them, and so does this.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import cache, lru_cache

from archlock.spaces.cell import CONV_1X1, CONV_3X3, EDGES, NODES, NONE, SKIP, live_edges
from archlock.spaces.protocol import Genotype

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
ZERO = "#"
KERNEL_WEIGHTS = {CONV_1X1: 1, CONV_3X3: 9}

Term = tuple[int, int, "Terms"]
"""(operation, its edge, or -1 where it has no weights, and what it is applied to); the input is `INPUT`."""
Terms = tuple[Term, ...]
INPUT: Term = (-1, -1, ())


def cell_string(genotype: Genotype) -> str:
    """The last node as the benchmark writes it; equal for twins and for nothing else."""
    nodes = ["0"]
    for node in range(1, NODES):
        edges = [edge for edge, (_, target) in enumerate(EDGES) if target == node]
        nodes.append("+".join(sorted(_wrap(genotype[edge], nodes[EDGES[edge][0]]) for edge in edges)))
    return nodes[-1]


def _wrap(operation: int, source: str) -> str:
    if operation == NONE or source == ZERO:
        return ZERO
    return source if operation == SKIP else f"({source})@{OPERATIONS[operation]}"


@cache
def canonical_forms() -> Mapping[Genotype, Genotype]:
    """Canonical form of each of the 15,625 cells: of its twins the one without idle weights that shares the fewest.

    Where that leaves several, the one of fewest edges and then the first in order.
    """
    best: dict[str, tuple[int, int, int, Genotype]] = {}
    strings: dict[Genotype, str] = {}
    for genotype in itertools.product(range(len(OPERATIONS)), repeat=len(EDGES)):
        text = strings[genotype] = cell_string(genotype)
        used = sum(KERNEL_WEIGHTS.get(genotype[edge], 0) for edge in live_edges(genotype))
        rank = (weight_count(genotype) - used, -used, len(EDGES) - genotype.count(NONE), genotype)
        best[text] = min(best.get(text, rank), rank)
    return {genotype: best[text][-1] for genotype, text in strings.items()}


def weight_count(genotype: Genotype) -> int:
    """Kernel weights per pair of channels, edges without effect included."""
    return sum(KERNEL_WEIGHTS.get(operation, 0) for operation in genotype)


@lru_cache(maxsize=4096)
def weighted_order(genotype: Genotype) -> tuple[int, ...]:
    """Edges that reach the last node and have weights, in an order that twins agree on.

    The order is that of what each edge computes; edges that compute the same are told apart by where it goes, by
    trying their permutations for the least text of the last node.
    """
    value = _last_node(genotype)
    groups: dict[str, list[int]] = {}
    for edge, text in sorted(_weighted(value).items(), key=lambda item: (item[1], item[0])):
        groups.setdefault(text, []).append(edge)
    orders = (
        tuple(itertools.chain.from_iterable(parts))
        for parts in itertools.product(*(itertools.permutations(group) for group in groups.values()))
    )
    return min(orders, key=lambda order: _text(value, {edge: rank for rank, edge in enumerate(order)}))


def _last_node(genotype: Genotype) -> Terms:
    values: list[Terms] = [(INPUT,)]
    for node in range(1, NODES):
        terms: list[Term] = []
        for edge, (source, target) in enumerate(EDGES):
            if target == node:
                terms += _apply(genotype[edge], edge, values[source])
        values.append(tuple(terms))
    return values[-1]


def _apply(operation: int, edge: int, value: Terms) -> Terms:
    if operation == NONE or not value:
        return ()
    return value if operation == SKIP else ((operation, edge if operation in KERNEL_WEIGHTS else -1, value),)


def _weighted(value: Terms) -> dict[int, str]:
    """What each edge with weights computes, as text."""
    found: dict[int, str] = {}
    for operation, edge, source in value:
        found |= _weighted(source)
        if edge >= 0:
            found[edge] = _text(((operation, edge, source),), {})
    return found


def _text(value: Terms, ranks: Mapping[int, int]) -> str:
    """A sum as text, each edge by its rank where it has one."""
    parts = (
        "0" if not source else f"({_text(source, ranks)})@{operation}:{ranks.get(edge, '')}"
        for operation, edge, source in value
    )
    return "+".join(sorted(parts))
