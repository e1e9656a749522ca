"""A side of the system: one unit for the matrix products, its vector lanes for the rest, and the way to the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archlock.errors import HardwareError
from archlock.hwcost.hardware import Hardware
from archlock.hwcost.units import (
    Cause,
    Traffic,
    UnitCosts,
    cim_costs,
    dram_traffic,
    npu_costs,
    vector_costs,
    vector_operations,
)
from archlock.hwcost.workload import Layers
from archlock.scores import FloatArray

SIDES = ("npu", "cim")


@dataclass(frozen=True, eq=False)
class SideCosts:
    """Every layer costed on one side.

    Attributes:
        latency_s: shape (layers,); infinite where the unit may not run the layer.
        energy_j: shape (causes, layers), finite.
        utilisation: shape (layers,), share of the peak rate.
        bound: shape (layers,), `archlock.hwcost.units.Bound`.
    """

    latency_s: FloatArray
    energy_j: FloatArray
    utilisation: FloatArray
    bound: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Transfers:
    """Cost of moving each layer's result to the other side, shape (layers,) and (causes, layers)."""

    latency_s: FloatArray
    energy_j: FloatArray


def side_costs(layers: Layers, hardware: Hardware, sides: Sequence[str]) -> list[SideCosts]:
    """All layers on each side; leakage of the whole system is charged for as long as each takes.

    Raises:
        HardwareError: the hardware lacks a unit.
    """
    traffic = dram_traffic(layers, hardware)
    vector = vector_costs(layers, traffic, hardware.vector, hardware)
    done = np.where(layers.is_matrix, layers.macs, vector_operations(layers, hardware.vector))
    return [_joined(layers, hardware, _matrix_costs(layers, traffic, hardware, side), vector, done) for side in sides]


def _joined(layers: Layers, hardware: Hardware, matrix: UnitCosts, vector: UnitCosts, done: FloatArray) -> SideCosts:
    """Matrix products from one unit, the rest from the vector lanes; ``done`` is work per layer for utilisation."""
    latency = matrix.latency_s + vector.latency_s
    energy = matrix.energy_j + vector.energy_j
    energy[Cause.LEAKAGE] = hardware.leakage_w * np.where(np.isinf(latency), 0.0, latency)
    peak = np.where(layers.is_matrix, matrix.peak_per_s, vector.peak_per_s)
    busy = np.where(latency > 0, latency, 1.0)
    return SideCosts(latency, energy, done / (peak * busy), np.where(layers.is_matrix, matrix.bound, vector.bound))


def _matrix_costs(layers: Layers, traffic: Traffic, hardware: Hardware, side: str) -> UnitCosts:
    if side == "npu" and hardware.npu is not None:
        return npu_costs(layers, traffic, hardware.npu, hardware)
    if side == "cim" and hardware.cim is not None:
        return cim_costs(layers, traffic, hardware.cim, hardware)
    raise HardwareError(f"{hardware.name} has no {side}")


def transfer_costs(layers: Layers, hardware: Hardware) -> Transfers:
    """What the link takes for each result: set-up and bytes, an SRAM read here and a write there.

    A result that is spilled to DRAM is within reach of both sides and costs nothing more.
    """
    energy = np.zeros((len(Cause), len(layers)))
    link, memories = hardware.link, hardware.memories
    if link is None:
        return Transfers(np.zeros(len(layers)), energy)
    stays = layers.out_bytes <= memories.sram_bytes // 2
    latency = np.where(stays, link.setup_s + layers.out_bytes / link.bytes_per_s, 0.0)
    moved_bytes = np.where(stays, layers.out_bytes, 0)
    energy[Cause.LINK] = moved_bytes * link.j_per_byte
    energy[Cause.SRAM] = 2 * moved_bytes * memories.sram_j_per_byte
    energy[Cause.LEAKAGE] = latency * hardware.leakage_w
    return Transfers(latency, energy)
