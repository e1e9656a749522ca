"""A side of the system: one unit for the matrix products, its vector lanes for the rest, and the way to the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from archlock.errors import HardwareError
from archlock.hwcost.schedule.hiding import hide_first_loads
from archlock.hwcost.system.hardware import Hardware
from archlock.hwcost.units.cim import cim_costs
from archlock.hwcost.units.costs import Cause, Charged, UnitCosts
from archlock.hwcost.units.npu import npu_costs
from archlock.hwcost.units.traffic import Traffic, dram_traffic, spilled
from archlock.hwcost.units.vector import vector_costs
from archlock.hwcost.workload.layers import Layers
from archlock.scores import FloatArray

SIDES = ("npu", "cim")
Places = NDArray[np.intp]
_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True, eq=False)
class SideCosts:
    """Every layer costed on one side.

    Attributes:
        latency_s: shape (layers,); infinite where the unit may not run the layer.
        parts: places among the layers, and what those cost on their unit; together all layers, a later part in the
            place of an earlier one. Put in the order of the layers when it is asked for: a batch asks for little.
        leakage_w: of the whole system.
        dram_bytes_per_s: bandwidth.
    """

    latency_s: FloatArray
    parts: tuple[tuple[Places, UnitCosts], ...]
    leakage_w: float
    dram_bytes_per_s: float

    @cached_property
    def bound(self) -> NDArray[np.int8]:
        """Shape (layers,), `archlock.hwcost.units.costs.Bound`."""
        return in_order([(places, costs.bound) for places, costs in self.parts], len(self.latency_s))

    @cached_property
    def dram_s(self) -> FloatArray:
        """Shape (layers,), seconds that the layer's DRAM traffic takes at full bandwidth."""
        moved = in_order([(places, costs.dram_bytes) for places, costs in self.parts], len(self.latency_s))
        return np.asarray(moved / self.dram_bytes_per_s)

    @cached_property
    def dynamic_j(self) -> FloatArray:
        """Shape (layers,): energy of all causes but leakage."""
        return in_order([(places, costs.dynamic_j) for places, costs in self.parts], len(self.latency_s))

    @property
    def leakage_j(self) -> FloatArray:
        """Shape (layers,): leakage of the whole system for as long as the layer takes; 0 where it cannot run."""
        return self.leakage_w * np.where(np.isinf(self.latency_s), 0.0, self.latency_s)

    @property
    def total_j(self) -> FloatArray:
        """Shape (layers,): energy of all causes, finite."""
        return np.asarray(self.dynamic_j + self.leakage_j)

    @cached_property
    def energy_j(self) -> FloatArray:
        """Shape (causes, layers), finite; by `archlock.hwcost.units.costs.Cause`."""
        energy = np.zeros((len(Cause), len(self.latency_s)))
        for places, costs in self.parts:
            energy[:, places] = costs.energy_j
        energy[Cause.LEAKAGE] = self.leakage_j
        return energy


@dataclass(frozen=True, eq=False)
class Transfers(Charged):
    """Cost of moving each layer's result to the other side: seconds, shape (layers,), and energy by cause."""


def side_costs(
    layers: Layers, hardware: Hardware, sides: Sequence[str], *, takes_turns: bool = True
) -> list[SideCosts]:
    """All layers on each side; leakage of the whole system is charged for as long as each takes.

    Args:
        layers: of one network or of many.
        hardware: the system.
        sides: names out of `SIDES`.
        takes_turns: layers run one after the other in execution order, so that with ping-pong cells the first load of
            a layer hides behind the layer before it; see `archlock.hwcost.schedule.hiding`.

    Raises:
        HardwareError: the hardware lacks a unit.
    """
    traffic = dram_traffic(layers, hardware)
    vector = vector_costs(layers.others, traffic.of(layers.other_places), hardware.vector, hardware)
    own = traffic.of(layers.product_places)
    costs = [_matrix_costs(layers.products, own, hardware, side) for side in sides]
    joined = [_joined(layers, hardware, cost, vector) for cost in costs]
    return hide_first_loads(layers, hardware, costs, joined) if takes_turns else joined


def _joined(layers: Layers, hardware: Hardware, matrix: UnitCosts, vector: UnitCosts) -> SideCosts:
    """Matrix products from one unit and the rest from the vector lanes."""
    parts = (layers.product_places, matrix), (layers.other_places, vector)
    latency = in_order([(places, costs.latency_s) for places, costs in parts], len(layers))
    return SideCosts(latency, parts, hardware.leakage_w, hardware.memories.dram_bytes_per_s)


def in_order(parts: Sequence[tuple[Places, NDArray[_Number]]], count: int) -> NDArray[_Number]:
    """Values of some layers each, put in the order of the layers; shape (count,)."""
    values = np.empty(count, dtype=parts[0][1].dtype)
    for places, own in parts:
        values[places] = own
    return values


def peak_rates(layers: Layers, hardware: Hardware, side: NDArray[np.int8]) -> FloatArray:
    """Operations per second of what runs each layer: the unit of its side, or the vector lanes; shape (layers,)."""
    rates = [unit.peak_per_s if unit else 0.0 for unit in (hardware.npu, hardware.cim)]
    return np.where(layers.is_matrix, np.array(rates)[side], hardware.vector.peak_per_s)


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
    return link_costs(np.where(spilled(layers, hardware), 0, layers.out_bytes), 1, hardware)


def link_costs(moved_bytes: FloatArray, messages: int | FloatArray, hardware: Hardware) -> Transfers:
    """What the link takes for some bytes in some messages, elementwise; nothing for no bytes or without a link."""
    link, memories = hardware.link, hardware.memories
    if link is None:
        return Transfers(np.zeros(len(moved_bytes)), {})
    latency = np.where(moved_bytes > 0, messages * link.setup_s + moved_bytes / link.bytes_per_s, 0.0)
    charges = {
        Cause.LINK: moved_bytes * link.j_per_byte,
        Cause.SRAM: moved_bytes * (memories.sram_j_per_byte + memories.sram_store_j_per_byte),
        Cause.LEAKAGE: latency * hardware.leakage_w,
    }
    return Transfers(latency, charges)
