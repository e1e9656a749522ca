from __future__ import annotations

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from archlock.errors import HardwareError
from archlock.hwcost import (
    OBJECTIVES,
    SCHEMAS,
    Hardware,
    Workload,
    WorkloadBatch,
    estimate,
    estimate_batch,
    load_hardware,
    trace,
)
from archlock.hwcost.schedule.sides import SIDES, side_costs, transfer_costs
from archlock.hwcost.units.cim import cim_costs, map_to_macros
from archlock.hwcost.units.costs import Cause
from archlock.hwcost.units.traffic import dram_traffic

positive = st.floats(0.05, 20)

TURNS = ("npu-only", "cim-only", "sequential", "resident")
"""Schemas in which one thing runs at a time."""


def scaled(system: Hardware, dram: float, link: float, macros: int, sram_bytes: int) -> Hardware:
    """The system with other bandwidths, macro count and SRAM."""
    return replace(
        system,
        memories=replace(
            system.memories, dram_bytes_per_s=dram * system.memories.dram_bytes_per_s, sram_bytes=sram_bytes
        ),
        link=replace(system.link, bytes_per_s=link * system.link.bytes_per_s),
        cim=replace(system.cim, macros=macros),
    )


systems = st.tuples(positive, positive, st.integers(1, 40), st.sampled_from([256, 4096, 65536, 2**20]))


@settings(max_examples=12, deadline=None)
@given(systems, st.sampled_from(SCHEMAS), st.sampled_from(OBJECTIVES))
def test_energy_is_the_sum_of_its_causes_and_rows(
    hybrid: Workload, system: Hardware, figures: tuple[float, float, int, int], schema: str, objective: str
) -> None:
    cost = estimate(hybrid, scaled(system, *figures), schema, objective)
    assert cost.energy_j == sum(cost.energy_by_cause_j.values())
    assert sum(row.energy_j for row in cost.rows) == pytest.approx(cost.energy_j, rel=1e-12)
    busy = sum(row.latency_s for row in cost.rows)
    assert sum(cost.latency_by_unit_s().values()) == pytest.approx(busy, rel=1e-12)
    assert sum(cost.latency_by_bound_s().values()) == pytest.approx(busy, rel=1e-12)
    if schema in TURNS:
        assert busy == pytest.approx(cost.latency_s, rel=1e-12)
        assert cost.throughput_per_s == pytest.approx(1 / cost.latency_s)
    leakage = cost.energy_by_cause_j["leakage"]
    period = 1 / cost.throughput_per_s if schema == "pipelined" else cost.latency_s
    assert leakage == pytest.approx(scaled(system, *figures).leakage_w * period)
    assert max(row.start_s + row.latency_s for row in cost.rows) <= cost.latency_s * (1 + 1e-9)
    assert sum(row.macs for row in cost.rows) == hybrid.macs
    assert all(0 <= row.utilisation <= 1 + 1e-9 for row in cost.rows)
    assert {cause.label for cause in Cause} == set(cost.energy_by_cause_j)


@settings(max_examples=12, deadline=None)
@given(systems, st.sampled_from(OBJECTIVES))
def test_sequential_is_at_least_as_good_as_either_unit_alone(
    hybrid: Workload, system: Hardware, figures: tuple[float, float, int, int], objective: str
) -> None:
    hardware = scaled(system, *figures)
    field = f"{objective}_{'s' if objective == 'latency' else 'j'}"
    best, npu, cim = (
        getattr(estimate(hybrid, hardware, schema, objective), field)
        for schema in ("sequential", "npu-only", "cim-only")
    )
    assert best <= min(npu, cim) * (1 + 1e-12)


