"""What each layer costs on each unit: latency, energy by cause, what bounds it; vectorised over layers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from archlock.hwcost.hardware import Cim, Hardware, Npu, VectorUnit
from archlock.hwcost.systolic import PARTIAL_SUM_BYTES, systolic_cycles, systolic_sram_bytes
from archlock.hwcost.workload import BoolArray, IntArray, Layers, OpKind
from archlock.scores import FloatArray

WEIGHT_BITS = 8


class Cause(IntEnum):
    """Where energy goes."""

    MAC = 0
    SRAM = 1
    DRAM = 2
    VECTOR = 3
    CIM_WRITE = 4
    ADC = 5
    DAC = 6
    LINK = 7
    LEAKAGE = 8

    @property
    def label(self) -> str:
        """Name for people."""
        return {Cause.CIM_WRITE: "cim weight write"}.get(self, self.name.lower())


class Bound(IntEnum):
    """What sets a layer's latency."""

    COMPUTE = 0
    DRAM = 1
    WEIGHT_LOAD = 2
    LINK = 3


@dataclass(frozen=True, eq=False)
class UnitCosts:
    """Cost of each layer on one unit.

    Attributes:
        latency_s: shape (layers,); infinite where the unit may not run the layer.
        energy_j: shape (causes, layers), by `Cause`.
        bound: shape (layers,), `Bound`.
    """

    latency_s: FloatArray
    energy_j: FloatArray
    bound: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Traffic:
    """DRAM bytes of each layer before any refetch, shape (layers,) each: activations in and out."""

    in_bytes: FloatArray
    out_bytes: FloatArray

    def of(self, pick: BoolArray) -> Traffic:
        """The traffic of some layers."""
        return Traffic(self.in_bytes[pick], self.out_bytes[pick])


def dram_traffic(layers: Layers, hardware: Hardware) -> Traffic:
    """Activations that pass through DRAM.

    The network's input and output do; so does a result larger than half of an SRAM, because the other half holds the
    tiles of what is computed meanwhile. Everything else stays on chip. Weights always come from DRAM, once.
    """
    spills = layers.out_bytes > hardware.memories.sram_bytes // 2
    from_dram = (layers.edge_source < 0) | spills[layers.edge_source]
    taken = np.bincount(layers.edge_target, layers.edge_bytes * from_dram, minlength=len(layers))
    return Traffic(
        taken.astype(np.float64), np.where(spills | layers.is_output, layers.out_bytes, 0).astype(np.float64)
    )


def npu_costs(layers: Layers, traffic: Traffic, npu: Npu, hardware: Hardware) -> UnitCosts:
    """Matrix products on the systolic array; ``layers`` and ``traffic`` hold products alone.

    Transfers overlap with computing (double buffering): latency is the longer of the two. Where neither operand
    fits half the SRAM, the cheaper of both is fetched again for every tile of the other.
    """
    memories = hardware.memories
    m, k, n = layers.m, layers.k, layers.n
    compute_s = systolic_cycles(m, k, n, npu.array) * layers.count / npu.clock_hz
    half = memories.sram_bytes // 2
    second = np.where(layers.dynamic, layers.dynamic_bytes, layers.weight_bytes)
    first = layers.in_bytes - layers.dynamic_bytes
    refetch_inputs = traffic.in_bytes * _ceil(second, half) + layers.weight_bytes
    refetch_weights = traffic.in_bytes + layers.weight_bytes * _ceil(first, half)
    dram_bytes = np.minimum(refetch_inputs, refetch_weights) + traffic.out_bytes
    transfer_s = dram_bytes / memories.dram_bytes_per_s
    energy = np.zeros((len(Cause), len(layers)))
    energy[Cause.MAC] = layers.macs * npu.mac_j
    energy[Cause.SRAM] = systolic_sram_bytes(m, k, n, npu.array) * layers.count * memories.sram_j_per_byte
    energy[Cause.DRAM] = dram_bytes * memories.dram_j_per_byte
    bound = np.where(transfer_s > compute_s, Bound.DRAM, Bound.COMPUTE).astype(np.int8)
    return UnitCosts(np.maximum(compute_s, transfer_s), energy, bound)


@dataclass(frozen=True, eq=False)
class CimMapping:
    """How matrix products lie on the macros, shape (layers,) each.

    Attributes:
        row_folds, column_folds: macro-sized pieces along inputs and outputs.
        rounds: times that the macros are loaded one after the other.
        load_cycles: cycles of all loads.
        compute_cycles: cycles of all matrix-vector products.
        written_bits: weight bits written, copies and the zeros beside packed groups included.
    """

    row_folds: IntArray
    column_folds: IntArray
    rounds: IntArray
    load_cycles: IntArray
    compute_cycles: IntArray
    written_bits: IntArray


