"""Matrix products on compute-in-memory macros."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from archlock.hwcost.system.hardware import Cim, Hardware, Memories
from archlock.hwcost.units.cim_mapping import CimMapping, free_macros, macro_pieces, map_to_macros, resident_copies
from archlock.hwcost.units.cim_times import cim_times, waiting_sums
from archlock.hwcost.units.costs import Cause, Charges, UnitCosts, charge_table
from archlock.hwcost.units.systolic import PARTIAL_SUM_BYTES
from archlock.hwcost.units.traffic import Traffic, buffering_energy
from archlock.hwcost.workload.layers import BoolArray, IntArray, Layers
from archlock.scores import FloatArray

__all__ = ["CimCosts", "CimMapping", "cim_costs", "free_macros", "macro_pieces", "map_to_macros", "resident_copies"]


@dataclass(frozen=True, eq=False)
class CimCosts(UnitCosts):
    """Cost of each layer on the macros, for every inference once resident weights are in the cells.

    Attributes:
        once_latency_s: shape (layers,), loading resident weights once; 0 where not resident.
        once_charges: energy of that load by cause, without leakage; 0 where not resident.
        first_load_s: shape (layers,), with ping-pong cells the part of ``latency_s`` that may hide behind the layer
            that ran on the macros before; 0 without. It is never taken off here.
        rounds: shape (layers,), times that the macros are loaded, or run through where weights are resident.
    """

    once_latency_s: FloatArray
    once_charges: Charges
    first_load_s: FloatArray
    rounds: IntArray

    @cached_property
    def once_energy_j(self) -> FloatArray:
        """Shape (causes, layers), `once_charges` as a table."""
        return charge_table(self.once_charges, len(self.latency_s))


def cim_costs(
    layers: Layers,
    traffic: Traffic,
    cim: Cim,
    hardware: Hardware,
    resident: bool | BoolArray = False,
    network: IntArray | None = None,
    copies: int | IntArray = 1,
) -> CimCosts:
    """Matrix products on compute-in-memory macros; ``layers`` and ``traffic`` hold products alone.

    Latency is loading plus computing, one after the other: loading is the longer of writing the cells and fetching
    the weights, computing the longer of the products and the activations' transfer. With ping-pong cells a round is
    loaded while the one before computes; only the first load of a layer is exposed. Converters are paid per use,
    however few rows of a macro a layer fills. Everything from or to DRAM passes through SRAM. Partial sums that must
    wait for another round and do not fit half the SRAM: see `archlock.hwcost.units.cim_times.waiting_sums`. Where a
    sum is folded, the vector lanes add its parts, one operation each, while the macros compute the next.

    Args:
        layers: matrix products, of one network or of many.
        traffic: their DRAM bytes.
        cim: the macros.
        hardware: the system that they are part of.
        resident: shape (layers,), or the same for all: weights that stay in the cells between inferences. They pay no
            load; the other layers of their network use the macros that are left, and cannot run where none is.
        network: shape (layers,), whose layer each is; one network where None. Read only where weights are resident.
        copies: shape (layers,), how many times resident weights are held; see `resident_copies`.

    Raises:
        HardwareError: resident weights of a network do not fit the macros together, or are a dynamic operand.
    """
    stays = np.broadcast_to(np.asarray(resident, dtype=bool), (len(layers),))
    if not stays.any():
        mapping = map_to_macros(layers.m, layers.k, layers.n, layers.count, cim)
        return _costs(layers, traffic, cim, hardware, mapping, stays, cim.dynamic_operands | ~layers.dynamic)
    free = free_macros(layers, cim, stays, network, copies)
    macros = np.where(stays, macro_pieces(layers, cim) * copies, np.maximum(free, 1))
    most_copies = np.where(stays, copies, layers.m)
    mapping = map_to_macros(layers.m, layers.k, layers.n, layers.count, cim, macros, most_copies)
    allowed = (stays | (free > 0)) & (cim.dynamic_operands | ~layers.dynamic)
    return _costs(layers, traffic, cim, hardware, mapping, stays, allowed)


def _costs(
    layers: Layers,
    traffic: Traffic,
    cim: Cim,
    hardware: Hardware,
    mapping: CimMapping,
    stays: BoolArray,
    allowed: BoolArray,
) -> CimCosts:
    """Costs of products that lie on the macros as stated."""
    memories = hardware.memories
    fetched_bytes = traffic.in_bytes * np.minimum(mapping.rounds, mapping.column_folds)
    load_s = np.maximum(mapping.load_cycles / cim.clock_hz, layers.weight_bytes / memories.dram_bytes_per_s)
    load = _load_energy(layers, cim, memories, mapping)
    additions = partial_additions(layers, mapping)
    loads, spilled_bytes = waiting_sums(layers, cim, memories, mapping)
    loads = np.where(stays, 0, loads)
    fetched_bytes, written_bytes = fetched_bytes + spilled_bytes / 2, traffic.out_bytes + spilled_bytes / 2
    adding_s = additions / hardware.vector.peak_per_s
    times = cim_times(layers, cim, memories, mapping, load_s, fetched_bytes + written_bytes, adding_s, loads)
    charges = _compute_energy(layers, cim, memories, mapping)
    if additions.any():
        charges[Cause.VECTOR] = additions * hardware.vector.operation_j
    for cause, once_j in load.items():
        charges[cause] = charges[cause] + loads * once_j if cause in charges else loads * once_j
    charges[Cause.SRAM] += buffering_energy(fetched_bytes, written_bytes, memories)
    dram_bytes = loads * layers.weight_bytes + (fetched_bytes + written_bytes)
    charges[Cause.DRAM] = dram_bytes * memories.dram_j_per_byte
    return CimCosts(
        np.where(allowed, times.latency_s, np.inf),
        charges,
        times.bound,
        dram_bytes,
        once_latency_s=np.where(stays, load_s, 0.0),
        once_charges={cause: stays * once_j for cause, once_j in load.items()} if stays.any() else {},
        first_load_s=times.first_load_s,
        rounds=np.asarray(mapping.rounds * np.maximum(loads, 1), dtype=np.int64),
    )


def _compute_energy(layers: Layers, cim: Cim, memories: Memories, mapping: CimMapping) -> dict[Cause, FloatArray]:
    """Energy of the products with the weights in place, activations in SRAM; shape (layers,) by cause."""
    m, k, n, count = layers.m, layers.k, layers.n, layers.count
    sum_bytes = PARTIAL_SUM_BYTES * (mapping.row_folds - 1)
    read_bytes = count * (m * k * mapping.column_folds + m * n * sum_bytes)
    stored_bytes = count * m * n * (1 + sum_bytes)
    charges: dict[Cause, FloatArray] = {
        Cause.MAC: np.asarray(layers.macs * cim.mac_j, dtype=np.float64),
        Cause.SRAM: read_bytes * memories.sram_j_per_byte + stored_bytes * memories.sram_store_j_per_byte,
    }
    if cim.adc_j:
        charges[Cause.ADC] = np.asarray(m * n * count * mapping.row_folds * cim.adc_j, dtype=np.float64)
    if cim.dac_j:
        charges[Cause.DAC] = np.asarray(m * k * count * mapping.column_folds * cim.dac_j, dtype=np.float64)
    return charges


def partial_additions(layers: Layers, mapping: CimMapping) -> FloatArray:
    """Additions that join the partial sums of a reduction that is folded over macros or rounds; shape (layers,)."""
    return np.asarray(layers.m * layers.n * layers.count * (mapping.row_folds - 1), dtype=np.float64)


def _load_energy(layers: Layers, cim: Cim, memories: Memories, mapping: CimMapping) -> dict[Cause, FloatArray]:
    """Energy of bringing the weights into the cells once, by way of SRAM; shape (layers,) for each cause."""
    held_bytes = layers.weight_bytes + layers.dynamic_bytes
    return {
        Cause.SRAM: held_bytes * memories.sram_j_per_byte + layers.weight_bytes * memories.sram_store_j_per_byte,
        Cause.DRAM: layers.weight_bytes * memories.dram_j_per_byte,
        Cause.CIM_WRITE: mapping.written_bits * cim.write_j_per_bit,
    }
