"""Blocks of a graph, and the best way to run them, against definitions that look at the whole graph."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.hwcost.assignment import block_chain
from archlock.hwcost.assignment.block_chain import Best, best_whole
from archlock.hwcost.assignment.block_table import all_sides
from archlock.hwcost.assignment.blocks import Edges, blocks_of
from archlock.hwcost.assignment.side_by_side import timetable
from archlock.hwcost.assignment.tasks import Tasks, Weights

Graph = tuple[int, Edges]
LATENCY, ENERGY = Weights(1.0, 0.0), Weights(0.3, 1.0)


@st.composite
def graphs(draw: st.DrawFn, most: int = 7) -> Graph:
    """Directed acyclic graphs in execution order, mostly connected."""
    layers = draw(st.integers(1, most))
    edges = set()
    for target in range(1, layers):
        edges |= {(source, target) for source in draw(st.sets(st.integers(0, target - 1), max_size=3))}
    return layers, tuple(sorted(edges))


def drawn(seed: int, layers: int, split: bool, barred: bool = False) -> Tasks:
    """Random times and energies; split layers are up to half as long, at twice the energy."""
    rng = np.random.default_rng(seed)
    alone_s, alone_j = rng.random((2, layers, 2))
    if barred:
        alone_s[rng.random(layers) < 0.3, 1] = np.inf
    gain = rng.uniform(0.5, 1.0, (layers, 2)) if split else np.ones((layers, 2))
    moves = rng.random((2, layers)) * rng.choice([0.0, 0.1, 1.0])
    dram_s = np.where(np.isinf(alone_s), 0, alone_s) * rng.random((layers, 2)) * rng.choice([0.0, 1.0])
    return Tasks(alone_s, alone_j, dram_s, alone_s * gain, alone_j / gain, *moves)


def solve(graph: Graph, tasks: Tasks, weights: Weights) -> Best:
    return best_whole([blocks_of(*graph)], np.array([0]), tasks, weights)


def ancestors(layers: int, edges: Edges) -> np.ndarray:
    """reach[u, v]: v depends on u."""
    reach = np.zeros((layers, layers), dtype=bool)
    for target in range(layers):
        for source, reader in edges:
            if reader == target:
                reach[:, target] |= reach[:, source]
                reach[source, target] = True
    return reach


@settings(max_examples=40, deadline=None)
@given(graphs(9))
def test_blocks_end_at_the_results_that_everything_passes_through(graph: Graph) -> None:
    layers, edges = graph
    blocks, reach = blocks_of(layers, edges), ancestors(layers, edges)
    passed = [v for v in range(layers) if all(reach[u, v] or reach[v, u] for u in range(layers) if u != v)]
    cuts = [v for v in passed if not any(source < v < target for source, target in edges)]
    assert [block.first for block in blocks[1:]] == [cut + 1 for cut in cuts if cut + 1 < layers]
    again = {
        (block.first - 1 + source, block.first + i)
        for block in blocks
        for i, read in enumerate(block.sources)
        for source in read
    }
    assert again == set(edges)
    assert sum(len(block.sources) for block in blocks) == layers


def simulated(graph: Graph, sides: tuple[int, ...], tasks: Tasks) -> tuple[float, float]:
    """Time and energy of the whole graph, layer by layer, knowing nothing of blocks."""
    layers, edges = graph
    free, link, energy = [0.0, 0.0], 0.0, 0.0
    there: list[dict[int, float]] = []
    busy: list[tuple[float, float, float]] = []
    for layer in range(layers):
        start, side = free[sides[layer]], sides[layer]
        for source in sorted({source for source, target in edges if target == layer}):
            if side not in there[source]:
                takes, done = float(tasks.move_s[source]), there[source][sides[source]]
                arrives = max(link, done) + takes if takes else done
                link = arrives if takes else link
                there[source][side] = arrives
                energy += float(tasks.move_j[source])
            start = max(start, there[source][side])
        alone, dram = float(tasks.alone_s[layer, side]), float(tasks.dram_s[layer, side])
        share = dram / alone if 0 < alone < np.inf else 0.0
        free[side] = served(start, alone, share, [one for at, *one in busy if at != side])
        busy.append((side, start, free[side], share))
        energy += float(tasks.alone_j[layer, side])
        there.append({side: free[side]})
    return max(free), energy


def served(start: float, alone: float, share: float, others: list[list[float]]) -> float:
    """When a layer ends if it gets what earlier layers leave of the DRAM: from one change of that to the next."""
    if np.isinf(start + alone):
        return np.inf
    changes = sorted({time for begin, end, _ in others for time in (begin, end) if start < time < np.inf})
    now, left = start, alone
    for until in (*changes, np.inf):
        taken = sum(part for begin, end, part in others if begin <= now < end)
        pace = min(1.0, max(0.0, 1.0 - taken) / share) if share > 0 else 1.0
        if left <= pace * (until - now):
            return now + left / pace if left else now
        now, left = until, left - pace * (until - now)
    return now


@settings(max_examples=60, deadline=None)
@given(graphs(), st.integers(0, 2**32), st.booleans())
def test_units_side_by_side_never_beat_the_dram_nor_what_either_does_alone(
    graph: Graph, seed: int, barred: bool
) -> None:
    """The shares of the DRAM that are in use never pass one, and no layer is quicker than with the DRAM for itself."""
    layers, edges = graph
    tasks = drawn(seed, layers, split=False, barred=barred)
    sources = tuple(tuple(sorted(source for source, target in edges if target == i)) for i in range(layers))
    block, sides = tuple(tuple(source + 1 for source in read) for read in sources), all_sides(layers)
    moves = np.concatenate([[0.0], tasks.move_s])[None]
    shared = timetable(block, sides, tasks.alone_s[None], tasks.dram_s[None], moves)
    ideal = timetable(block, sides, tasks.alone_s[None], np.zeros_like(tasks.dram_s)[None], moves)
    assert not np.isnan(shared.done_s).any()
    assert (shared.done_s >= ideal.done_s * (1 - 1e-12)).all()
    here = np.arange(layers), sides[:, 1:]
    ends = shared.done_s[0].max(axis=-1)
    assert (ends >= tasks.dram_s[here].sum(axis=1) * (1 - 1e-9)).all()


def test_units_that_both_wait_for_the_dram_wait_in_turn() -> None:
    """10 s of DRAM alone, then 10 s of computing, on each unit: the second unit's start when the first's are there."""
    alone, dram = np.full((1, 4, 2), 10.0), np.array([10.0, 10.0, 0.0, 0.0])[None, :, None] * np.ones(2)
    sides = np.array([[0, 0, 1, 0, 1]], dtype=np.int8)
    times = timetable(((), (), (1,), (2,)), sides, alone, dram, np.zeros((1, 5)))
    assert times.done_s[0, 0].tolist() == [0, 10, 20, 20, 30]


def test_a_layer_is_slowed_by_the_share_that_is_missing_and_no_longer() -> None:
    """8 s that need three quarters of the DRAM beside 4 s that need half: two thirds of the pace for 4 s."""
    alone, dram = np.array([4.0, 8.0])[None, :, None] * np.ones(2), np.array([2.0, 6.0])[None, :, None] * np.ones(2)
    sides = np.array([[0, 0, 1], [0, 0, 0]], dtype=np.int8)
    times = timetable(((), ()), sides, alone, dram, np.zeros((1, 3)))
    assert times.done_s[0, 0] == pytest.approx([0, 4, 4 + (8 - 4 * 2 / 3)])
    assert times.done_s[0, 1] == pytest.approx([0, 4, 12])


def by_definition(graph: Graph, sides: tuple[int, ...], tasks: Tasks, weights: Weights) -> float:
    """Least objective of an assignment: each block side by side under the shared DRAM, or in turns with splits."""
    total = 0.0
    for block in blocks_of(*graph):
        own = list(range(block.first, block.first + len(block.sources)))
        inner = tuple((max(0, s), i) for i, read in enumerate(block.sources, 1) for s in read)
        entry = block.first - 1 if block.first else 0
        part = tasks.of(np.array([entry, *own]))
        part.alone_s[0] = part.alone_j[0] = part.dram_s[0] = part.turn_s[0] = part.turn_j[0] = 0.0
        local = (sides[entry], *(sides[i] for i in own))
        time, energy = simulated((len(own) + 1, inner), local, part)
        moved = {s for s, t in inner if local[s] != local[t]}
        turns = [
            sum(part.turn_s[i, side] for i, side in enumerate(local)) + sum(part.move_s[s] for s in moved),
            sum(part.turn_j[i, side] for i, side in enumerate(local)) + sum(part.move_j[s] for s in moved),
        ]
        either = weights.of(np.array([time, turns[0]]), np.array([energy, turns[1]]))
        total += float(either.min())
    return total


@settings(max_examples=20, deadline=None)
@given(graphs(6), st.integers(0, 2**32), st.booleans(), st.sampled_from([LATENCY, ENERGY]))
def test_every_block_runs_the_better_way(graph: Graph, seed: int, barred: bool, weights: Weights) -> None:
    tasks = drawn(seed, graph[0], split=True, barred=barred)
    every = itertools.product((0, 1), repeat=graph[0])
    best = min(by_definition(graph, sides, tasks, weights) for sides in every)
    assert solve(graph, tasks, weights).objective[0] == pytest.approx(best, rel=1e-12)


@settings(max_examples=10, deadline=None)
@given(graphs(9), st.integers(0, 2**32), st.sampled_from([LATENCY, ENERGY]))
def test_a_searched_block_lies_between_its_bound_and_the_best_in_turns(
    graph: Graph, seed: int, weights: Weights
) -> None:
    tasks = drawn(seed, graph[0], split=True)
    exact = solve(graph, tasks, weights).objective[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block_chain, "MOST_ENUMERATED", 0)
        found = solve(graph, tasks, weights)
        turns_only = solve(graph, replace(tasks, alone_s=np.full_like(tasks.alone_s, np.inf)), weights)
    assert found.bound[0] <= exact * (1 + 1e-9)
    assert exact * (1 - 1e-12) <= found.objective[0] <= turns_only.objective[0] * (1 + 1e-9)


def test_the_work_grows_with_the_layers_of_a_chain_and_no_faster() -> None:
    for layers in (50, 100, 200):
        chain = blocks_of(layers, tuple((i, i + 1) for i in range(layers - 1)))
        assert len(chain) == layers
        assert sum(2 ** (len(block.sources) + 1) * len(block.sources) for block in chain) == 4 * layers


@settings(max_examples=20, deadline=None)
@given(st.lists(graphs(), min_size=1, max_size=4), st.integers(0, 2**32))
def test_many_networks_at_once_are_solved_as_alone(many: list[Graph], seed: int) -> None:
    parts = [drawn(seed + i, graph[0], split=True) for i, graph in enumerate(many)]
    names = Tasks.__dataclass_fields__
    joint = Tasks(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
    starts = np.cumsum([0, *(graph[0] for graph in many)])[:-1]
    together = best_whole([blocks_of(*graph) for graph in many], starts, joint, ENERGY)
    alone = [solve(graph, part, ENERGY) for graph, part in zip(many, parts, strict=True)]
    np.testing.assert_allclose(together.elapsed_s, [best.elapsed_s[0] for best in alone])
    np.testing.assert_allclose(together.objective, [best.objective[0] for best in alone])