def map_to_macros(m: IntArray, k: IntArray, n: IntArray, count: IntArray, cim: Cim) -> CimMapping:
    """Lay (m x k) by (k x n) products, ``count`` of them with their own weights, on the macros.

    Small groups (depthwise) share a macro as diagonal blocks. Where pieces are fewer than macros, copies of the
    weights share the rows of m. Macros are written in parallel, each round before its products.
    """
    packed = np.clip(np.minimum(cim.rows // k, cim.columns // n), 1, count)
    row_folds, column_folds = _ceil(k, cim.rows), _ceil(n, cim.columns)
    pieces = _ceil(count, packed) * row_folds * column_folds
    rounds = _ceil(pieces, cim.macros)
    copies = np.clip(cim.macros // pieces, 1, m)
    piece_bits = WEIGHT_BITS * np.minimum(k * packed, cim.rows) * np.minimum(n * packed, cim.columns)
    load = rounds * np.ceil(piece_bits / cim.write_bits_per_cycle).astype(np.int64)
    compute = rounds * _ceil(m, copies) * cim.cycles_per_product
    written = WEIGHT_BITS * k * n * count * packed * copies
    return CimMapping(row_folds, column_folds, rounds, load, compute, written)


def cim_costs(layers: Layers, traffic: Traffic, cim: Cim, hardware: Hardware) -> UnitCosts:
    """Matrix products on compute-in-memory macros; ``layers`` and ``traffic`` hold products alone.

    Latency is loading plus computing, one after the other: loading is the longer of writing the cells and fetching
    the weights, computing the longer of the products and the activations' transfer. Every layer loads its own
    weights. Converters are paid per use, however few rows of a macro a layer fills.
    """
    memories = hardware.memories
    m, k, n, count = layers.m, layers.k, layers.n, layers.count
    mapping = map_to_macros(m, k, n, count, cim)
    passes = np.minimum(mapping.rounds, mapping.column_folds)
    activation_bytes = traffic.in_bytes * passes + traffic.out_bytes
    load_s = np.maximum(mapping.load_cycles / cim.clock_hz, layers.weight_bytes / memories.dram_bytes_per_s)
    product_s = mapping.compute_cycles / cim.clock_hz
    activation_s = activation_bytes / memories.dram_bytes_per_s
    run_s = np.maximum(product_s, activation_s)
    allowed = cim.dynamic_operands | ~layers.dynamic
    sums = 1 + 2 * PARTIAL_SUM_BYTES * (mapping.row_folds - 1)
    sram_bytes = count * (m * k * mapping.column_folds + m * n * sums) + layers.weight_bytes + layers.dynamic_bytes
    energy = np.zeros((len(Cause), len(layers)))
    energy[Cause.MAC] = layers.macs * cim.mac_j
    energy[Cause.SRAM] = sram_bytes * memories.sram_j_per_byte
    energy[Cause.DRAM] = (activation_bytes + layers.weight_bytes) * memories.dram_j_per_byte
    energy[Cause.CIM_WRITE] = mapping.written_bits * cim.write_j_per_bit
    energy[Cause.ADC] = m * n * count * mapping.row_folds * cim.adc_j
    energy[Cause.DAC] = m * k * count * mapping.column_folds * cim.dac_j
    bound = np.where(load_s >= run_s, Bound.WEIGHT_LOAD, np.where(activation_s > product_s, Bound.DRAM, Bound.COMPUTE))
    return UnitCosts(np.where(allowed, load_s + run_s, np.inf), energy, bound.astype(np.int8))


def vector_costs(layers: Layers, traffic: Traffic, vector: VectorUnit, hardware: Hardware) -> UnitCosts:
    """Work that is no matrix product, on the vector lanes; ``layers`` and ``traffic`` hold nothing else."""
    memories = hardware.memories
    operations = vector_operations(layers, vector)
    compute_s = np.ceil(operations / vector.lanes) / vector.clock_hz
    dram_bytes = traffic.in_bytes + layers.weight_bytes + traffic.out_bytes
    transfer_s = dram_bytes / memories.dram_bytes_per_s
    energy = np.zeros((len(Cause), len(layers)))
    energy[Cause.VECTOR] = operations * vector.operation_j
    energy[Cause.SRAM] = (layers.in_bytes + layers.weight_bytes + layers.out_bytes) * memories.sram_j_per_byte
    energy[Cause.DRAM] = dram_bytes * memories.dram_j_per_byte
    bound = np.where(transfer_s > compute_s, Bound.DRAM, Bound.COMPUTE).astype(np.int8)
    return UnitCosts(np.maximum(compute_s, transfer_s), energy, bound)


def vector_operations(layers: Layers, vector: VectorUnit) -> FloatArray:
    """Vector operations of each layer, shape (layers,); 0 for matrix products.

    An inference batch norm that could not be folded is a scale and a shift, 2 operations per element.
    """
    per_element = np.ones(max(OpKind) + 1)
    per_element[OpKind.GELU] = vector.transcendental_operations
    per_element[OpKind.SOFTMAX] = vector.softmax_operations
    per_element[OpKind.LAYER_NORM] = vector.layer_norm_operations
    per_element[OpKind.NORMALISATION] = 2.0
    return np.asarray(layers.work * per_element[layers.kind], dtype=np.float64)


def _ceil(size: IntArray, step: int | IntArray) -> IntArray:
    return -(-size // step)
