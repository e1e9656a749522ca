"""The best way to run blocks of one shape, for every side that they start from and end on.

A block either runs its branches side by side, each layer on one unit, or takes its layers in turns, where a layer may
also be split over both units. Up to `MOST_ENUMERATED` layers every assignment is timed, all in one array pass; a larger
block is searched (`archlock.hwcost.assignment.block_search`), for finding its best is machine scheduling, NP-hard.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archlock.hwcost.assignment.blocks import Sources
from archlock.hwcost.assignment.side_by_side import Sides, moved_results, timetable
from archlock.hwcost.assignment.tasks import Tasks, Weights
from archlock.scores import FloatArray

MOST_ENUMERATED = 12
"""Layers of a block up to which every assignment is timed: 2^13 of them with the side that the block starts from."""

_Figures = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, eq=False)
class BlockTable:
    """The best of each block, by the side that it starts from and the side of its last layer; shape (blocks, 2, 2).

    Attributes:
        elapsed_s, dynamic_j: time, and energy without leakage.
        objective: what they are worth.
        in_turns: whether its layers take turns.
        candidate: row of ``sides`` that is best.
        sides: shape (candidates, 1 + layers), the side of the result that the block starts from, then of its layers.
    """

    elapsed_s: FloatArray
    dynamic_j: FloatArray
    objective: FloatArray
    in_turns: NDArray[np.bool_]
    candidate: NDArray[np.intp]
    sides: Sides


def all_sides(layers: int) -> Sides:
    """Every assignment of a block, the side that it starts from first; shape (2^(layers + 1), layers + 1)."""
    states = np.arange(2 ** (layers + 1))
    return ((states[:, None] >> np.arange(layers + 1)[::-1]) & 1).astype(np.int8)


def best_of(sources: Sources, sides: Sides, tasks: Tasks, entry: Tasks, weights: Weights) -> BlockTable:
    """The best of some assignments, either way of running them; there must be one for each start and end.

    Args:
        sources: what each layer reads, for all the blocks.
        sides: shape (candidates, 1 + layers).
        tasks: of the layers, shape (blocks, layers, …).
        entry: of the results that the blocks start from, shape (blocks, 1, …); only the moves are read.
        weights: the objective.
    """
    beside, turns = _both_ways(sources, sides, tasks, entry)
    objectives = weights.of(*beside), weights.of(*turns)
    in_turns = objectives[1] <= objectives[0]
    least = np.where(in_turns, objectives[1], objectives[0])
    elapsed, dynamic = (np.where(in_turns, *pair) for pair in zip(turns, beside, strict=True))
    best = np.empty((len(least), 2, 2), dtype=np.intp)
    for start in (0, 1):
        for end in (0, 1):
            rows = np.flatnonzero((sides[:, 0] == start) & (sides[:, -1] == end))
            best[:, start, end] = rows[least[:, rows].argmin(axis=1)]
    at = np.arange(len(least))[:, None, None], best
    return BlockTable(elapsed[at], dynamic[at], least[at], in_turns[at], best, sides)


def _both_ways(sources: Sources, sides: Sides, tasks: Tasks, entry: Tasks) -> tuple[_Figures, _Figures]:
    """Time and energy of every assignment side by side and in turns; shape (blocks, candidates) each.

    Units that run at once share the DRAM as `archlock.hwcost.assignment.side_by_side.timetable` says.
    """
    move_s = np.concatenate([entry.move_s, tasks.move_s], axis=1)
    move_j = np.concatenate([entry.move_j, tasks.move_j], axis=1)
    moved = moved_results(sources, sides).T.astype(np.float64)

    def summed(values: FloatArray) -> FloatArray:
        total = np.zeros((len(values), len(sides)))
        for layer in range(len(sources)):
            total += values[:, layer][:, sides[:, layer + 1]]
        return total

    beside_s = timetable(sources, sides, tasks.alone_s, tasks.dram_s, move_s).done_s.max(axis=-1)
    turns = summed(tasks.turn_s) + move_s @ moved, summed(tasks.turn_j) + move_j @ moved
    return (beside_s, summed(tasks.alone_j) + move_j @ moved), turns