@settings(max_examples=12, deadline=None)
@given(systems, st.sampled_from(SCHEMAS), st.floats(1, 8), st.integers(0, 30))
def test_more_bandwidth_and_more_macros_never_slow_a_network_down(
    hybrid: Workload, system: Hardware, figures: tuple[float, float, int, int], schema: str, faster: float, more: int
) -> None:
    dram, link, macros, sram = figures
    before = estimate(hybrid, scaled(system, dram, link, macros, sram), schema)
    for better in (
        scaled(system, dram * faster, link, macros, sram),
        scaled(system, dram, link * faster, macros, sram),
        scaled(system, dram, link, macros + more, sram),
    ):
        after = estimate(hybrid, better, schema)
        if schema == "pipelined":  # its latency may grow where inputs follow each other faster
            assert after.objective_bound <= 1 / before.throughput_per_s * (1 + 1e-9)
        elif macros + more <= 32:  # above, resident hands macros out in groups
            assert after.latency_s <= before.latency_s * (1 + 1e-12)


class Residual(nn.Module):
    """Two branches and a skip, small enough to try every assignment."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.left, self.right = (
            nn.Conv2d(3, 32, 3, padding=1),
            nn.Conv2d(32, 32, 1),
            nn.Conv2d(32, 32, 3, padding=1),
        )
        self.last = nn.Conv2d(32, 96, 1)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.first(images)
        return self.last(maps + self.left(maps) + self.right(maps)).mean(dim=(2, 3))


@pytest.fixture(scope="module")
def residual() -> Workload:
    return trace(Residual(), (1, 3, 12, 12))


@settings(max_examples=8, deadline=None)
@given(systems, st.sampled_from(OBJECTIVES))
def test_sequential_is_the_best_of_all_assignments(
    residual: Workload, system: Hardware, figures: tuple[float, float, int, int], objective: str
) -> None:
    workload, hardware = residual, scaled(system, *figures)
    costs, moves = side_costs(workload.layers, hardware, SIDES), transfer_costs(workload.layers, hardware)
    unit = [c.latency_s if objective == "latency" else c.energy_j.sum(axis=0) for c in costs]
    move = moves.latency_s if objective == "latency" else moves.energy_j.sum(axis=0)

    def total(sides: tuple[int, ...]) -> float:
        moved = {
            source
            for target in range(len(workload))
            for source in workload.predecessors(target)
            if source >= 0 and sides[source] != sides[target]
        }
        return float(sum(unit[side][i] for i, side in enumerate(sides)) + sum(move[i] for i in moved))

    best = min(total(sides) for sides in itertools.product((0, 1), repeat=len(workload)))
    cost = estimate(workload, hardware, "sequential", objective)
    assert (cost.latency_s if objective == "latency" else cost.energy_j) == pytest.approx(best, rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(systems, st.sampled_from(SCHEMAS), st.sampled_from(OBJECTIVES))
def test_a_batch_agrees_with_single_estimates(
    hybrid: Workload,
    plain: Workload,
    residual: Workload,
    system: Hardware,
    figures: tuple[float, float, int, int],
    schema: str,
    objective: str,
) -> None:
    hardware, many = scaled(system, *figures), [hybrid, plain, hybrid, residual, plain]
    batch = estimate_batch(WorkloadBatch.of(many), hardware, schema, objective)
    alone = [estimate(workload, hardware, schema, objective) for workload in many]
    np.testing.assert_allclose(batch.latency_s, [cost.latency_s for cost in alone], rtol=1e-9)
    np.testing.assert_allclose(batch.energy_j, [cost.energy_j for cost in alone], rtol=1e-9)
    np.testing.assert_allclose(batch.throughput_per_s, [cost.throughput_per_s for cost in alone], rtol=1e-9)
    assert batch.feasible.all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 2000), st.integers(1, 2000), st.integers(1, 600), st.integers(1, 300), st.integers(1, 64))
def test_macros_hold_and_multiply_everything(m: int, k: int, n: int, count: int, macros: int) -> None:
    cim = replace(load_hardware("cim-dsram-22").cim, macros=macros)
    mapping = map_to_macros(*(np.array([size]) for size in (m, k, n, count)), cim)
    assert mapping.written_bits[0] >= 8 * k * n * count
    assert mapping.load_cycles[0] * macros * cim.write_bits_per_cycle >= 8 * k * n * count
    peak = macros * cim.rows * cim.columns / cim.cycles_per_product
    assert mapping.compute_cycles[0] * peak >= m * k * n * count


def test_cim_latency_is_at_least_loading_plus_computing(hybrid: Workload, system: Hardware) -> None:
    products = hybrid.layers.products
    costs = cim_costs(products, dram_traffic(hybrid.layers, system).of(hybrid.layers.is_matrix), system.cim, system)
    mapping = map_to_macros(products.m, products.k, products.n, products.count, system.cim)
    both = (mapping.load_cycles + mapping.compute_cycles) / system.cim.clock_hz
    assert (costs.latency_s >= both * (1 - 1e-12)).all()
    assert (mapping.load_cycles > 0).all()


def test_compulsory_dram_traffic_is_exact(plain: Workload) -> None:
    hardware = load_hardware("npu-edge")
    cost = estimate(plain, hardware, "npu-only")
    compulsory = 3 * 16 * 16 + 10 + plain.weight_bytes
    assert cost.energy_by_cause_j["dram"] == pytest.approx(compulsory * hardware.memories.dram_j_per_byte)


def test_a_small_sram_spills_and_fetches_again(zoo: SimpleNamespace) -> None:
    workload = trace(zoo.PlainConvs((32, 64)), (1, 3, 32, 32))
    hardware = load_hardware("npu-edge")
    sizes = [2**20, 2**15, 2**13, 2**11]
    small = [replace(hardware, memories=replace(hardware.memories, sram_bytes=size)) for size in sizes]
    energy = [estimate(workload, each).energy_by_cause_j["dram"] for each in small]
    assert energy == sorted(energy)
    assert energy[-1] > 5 * energy[0]


def test_rram_refuses_operands_computed_on_the_way(hybrid: Workload, plain: Workload) -> None:
    rram = load_hardware("cim-rram")
    with pytest.raises(HardwareError, match=r"attention:bmm: cim-rram forbids operands computed"):
        estimate(hybrid, rram, "cim-only")
    assert estimate(plain, rram, "cim-only").latency_s > 0
    assert estimate_batch(WorkloadBatch.of([hybrid, plain]), rram, "cim-only").feasible.tolist() == [False, True]
    both = replace(load_hardware("edge-npu-cim"), cim=rram.cim)
    sides = {row.name: row.side for row in estimate(hybrid, both).rows if row.kind == "matmul"}
    assert set(sides.values()) == {"npu"}
    assert estimate_batch(WorkloadBatch.of([hybrid]), both).feasible.all()


def test_cells_that_are_written_for_every_inference_and_wear_out_are_noted(plain: Workload) -> None:
    rram = load_hardware("cim-rram")
    (note,) = estimate(plain, rram, "cim-only").notes
    assert note.startswith(f"{int(plain.layers.is_matrix.sum())} layers on rram macros are written for every inference")
    assert estimate(plain, rram, "cim-only").as_dict()["notes"] == [note]
    many = replace(rram, cim=replace(rram.cim, macros=64))
    assert estimate(plain, many, "resident").notes == (), "all weights stay"
    (note,) = estimate(plain, many, "cim-only").notes
    assert note.endswith(
        "wears the cells out: use the schema resident (all weights fit, 3 of 64), or a system with an npu"
    )
    assert estimate(plain, load_hardware("cim-dsram-22"), "cim-only").notes == (), "cells that do not wear"


@pytest.mark.parametrize(
    ("macros", "again", "way"),
    [
        (2, 3, "use more macros (all weights need 3 and there are 2), or a system with an npu"),
        (3, 2, "use more macros (all weights fit, 3 of 3, but writing some again is more frugal), or a system with an"),
        (64, 0, ""),
    ],
)
def test_what_wears_although_the_schema_lets_weights_stay_is_told_without_naming_that_schema(
    plain: Workload, macros: int, again: int, way: str
) -> None:
    rram = load_hardware("cim-rram")
    few = replace(rram, cim=replace(rram.cim, macros=macros))
    cost = estimate(plain, few, "resident", "energy")
    assert sum(row.unit == "cim" and not row.resident for row in cost.rows) == again
    assert bool(cost.notes) == bool(again)
    assert all(note.startswith(f"{again} layers") and way in note for note in cost.notes)
    both = replace(few, npu=load_hardware("edge-npu-cim").npu)
    assert all("npu" not in note for note in estimate(plain, both, "cim-only").notes), "it has one"


def test_a_free_link_and_slow_npu_move_everything_to_cim(hybrid: Workload, system: Hardware) -> None:
    slow = replace(system, npu=replace(system.npu, clock_hz=1e5))
    rows = estimate(hybrid, slow).rows
    assert {row.side for row in rows if row.macs} == {"cim"}
    assert not any(row.unit == "link" for row in rows)


@pytest.mark.parametrize(
    ("profile", "schema", "objective", "message"),
    [
        ("npu-edge", "cim-only", "latency", "npu-edge has no cim: use the schema npu-only"),
        ("cim-rram", "npu-only", "latency", "cim-rram has no npu: use the schema cim-only"),
        ("npu-edge", "sequental", "latency", "no schema 'sequental'. Did you mean 'sequential'?"),
        ("npu-edge", "npu-only", "energie", "no objective 'energie'. Did you mean 'energy'?"),
    ],
)
def test_wrong_requests_are_one_clear_line(
    plain: Workload, profile: str, schema: str, objective: str, message: str
) -> None:
    with pytest.raises(HardwareError) as caught:
        estimate(plain, load_hardware(profile), schema, objective)
    assert str(caught.value) == message


class Dense(nn.Module):
    """Every layer reads all before it."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3 + 16 * i, 16, 3, padding=1) for i in range(depth))

    def forward(self, images: Tensor) -> Tensor:
        maps = [images]
        for conv in self.convs:
            maps.append(conv(torch.cat(maps, 1)))
        return torch.cat(maps, 1).mean(dim=(2, 3))


