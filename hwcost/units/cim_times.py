"""How long matrix products take on macros, and what becomes of partial sums that wait for another round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archlock.hwcost.system.cim import CellTechnology
from archlock.hwcost.system.hardware import Cim, Memories
from archlock.hwcost.units.cim_mapping import CimMapping
from archlock.hwcost.units.costs import Bound, ceil_divide
from archlock.hwcost.units.systolic import PARTIAL_SUM_BYTES
from archlock.hwcost.workload.layers import IntArray, Layers
from archlock.scores import FloatArray


@dataclass(frozen=True, eq=False)
class CimTimes:
    """Times of each layer, shape (layers,) each.

    Attributes:
        latency_s: all loads and products.
        first_load_s: with ping-pong cells the load before the first product; 0 without.
        bound: what sets the latency.
    """

    latency_s: FloatArray
    first_load_s: FloatArray
    bound: NDArray[np.int8]


def cim_times(
    layers: Layers,
    cim: Cim,
    memories: Memories,
    mapping: CimMapping,
    load_s: FloatArray,
    activation_bytes: FloatArray,
    adding_s: FloatArray,
    loads: IntArray,
) -> CimTimes:
    """Times of products that lie on the macros as stated.

    Args:
        layers: matrix products alone.
        cim: the macros.
        memories: DRAM bandwidth.
        mapping: how the products lie.
        load_s: shape (layers,), loading all weights of a layer once.
        activation_bytes: shape (layers,), DRAM traffic of activations and partial sums.
        adding_s: shape (layers,), adding partial sums on the vector lanes: while the macros compute and load again,
            from when the first round is written.
        loads: shape (layers,), times that all weights are loaded; 0 where they are resident.
    """
    product_s = mapping.compute_cycles / cim.clock_hz
    activation_s = activation_bytes / memories.dram_bytes_per_s
    all_loads_s, run_s = load_s * loads, np.maximum(product_s, activation_s)
    written_s = np.where(loads > 0, mapping.load_cycles / mapping.rounds / cim.clock_hz, 0.0)
    least_s = written_s + adding_s
    serial_s = np.maximum(all_loads_s + run_s, least_s)
    bound = np.where(activation_s > product_s, Bound.DRAM, Bound.COMPUTE)
    bound = np.where(all_loads_s >= run_s, Bound.WEIGHT_LOAD, bound)
    bound = np.where(least_s > all_loads_s + run_s, Bound.COMPUTE, bound).astype(np.int8)
    if not cim.ping_pong:
        return CimTimes(serial_s, np.zeros(len(layers)), bound)
    rounds = mapping.rounds * np.maximum(loads, 1)
    weights_s = loads * layers.weight_bytes / memories.dram_bytes_per_s
    latency_s = np.maximum(_overlapped(all_loads_s, run_s, rounds), activation_s + weights_s)
    latency_s = np.maximum(latency_s, least_s)
    return CimTimes(latency_s, np.minimum(all_loads_s / rounds, latency_s - adding_s), bound)


def _overlapped(load_s: FloatArray, run_s: FloatArray, rounds: IntArray) -> FloatArray:
    """Rounds of loading and computing where each load but the first takes place under the round before it."""
    per_load, per_run = load_s / rounds, run_s / rounds
    return np.asarray(per_load + (rounds - 1) * np.maximum(per_load, per_run) + per_run, dtype=np.float64)


def waiting_sums(layers: Layers, cim: Cim, memories: Memories, mapping: CimMapping) -> tuple[IntArray, FloatArray]:
    """What is done where partial sums of one column of macros must wait for a round and overflow half the SRAM.

    SRAM cells are written again: the rows of m are cut into tiles whose sums fit, and all weights are loaded for each,
    which moves a fraction of the bytes of the sums. RRAM cells are too slow to write, so that the sums wait in DRAM.

    Args:
        layers: matrix products alone.
        cim: the macros.
        memories: size of the SRAM.
        mapping: how the products lie.

    Returns:
        Times that all weights are loaded, and DRAM bytes of partial sums, written and read; shape (layers,) each.
    """
    half = memories.sram_bytes // 2
    waiting_bytes = PARTIAL_SUM_BYTES * layers.m * np.minimum(layers.n, cim.columns)
    overflows = (mapping.sum_rounds > 1) & (waiting_bytes > half)
    once, nothing = np.ones(len(layers), dtype=np.int64), np.zeros(len(layers))
    if not overflows.any():
        return once, nothing
    if cim.technology != CellTechnology.RRAM:
        return np.where(overflows, np.minimum(ceil_divide(waiting_bytes, half), layers.m), 1), nothing
    sum_bytes = 2 * PARTIAL_SUM_BYTES * layers.m * layers.n * layers.count * (mapping.sum_rounds - 1)
    return once, np.where(overflows, sum_bytes, 0.0)
