"""Both units at once within a network: branches side by side, or one layer's channels split between the units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from archlock.hwcost.assignment.block_chain import Best, BlockChoice, best_whole
from archlock.hwcost.assignment.blocks import blocks_of
from archlock.hwcost.assignment.side_by_side import moved_results, timetable
from archlock.hwcost.assignment.tasks import Tasks, Weights
from archlock.hwcost.cost import ROUNDING, BatchCost
from archlock.hwcost.schedule.execution import Execution, Step, StepMaker, charge_leakage
from archlock.hwcost.schedule.sides import SIDES, side_costs, transfer_costs
from archlock.hwcost.schedule.split import SplitRun, Splitter
from archlock.hwcost.system.hardware import Hardware
from archlock.hwcost.units.costs import Bound
from archlock.hwcost.workload.layers import BoolArray, Layers, Workload, WorkloadBatch
from archlock.scores import FloatArray


@dataclass(frozen=True, eq=False)
class _Table:
    """What the assignment weighs, and what the steps are made from.

    Attributes:
        tasks: of all layers.
        split: shape (layers, 2), a layer in turns on that side is better split.
        runs: the splits seen from either side.
        beside, turns: steps of whole layers where branches run side by side, and where layers take turns.
    """

    tasks: Tasks
    split: BoolArray
    runs: tuple[SplitRun, SplitRun]
    beside: StepMaker
    turns: StepMaker


def run_parallel(workload: Workload, hardware: Hardware, objective: str) -> Execution:
    """One network, each block between two results that everything passes through run in the better of two ways.

    Either its branches run side by side, every layer whole on one unit (`archlock.hwcost.assignment.side_by_side`), or
    its layers take turns and each matrix product may be split over both units (`archlock.hwcost.schedule.split`).
    The assignment is the exact optimum over sides and ways where no block has more than
    `archlock.hwcost.assignment.block_table.MOST_ENUMERATED` layers; the ratio of a split is the one of least time,
    for the objective energy too. Larger blocks hold a local optimum, never worse than the best in turns, and the
    execution's bound says how much better another could be. Never slower than `run_in_turns`. O(layers) on a chain.
    """
    weights, table = _weights(hardware, objective), _table(workload.layers, hardware, objective)
    blocks = blocks_of(len(workload), workload.inner_edges)
    best = best_whole([blocks], np.zeros(1, dtype=np.intp), table.tasks, weights)
    if np.isinf(best.elapsed_s[0]):
        return _impossible(table)
    steps, now = [], 0.0
    for choice in best.choices(blocks):
        part, now = (_in_turns if choice.in_turns else _side_by_side)(table, choice, now)
        steps += part
    leaking = charge_leakage(steps, hardware, now)
    return Execution(leaking, now, now, float(best.bound[0]))


def cost_parallel(workloads: WorkloadBatch, hardware: Hardware, objective: str) -> BatchCost:
    """Many networks in one pass; each as `run_parallel` gives it."""
    best = best_parallel(workloads, hardware, objective)
    energy = best.dynamic_j + hardware.leakage_w * np.where(np.isinf(best.elapsed_s), 0.0, best.elapsed_s)
    return BatchCost(best.elapsed_s, energy, np.isfinite(best.elapsed_s), 1.0 / best.elapsed_s)


def best_parallel(workloads: WorkloadBatch, hardware: Hardware, objective: str) -> Best:
    """The best way to run every network."""
    lengths = [len(workload) for workload in workloads.workloads]
    starts = np.cumsum([0, *lengths[:-1]])
    blocks = [blocks_of(len(workload), workload.inner_edges) for workload in workloads.workloads]
    tasks = _table(workloads.layers, hardware, objective).tasks
    return best_whole(blocks, starts, tasks, _weights(hardware, objective))


def _weights(hardware: Hardware, objective: str) -> Weights:
    return Weights(1.0, 0.0) if objective == "latency" else Weights(hardware.leakage_w, 1.0)


def _table(layers: Layers, hardware: Hardware, objective: str) -> _Table:
    weights, transfers = _weights(hardware, objective), transfer_costs(layers, hardware)
    beside = side_costs(layers, hardware, SIDES, takes_turns=False)
    turns = side_costs(layers, hardware, SIDES)
    splitter = Splitter(layers, hardware)
    runs = splitter.best(0), splitter.best(1)
    whole_s, whole_j = (_paired([getattr(cost, name) for cost in turns]) for name in ("latency_s", "dynamic_j"))
    split_s, split_j = np.full((len(layers), 2), np.inf), np.zeros((len(layers), 2))
    split_s[layers.is_matrix] = _paired([run.elapsed_s for run in runs])
    split_j[layers.is_matrix] = _paired([run.dynamic_j for run in runs])
    split = weights.of(split_s, split_j) < weights.of(whole_s, whole_j)
    tasks = Tasks(
        alone_s=_paired([cost.latency_s for cost in beside]),
        alone_j=_paired([cost.dynamic_j for cost in beside]),
        dram_s=_paired([cost.dram_s for cost in beside]),
        turn_s=np.where(split, split_s, whole_s),
        turn_j=np.where(split, split_j, whole_j),
        move_s=transfers.latency_s,
        move_j=transfers.dynamic_j,
    )
    makers = (StepMaker(layers, hardware, costs, (0, 1), transfers) for costs in (beside, turns))
    return _Table(tasks, split, runs, *makers)


def _paired(values: list[FloatArray]) -> FloatArray:
    return np.stack(values, axis=-1)


def _impossible(table: _Table) -> Execution:
    """Steps of which one never ends, so that the caller can name its layer."""
    barred = np.isinf(table.tasks.turn_s).all(axis=1)
    layer = int(np.flatnonzero(barred)[0])
    return Execution((table.turns.layer(layer, 0, 0.0),), np.inf, np.inf, np.inf)


def _in_turns(table: _Table, choice: BlockChoice, now: float) -> tuple[list[Step], float]:
    """Steps of a block whose layers take turns, and when the last ends."""
    steps: list[Step] = []
    moved = moved_results(choice.block.sources, choice.sides[None])[0]
    for place, side in enumerate(choice.sides.tolist()):
        layer = choice.block.first + place - 1
        if place:
            steps += _turn(table, layer, side, now)
            now += float(table.tasks.turn_s[layer, side])
        if moved[place]:
            steps.append(table.turns.move(layer, 1 - side, now))
            now += steps[-1].latency_s
    return steps, now


def _turn(table: _Table, layer: int, side: int, now: float) -> Iterator[Step]:
    """A layer whose turn it is, whole or split."""
    whole = table.turns.layer(layer, side, now)
    if not table.split[layer, side]:
        yield whole
        return
    run, product = table.runs[side], int(table.turns.layers.is_matrix[:layer].sum())
    units = int(run.npu_units[product]), int(_units(table.turns.layers)[layer])
    share = units[0] / units[1]
    sent, returned = float(run.sent.latency_s[product]), float(run.returned.latency_s[product])
    for unit, part in enumerate(run.parts):
        away, taken = unit != side, (share, 1 - share)[unit]
        start, latency = now + sent * away, float(part.latency_s[product])
        if away and sent:
            yield Step(layer, "link", unit, now, sent, run.sent.energy_j[:, product], Bound.LINK)
        macs = round(whole.macs * taken)
        energy, bound = part.energy_j[:, product], Bound(int(part.bound[product]))
        yield replace(
            whole,
            unit=SIDES[unit],
            start_s=start,
            latency_s=latency,
            energy_j=energy,
            bound=bound,
            macs=macs,
            operations=macs,
        )
        if away and returned:
            yield Step(layer, "link", side, start + latency, returned, run.returned.energy_j[:, product], Bound.LINK)


def _units(layers: Layers) -> NDArray[np.int64]:
    return np.where(layers.count > 1, layers.count, layers.n)


def _side_by_side(table: _Table, choice: BlockChoice, now: float) -> tuple[list[Step], float]:
    """Steps of a block whose branches run at the same time, and when all are done."""
    sources, sides, first = choice.block.sources, choice.sides[None], choice.block.first
    layers = np.arange(first - 1, first + len(sources))
    tasks = table.tasks.of(np.maximum(layers, 0))
    own = tasks.of(np.arange(1, len(layers)))
    times = timetable(sources, sides, own.alone_s[None], own.dram_s[None], tasks.move_s[None])
    starts, done, arrives = times.start_s[0, 0], times.done_s[0, 0], times.moved_s[0, 0]
    steps: list[Step] = []
    for place, side in enumerate(choice.sides.tolist()):
        layer = first + place - 1
        if place:
            whole = table.beside.layer(layer, side, now + float(starts[place]))
            steps.append(_slowed(whole, float(done[place] - starts[place])))
        if np.isfinite(arrives[place]):
            begin = now + float(arrives[place] - tasks.move_s[place])
            steps.append(table.beside.move(layer, 1 - side, begin))
    return steps, now + float(done.max())


def _slowed(step: Step, takes_s: float) -> Step:
    """The step of a layer that takes this long because it waits for the DRAM, if it does."""
    if takes_s <= step.latency_s * (1 + ROUNDING):
        return step
    return replace(step, latency_s=takes_s, bound=Bound.DRAM)
