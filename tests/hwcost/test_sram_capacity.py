"""Results that wait on chip never take more than the SRAM has, whatever the graph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.hwcost import Hardware, OpKind, estimate, load_hardware
from archlock.hwcost.units.traffic import dram_traffic, spilled
from archlock.hwcost.workload.layers import Layers, Workload, WorkloadBatch

EDGE = load_hardware("npu-edge")
LAWS = settings(max_examples=80, deadline=None)
capacities = st.integers(1, 120)
Reads = list[set[int]]


def with_sram(sram_bytes: int) -> Hardware:
    return replace(EDGE, memories=replace(EDGE.memories, sram_bytes=sram_bytes))


@st.composite
def graphs(draw: st.DrawFn) -> Layers:
    """Graphs with skips: each layer reads some before it, or the network's input (-1)."""
    sizes = draw(st.lists(st.integers(1, 40), min_size=1, max_size=10))
    reads = [draw(st.sets(st.integers(-1, max(i - 1, -1)), min_size=1, max_size=3)) for i in range(len(sizes))]
    return layers_of(sizes, reads)


def layers_of(sizes: list[int], reads: Reads) -> Layers:
    """Additions whose results have these sizes in bytes."""
    edges = [(source, target) for target, read in enumerate(reads) for source in sorted(read)]
    sources, targets = (np.array(column, dtype=np.int64) for column in zip(*edges, strict=True))
    out = np.array(sizes, dtype=np.int64)
    edge_bytes = np.where(sources < 0, 7, out[sources])
    none = np.zeros(len(sizes), dtype=np.int64)
    return Layers(
        kind=np.full(len(sizes), int(OpKind.ELEMENTWISE), dtype=np.int8),
        m=none,
        k=none,
        n=none,
        count=none,
        dynamic=none.astype(bool),
        work=out,
        in_bytes=np.bincount(targets, edge_bytes, minlength=len(sizes)).astype(np.int64),
        weight_bytes=none,
        out_bytes=out,
        is_output=np.arange(len(sizes)) == len(sizes) - 1,
        edge_source=sources,
        edge_target=targets,
        edge_bytes=edge_bytes,
    )


def waiting(layers: Layers, layer: int) -> set[int]:
    """Results made before a layer that it or a later one reads."""
    edges = zip(layers.edge_source.tolist(), layers.edge_target.tolist(), strict=True)
    return {source for source, target in edges if 0 <= source < layer <= target}


def by_definition(layers: Layers, sram_bytes: int) -> list[bool]:
    """Each result beside those that come before it, at every layer while it waits."""
    lives = [[t for t in range(len(layers)) if i in waiting(layers, t)] for i in range(len(layers))]
    rank = [(int(layers.out_bytes[i]), len(lives[i]), i) for i in range(len(layers))]

    def beside(i: int, t: int) -> int:
        return sum(int(layers.out_bytes[j]) for j in waiting(layers, t) if rank[j] <= rank[i])

    half = sram_bytes // 2
    return [rank[i][0] > half or any(beside(i, t) > half for t in lives[i]) for i in range(len(layers))]


@LAWS
@given(graphs(), capacities)
def test_what_stays_on_chip_fits(layers: Layers, sram_bytes: int) -> None:
    spills = spilled(layers, with_sram(sram_bytes))
    assert spills.tolist() == by_definition(layers, sram_bytes)
    for layer in range(len(layers)):
        held = sum(int(layers.out_bytes[i]) for i in waiting(layers, layer) if not spills[i])
        assert held <= sram_bytes // 2
        written = 0 if spills[layer] else int(layers.out_bytes[layer])
        assert held + written <= sram_bytes


@LAWS
@given(graphs(), capacities, st.integers(0, 60))
def test_more_sram_spills_no_other_result_and_moves_no_more(layers: Layers, sram_bytes: int, more: int) -> None:
    small, large = with_sram(sram_bytes), with_sram(sram_bytes + more)
    assert not (spilled(layers, large) & ~spilled(layers, small)).any()
    before, after = dram_traffic(layers, small), dram_traffic(layers, large)
    assert (after.in_bytes <= before.in_bytes).all()
    assert (after.out_bytes <= before.out_bytes).all()


@LAWS
@given(st.lists(st.integers(1, 40), min_size=1, max_size=10), capacities)
def test_in_a_chain_a_result_stays_if_it_fits_half(sizes: list[int], sram_bytes: int) -> None:
    layers = layers_of(sizes, [{i - 1} for i in range(len(sizes))])
    assert spilled(layers, with_sram(sram_bytes)).tolist() == [size > sram_bytes // 2 for size in sizes]


@LAWS
@given(st.lists(graphs(), min_size=1, max_size=4), capacities)
def test_networks_of_a_batch_do_not_share_an_sram(many: list[Layers], sram_bytes: int) -> None:
    works = [Workload(tuple(map(str, range(len(layers)))), layers, (1,)) for layers in many]
    together = spilled(WorkloadBatch.of(works).layers, with_sram(sram_bytes))
    alone = [spilled(layers, with_sram(sram_bytes)) for layers in many]
    assert together.tolist() == np.concatenate(alone).tolist()


def test_a_skip_that_finds_no_room_is_written_once_and_read_by_each_reader() -> None:
    layers = layers_of([20, 12, 12, 12, 20], [{-1}, {0}, {1}, {2, 0}, {3, 0}])
    names = tuple("abcde")
    moved = {}
    for sram_bytes in (64, 63):
        cost = estimate(Workload(names, layers, (1,)), with_sram(sram_bytes), "npu-only")
        moved[sram_bytes] = cost.energy_by_cause_j["dram"] / EDGE.memories.dram_j_per_byte
    assert moved[64] == pytest.approx(7 + 20)
    assert moved[63] == pytest.approx(7 + 20 + 20 * (1 + 3))
