"""Laws of what an array reads and writes, and of which folds it holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from archlock.errors import HardwareError
from archlock.hwcost import Workload, estimate, load_hardware, trace
from archlock.hwcost.system.hardware import Npu
from archlock.hwcost.system.registers import Registers
from archlock.hwcost.system.systolic_array import Dataflow, SystolicArray
from archlock.hwcost.units.costs import Cause
from archlock.hwcost.units.npu import npu_costs
from archlock.hwcost.units.npu_accesses import (
    Accesses,
    ArrayMapping,
    array_accesses,
    held_folds,
    map_to_array,
    take_turns,
    unroll,
)
from archlock.hwcost.units.traffic import dram_traffic

sizes = st.integers(1, 3000)
flows = st.sampled_from(list(Dataflow))


def one(*values: int) -> list[np.ndarray]:
    return [np.array([value]) for value in values]


def mapped(sizes_of: list[np.ndarray], array: SystolicArray, registers: Registers) -> ArrayMapping:
    """On an array that loads a row of operands in a cycle."""
    return map_to_array(*sizes_of, unroll(*sizes_of, array), array.dataflow, registers, array.columns)


def accesses(m: int, k: int, n: int, array: SystolicArray, registers: Registers, word: int = 1) -> Accesses:
    return array_accesses(mapped(one(m, k, n), array, registers), array.dataflow, registers, word)


def sram_bytes(found: Accesses) -> float:
    return float((found.streamed_bytes + found.stationary_bytes + found.sram_sum_reads + found.sram_sum_writes)[0])


@given(sizes, sizes, sizes, flows)
def test_sram_feeds_every_operand_once_or_more(m: int, k: int, n: int, flow: Dataflow) -> None:
    compulsory = m * k + k * n + m * n
    assert sram_bytes(accesses(m, k, n, SystolicArray(16, 32, flow), Registers())) >= compulsory * (1 - 1e-12)
    huge = SystolicArray(4096, 4096, flow)
    assert sram_bytes(accesses(m, k, n, huge, Registers())) == pytest.approx(compulsory)


@given(sizes, sizes, sizes, flows, st.sampled_from([1, 2, 8, 64]))
def test_whole_words_never_move_less(m: int, k: int, n: int, flow: Dataflow, word: int) -> None:
    array = SystolicArray(16, 32, flow)
    plain, worded = (sram_bytes(accesses(m, k, n, array, Registers(), size)) for size in (1, word))
    assert worded >= plain * (1 - 1e-12)


@given(sizes, sizes, sizes, st.sampled_from([Dataflow.WEIGHT_STATIONARY, Dataflow.INPUT_STATIONARY]))
def test_larger_registers_never_send_more_sums_to_sram(m: int, k: int, n: int, flow: Dataflow) -> None:
    array = SystolicArray(8, 8, flow)
    waits = [
        float(accesses(m, k, n, array, Registers(operand_bytes=size)).sram_sum_reads[0]) for size in (1, 4, 32, 256)
    ]
    assert waits == sorted(waits, reverse=True)


@given(sizes, sizes, sizes)
def test_input_stationary_is_weight_stationary_transposed(m: int, k: int, n: int) -> None:
    weights, inputs = (SystolicArray(16, 32, flow) for flow in (Dataflow.WEIGHT_STATIONARY, Dataflow.INPUT_STATIONARY))
    registers = Registers(operand_bytes=16)
    first, second = accesses(m, k, n, inputs, registers, 8), accesses(n, k, m, weights, registers, 8)
    for name in Accesses.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), name)


def test_a_product_worked_out_by_hand() -> None:
    registers = Registers(operand_bytes=4, sum_bytes=2)
    found = accesses(10, 96, 24, SystolicArray(16, 8), registers)
    macs = 10 * 96 * 24
    assert found.operand_writes[0] == 96 * 24, "every weight is loaded once"
    assert found.operand_reads[0] == macs, "two of six folds take turns in a cell"
    assert found.streamed_bytes[0] == 10 * 96 * 3, "the inputs stream past three times"
    assert found.sum_reads[0] == macs + macs / 2, "one sum leaves for two folds"
    assert found.sum_writes[0] == macs + macs / 2 * 2 / 3, "the first of three passes begins with nothing"
    assert found.sram_sum_reads[0] == 2 * 2 * 10 * 24
    assert found.sram_sum_writes[0] == 2 * 2 * 10 * 24 + 10 * 24


def test_an_output_stationary_product_worked_out_by_hand() -> None:
    found = accesses(20, 100, 24, SystolicArray(16, 8, Dataflow.OUTPUT_STATIONARY), Registers())
    macs = 20 * 100 * 24
    assert found.streamed_bytes[0] == 20 * 100 * 3 + 100 * 24 * 2, "each operand once per fold of the other"
    assert (found.sum_reads[0], found.sum_writes[0]) == (macs + 20 * 24, macs), "a sum leaves once, finished"
    assert (found.operand_reads[0], found.sram_sum_reads[0], found.sram_sum_writes[0]) == (0, 0, 20 * 24)


def test_a_cell_that_holds_one_fold_reads_its_weight_once() -> None:
    found = accesses(1000, 16, 8, SystolicArray(16, 8), Registers(operand_bytes=128))
    assert found.operand_reads[0] == found.operand_writes[0] == 16 * 8


def test_held_folds_take_what_loads_unseen_unless_sums_cost_more() -> None:
    registers = Registers(operand_bytes=128)
    fast, slow = np.array([1.0]), np.array([32.0])

    def held(folds: int, m: int, load: np.ndarray) -> int:
        return int(held_folds(*one(folds), np.array([m]), np.array([8]), load, registers)[0])

    assert held(36, 3136, slow) == 36, "the whole sum fits behind itself"
    assert held(72, 784, slow) == 36, "sums that leave twice are cheaper than a load of 72 folds that shows"
    assert held(72, 784, fast) == 72
    assert held(72, 3136, slow) == 72, "showing the load once is cheaper than sums that leave"
    assert held(300, 49, fast) == 60, "a sum larger than the registers is cut evenly"


@given(st.integers(1, 400), st.integers(1, 4000), st.integers(1, 50), st.floats(0.5, 64), st.integers(1, 256))
def test_a_cell_holds_no_more_than_it_has_room_for(
    folds: int, m: int, columns: int, load: float, operand_bytes: int
) -> None:
    registers = Registers(operand_bytes=operand_bytes)
    held = int(held_folds(*one(folds, m, columns), np.array([load]), registers)[0])
    assert 1 <= held <= min(folds, operand_bytes)


def test_an_unrolling_of_another_tool_takes_the_place_of_ours_and_nothing_else() -> None:
    """Products laid as we lay them cost the same; more folds take longer and read inputs more often."""
    hardware = load_hardware("npu-tpu-like")
    workload = trace(nn.Conv2d(96, 64, 1, bias=False), (1, 96, 8, 8))
    products, traffic = workload.layers.products, dram_traffic(workload.layers, hardware)
    ours = unroll(products.m, products.k, products.n, hardware.npu.array)
    alone = npu_costs(products, traffic, hardware.npu, hardware)
    same = npu_costs(products, traffic, hardware.npu, hardware, ours)
    np.testing.assert_array_equal(same.latency_s, alone.latency_s)
    np.testing.assert_array_equal(same.energy_j, alone.energy_j)
    finer = npu_costs(products, traffic, hardware.npu, hardware, replace(ours, column_folds=2 * ours.column_folds))
    assert finer.charges[Cause.SRAM] > alone.charges[Cause.SRAM]
    assert finer.charges[Cause.DRAM] == alone.charges[Cause.DRAM]


def test_column_folds_take_turns_where_that_is_cheaper() -> None:
    def turned(m: int, n: int, read_j: float, sram_j: float) -> int:
        registers = Registers(operand_bytes=8, operand_read_j=read_j)
        mapping = mapped(one(m, 16, n), SystolicArray(16, 8), registers)
        return int(take_turns(mapping, registers, 1, sram_j).turns[0])

    assert turned(50, 24, 0.0, 1.0) == 3, "reading SRAM once instead of three times"
    assert turned(50, 24, 1.0, 0.1) == 1, "registers that cost more than SRAM"
    assert turned(50, 8, 0.0, 1.0) == 1
    assert turned(50, 8 * 20, 0.0, 1.0) == 4, "half of the registers, the rest loads behind"


def test_registers_are_a_cause_of_their_own_and_add_up(plain: Workload) -> None:
    hardware = load_hardware("npu-tpu-like")
    cost = estimate(plain, hardware, "npu-only")
    assert cost.energy_by_cause_j["register"] > 0
    assert cost.energy_j == pytest.approx(sum(cost.energy_by_cause_j.values()))
    assert cost.energy_j == pytest.approx(sum(row.energy_j for row in cost.rows))
    silent = replace(hardware, npu=replace(hardware.npu, registers=Registers(operand_bytes=128, sum_bytes=2)))
    without = estimate(plain, silent, "npu-only")
    assert without.energy_j == pytest.approx(cost.energy_j - cost.energy_by_cause_j["register"])


@pytest.mark.parametrize("name", ["npu-edge", "npu-micro", "edge-npu-cim"])
def test_profiles_that_state_a_mac_with_its_registers_do_not_pay_them_twice(name: str, plain: Workload) -> None:
    assert load_hardware(name).npu.registers == Registers()
    assert estimate(plain, load_hardware(name), "npu-only").energy_by_cause_j["register"] == 0


def test_weights_that_go_straight_into_the_cells_skip_sram() -> None:
    straight = load_hardware("npu-tpu-like")
    through = replace(straight, npu=replace(straight.npu, weights_from_sram=True))
    workload = trace(nn.Conv2d(16, 64, 1, bias=False), (1, 16, 8, 8))
    less, more = (estimate(workload, each, "npu-only").energy_by_cause_j["sram"] for each in (straight, through))
    memories = straight.memories
    assert more - less == pytest.approx(16 * 64 * (memories.sram_j_per_byte + memories.sram_store_j_per_byte))


@pytest.mark.parametrize("flow", [Dataflow.OUTPUT_STATIONARY, Dataflow.INPUT_STATIONARY])
def test_only_weights_that_stay_may_come_straight_from_dram(flow: Dataflow) -> None:
    with pytest.raises(HardwareError, match=f"needs the dataflow ws, not {flow.value}"):
        Npu(SystolicArray(8, 8, flow), 1e9, 1e-13, 0.0, weights_from_sram=False)


@pytest.mark.parametrize("sizes_of", [{"operand_bytes": 0}, {"sum_bytes": 0}])
def test_registers_hold_at_least_a_byte(sizes_of: dict[str, int]) -> None:
    with pytest.raises(HardwareError, match="at least 1 byte"):
        Registers(**sizes_of)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(sizes, sizes, sizes), min_size=1, max_size=6), flows)
def test_layers_do_not_see_each_other(products: list[tuple[int, int, int]], flow: Dataflow) -> None:
    array, registers = SystolicArray(16, 32, flow), Registers(operand_bytes=32)
    many = [np.array(column) for column in zip(*products, strict=True)]
    mapping = mapped(many, array, registers)
    together = array_accesses(mapping, flow, registers, 8)
    for i, sizes_of in enumerate(products):
        alone = accesses(*sizes_of, array, registers, 8)
        for name in Accesses.__dataclass_fields__:
            assert getattr(together, name)[i] == pytest.approx(getattr(alone, name)[0])
