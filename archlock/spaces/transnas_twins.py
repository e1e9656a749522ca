"""Which cells of TransNAS-Bench-101 are one network, and which macro codes its enumeration holds."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import cache

from archlock.spaces.cell import EDGES, NONE, live_edges
from archlock.spaces.protocol import Genotype

OPERATIONS = ("none", "skip_connect", "conv_1x1", "conv_3x3")
INNER_EDGE = EDGES.index((1, 2))
EXCHANGED = tuple(
    EDGES.index((min(pair), max(pair)))
    for pair in ([{0: 0, 1: 2, 2: 1, 3: 3}[node] for node in edge] for edge in EDGES)
)
"""The place of each edge after nodes 1 and 2 have changed places."""

MODULES = ("none", "normal", "channels", "resolution", "both")
NORMAL, CHANNELS, RESOLUTION, BOTH = range(1, 5)
DEPTHS, DOUBLINGS, HALVINGS = (4, 6), (1, 3), (1, 4)
"""Least and most modules, doublings of the channels and halvings of the resolution of a published macro network."""


@cache
def canonical_forms() -> Mapping[Genotype, Genotype]:
    """Canonical form of each of the 4,096 cells; of its twins the first in order."""
    cells = itertools.product(range(len(OPERATIONS)), repeat=len(EDGES))
    return {cell: min(_orders(prune(cell))) for cell in cells}


def _orders(pruned: Genotype) -> tuple[Genotype, ...]:
    """A pruned cell, and it with nodes 1 and 2 in each other's place where no edge joins them."""
    return (pruned,) if pruned[INNER_EDGE] else (pruned, exchange(pruned))


def prune(cell: Genotype) -> Genotype:
    """The cell without edges that lie on no way from the first node to the last."""
    live = live_edges(cell)
    return tuple(operation if edge in live else NONE for edge, operation in enumerate(cell))


def exchange(cell: Genotype) -> Genotype:
    """The cell with nodes 1 and 2 in each other's place."""
    return tuple(cell[EXCHANGED[edge]] for edge in range(len(EDGES)))


def weighted_order(cell: Genotype) -> tuple[int, ...]:
    """Live edges in the order in which they stand in the canonical form."""
    live = live_edges(cell)
    if prune(cell) == canonical_forms()[cell]:
        return live
    return tuple(sorted(live, key=lambda edge: EXCHANGED[edge]))


def is_published(code: Genotype) -> bool:
    """Whether a macro code is one of the 3,256: 4-6 modules, 1-3 doublings, 1-4 halvings, no gap between modules."""
    depth = len(code) - code.count(0)
    return (
        not any(code[depth:])
        and DEPTHS[0] <= depth <= DEPTHS[1]
        and DOUBLINGS[0] <= doublings(code) <= DOUBLINGS[1]
        and HALVINGS[0] <= halvings(code) <= HALVINGS[1]
    )


def doublings(code: Genotype) -> int:
    """Modules that double the channels."""
    return sum(module in (CHANNELS, BOTH) for module in code)


def halvings(code: Genotype) -> int:
    """Modules that halve the resolution."""
    return sum(module in (RESOLUTION, BOTH) for module in code)


@cache
def macro_codes() -> tuple[Genotype, ...]:
    """The 3,256 published macro codes, in order."""
    return tuple(filter(is_published, itertools.product(range(len(MODULES)), repeat=DEPTHS[1])))


@cache
def repair(code: Genotype) -> Genotype:
    """The published code that a draft of modules stands for; a published code is its own repair.

    Gaps are closed, normal modules are appended up to four, a missing doubling or halving is given to the first
    module, and surplus ones are taken from the last.
    """
    modules = [module for module in code if module]
    modules += [NORMAL] * (DEPTHS[0] - len(modules))
    _limit(modules, (CHANNELS, BOTH), CHANNELS - NORMAL, DOUBLINGS)
    _limit(modules, (RESOLUTION, BOTH), RESOLUTION - NORMAL, HALVINGS)
    return (*modules, *[0] * (len(code) - len(modules)))


def _limit(modules: list[int], kinds: tuple[int, int], step: int, limits: tuple[int, int]) -> None:
    """Bring the number of modules of two kinds within limits, in place; the step turns a module into such a kind."""
    places = [place for place, module in enumerate(modules) if module in kinds]
    if len(places) < limits[0]:
        modules[0] += step
    for place in places[limits[1] :]:
        modules[place] -= step