def test_a_tangled_network_is_costed_alone_and_refused_in_a_batch(system: Hardware) -> None:
    workload = trace(Dense(24), (1, 3, 16, 16))
    best, npu, cim = (estimate(workload, system, schema).latency_s for schema in ("sequential", "npu-only", "cim-only"))
    assert best <= min(npu, cim) * (1 + 1e-7)
    with pytest.raises(HardwareError, match="alone, not in a batch"):
        estimate_batch(WorkloadBatch.of([workload]), system)
    assert estimate_batch(WorkloadBatch.of([workload]), system, "npu-only").latency_s == pytest.approx([npu])


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(HardwareError, match="at least one"):
        WorkloadBatch.of([])


def dominant(network: nn.Module, shape: tuple[int, int, int, int], hardware: str, schema: str) -> tuple[str, str]:
    """The largest cause of energy, and the unit or bound that takes most of the time."""
    cost = estimate(trace(network, shape), load_hardware(hardware), schema)
    times = cost.latency_by_bound_s()
    return max(cost.energy_by_cause_j.items(), key=lambda item: item[1])[0], max(times, key=lambda name: times[name])


def test_each_forgotten_cost_can_decide() -> None:
    fat = nn.Sequential(nn.Flatten(), nn.Linear(3072, 4096))
    assert dominant(fat, (1, 3, 32, 32), "npu-edge", "npu-only") == ("dram", "dram")
    assert dominant(fat, (1, 3, 32, 32), "cim-dsram-22", "cim-only")[1] == "weight load"
    assert dominant(nn.Softmax(dim=1), (1, 16, 32, 32), "npu-edge", "npu-only")[1] == "compute"
    long = nn.Sequential(*[nn.Conv2d(64 if i else 3, 64, 3, padding=1) for i in range(8)])
    assert dominant(long, (1, 3, 32, 32), "npu-edge", "npu-only")[1] == "compute"
    deep = nn.Sequential(*[nn.Conv2d(64 if i else 3, 64, 3, padding=1) for i in range(8)])
    assert dominant(deep, (1, 3, 32, 32), "cim-rram", "cim-only")[0] == "adc"
