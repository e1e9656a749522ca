"""Matrix products on a systolic array."""

from __future__ import annotations

import numpy as np

from archlock.hwcost.system.hardware import Hardware, Npu
from archlock.hwcost.system.systolic_array import Dataflow
from archlock.hwcost.units.costs import Bound, Cause, UnitCosts, ceil_divide
from archlock.hwcost.units.npu_accesses import Unrolling, array_accesses, map_to_array, take_turns, unroll
from archlock.hwcost.units.npu_energy import product_energy
from archlock.hwcost.units.systolic import folded_cycles, laid_out
from archlock.hwcost.units.tiling import best_fetches
from archlock.hwcost.units.traffic import Traffic, buffering_energy
from archlock.hwcost.workload.layers import Layers


def npu_costs(
    layers: Layers, traffic: Traffic, npu: Npu, hardware: Hardware, unrolling: Unrolling | None = None
) -> UnitCosts:
    """Matrix products on the systolic array; ``layers`` and ``traffic`` hold products alone.

    Transfers overlap with computing (double buffering): latency is the longer of the two, and what is longer than
    computing is a stall. Where an operand does not fit half the SRAM, tiles are fetched again in the order that moves
    the fewest bytes. Every byte from DRAM is written to SRAM and every byte to DRAM read from it, except weights that
    go straight into the cells.

    Args:
        layers: matrix products, of one network or of many.
        traffic: their DRAM bytes.
        npu: the array.
        hardware: the system that it is part of.
        unrolling: how another tool lays the products over the array; as few folds as can be where None.
    """
    memories = hardware.memories
    m, k, n = layers.m, layers.k, layers.n
    unrolling = unrolling or unroll(m, k, n, npu.array)
    folds, streamed = unrolling.row_folds * unrolling.column_folds, laid_out(m, k, n, npu.array.dataflow)[2]
    turns = ceil_divide(layers.count, unrolling.abreast)
    compute_s = folded_cycles(folds, streamed, npu.array) * turns / npu.clock_hz
    share = np.minimum(layers.dynamic_bytes / layers.in_bytes, 1.0)
    first_dram = traffic.in_bytes * (1 - share)
    second_dram = traffic.in_bytes * share + layers.weight_bytes
    fetches = best_fetches(layers, first_dram, second_dram, memories.sram_bytes // 2)
    first_bytes, second_bytes = first_dram * fetches.first, second_dram * fetches.second
    dram_bytes = first_bytes + second_bytes + traffic.out_bytes
    transfer_s = dram_bytes / memories.dram_bytes_per_s
    in_cells = ~(npu.weights_from_sram | layers.dynamic)
    per_cycle = npu.array.columns if npu.weights_from_sram else memories.dram_bytes_per_s / npu.clock_hz
    mapping = map_to_array(m, k, n, unrolling, npu.array.dataflow, npu.registers, per_cycle)
    if npu.registers.operand_bytes > 1 and npu.array.dataflow is not Dataflow.OUTPUT_STATIONARY:
        mapping = take_turns(mapping, npu.registers, memories.sram_word_bytes, memories.sram_j_per_byte)
    accesses = array_accesses(mapping, npu.array.dataflow, npu.registers, memories.sram_word_bytes)
    charges = product_energy(accesses, m * k * n, layers.count, in_cells, npu, memories)
    buffered_bytes = first_bytes + np.where(in_cells, 0.0, second_bytes)
    charges[Cause.SRAM] += buffering_energy(buffered_bytes, traffic.out_bytes, memories)
    charges[Cause.DRAM] = dram_bytes * memories.dram_j_per_byte
    bound = np.where(transfer_s > compute_s, Bound.DRAM, Bound.COMPUTE).astype(np.int8)
    return UnitCosts(np.maximum(compute_s, transfer_s), charges, bound, dram_bytes)
