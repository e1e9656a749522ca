"""The time of a block whose branches run on both units at once, for many blocks and assignments in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archlock.hwcost.assignment.blocks import Sources
from archlock.scores import FloatArray

Sides = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Timetable:
    """When what happens in a block, shape (blocks, candidates, 1 + layers) each, in seconds from its start.

    Attributes:
        start_s, done_s: of each layer; infinite from a layer on that its side cannot run.
        moved_s: when each result is there on the other side; infinite where nobody asks.
    """

    start_s: FloatArray
    done_s: FloatArray
    moved_s: FloatArray


def timetable(sources: Sources, sides: Sides, alone_s: FloatArray, dram_s: FloatArray, move_s: FloatArray) -> Timetable:
    """Layers start as soon as their unit and all that they read are there, and share the DRAM in execution order.

    A unit takes its layers in execution order; the link moves one result at a time, in the order in which readers
    ask for them. A move that takes no time does not wait for the link. A layer needs the DRAM for the same share of
    every second that it runs. While layers run on both units the earlier one in execution order keeps the share that it
    needs alone, and the later runs as fast as what is left allows. That is an order that an arbiter with fixed
    priorities gives, so that no time is better than what can be done, and none is below all DRAM traffic.

    Args:
        sources: what each layer reads; 0 is the result that the block starts from, there at time 0.
        sides: shape (candidates, 1 + layers), the side of that result, then of each layer.
        alone_s: shape (blocks, layers, 2), seconds of each layer on either side if it has the DRAM for itself.
        dram_s: shape (blocks, layers, 2), seconds of its DRAM traffic at full bandwidth, at most ``alone_s``.
        move_s: shape (blocks, 1 + layers), seconds of moving each result.
    """
    shape = (len(alone_s), len(sides))
    started, done = np.zeros((2, *shape, len(sources) + 1))
    moved = np.full((*shape, len(sources) + 1), np.inf)
    free, link = np.zeros((2, *shape)), np.zeros(shape)
    shares = _shares(alone_s, dram_s)
    busy: list[_Busy] = []
    for layer, read in enumerate(sources, start=1):
        side = sides[:, layer]
        start = np.where(side, free[1], free[0])
        for source in read:
            away, takes = sides[:, source] != side, move_s[:, source, None]
            arrives = np.where(takes > 0, np.maximum(link, done[..., source]) + takes, done[..., source])
            asked = away & np.isinf(moved[..., source])
            moved[..., source] = np.where(asked, arrives, moved[..., source])
            link = np.where(asked & (takes > 0), arrives, link)
            start = np.maximum(start, np.where(away, moved[..., source], done[..., source]))
        share = shares[:, layer - 1][:, side]
        end = _slowed(start, alone_s[:, layer - 1][:, side], share, [one for one in busy if one.away(side)], side)
        started[..., layer], done[..., layer] = start, end
        busy.append(_Busy(side, start, end, share))
        free = np.where(side == np.array([[[0]], [[1]]]), end, free)
    return Timetable(started, done, moved)


@dataclass(frozen=True, eq=False)
class _Busy:
    """A layer that keeps a share of the DRAM while it runs; shape (blocks, candidates), sides (candidates,)."""

    side: NDArray[np.int8]
    start_s: FloatArray
    end_s: FloatArray
    share: FloatArray

    def away(self, side: NDArray[np.int8]) -> bool:
        """Whether any candidate has it on the other side and in need of the DRAM."""
        return bool((self.side != side).any() and self.share.any())


def _shares(alone_s: FloatArray, dram_s: FloatArray) -> FloatArray:
    """Share of the DRAM's time that each layer needs while it runs, 0 to 1."""
    never = np.isinf(alone_s) | (alone_s <= 0)
    return np.where(never, 0.0, np.minimum(dram_s / np.where(never, 1.0, alone_s), 1.0))


def _slowed(
    start: FloatArray, alone_s: FloatArray, share: FloatArray, busy: Sequence[_Busy], side: NDArray[np.int8]
) -> FloatArray:
    """When a layer ends that starts at ``start`` and gets what earlier layers on the other side leave of the DRAM."""
    if not (busy and share.any()):
        return start + alone_s
    never = np.isinf(start)
    now, left = np.where(never, 0.0, start), np.broadcast_to(alone_s, start.shape)
    need = np.where(share > 0, share, 1.0)
    for other in busy:
        beside = (other.side != side) & (share > 0) & (other.share > 0) & (other.end_s > now)
        if not beside.any():
            continue
        start_s, end_s = np.where(beside, other.start_s, now), np.where(beside, other.end_s, now)
        before = np.clip(start_s - now, 0.0, left)
        now, left = now + before, left - before
        window = np.where(left > 0, end_s - now, 0.0)
        pace = np.clip((1.0 - other.share) / need, 0.0, 1.0)
        ends = left <= pace * window
        now = now + np.where(ends, left / np.where(pace > 0, pace, 1.0), window)
        left = np.where(ends, 0.0, left - pace * window)
    return np.where(never, np.inf, now + left)


def moved_results(sources: Sources, sides: Sides) -> NDArray[np.bool_]:
    """Which results some reader on the other side asks for; shape (candidates, 1 + layers)."""
    moved = np.zeros(sides.shape, dtype=bool)
    for layer, read in enumerate(sources, start=1):
        for source in read:
            moved[:, source] |= sides[:, source] != sides[:, layer]
    return moved
