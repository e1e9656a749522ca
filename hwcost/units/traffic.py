"""What passes through DRAM before any unit fetches it again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archlock.hwcost.system.hardware import Hardware, Memories
from archlock.hwcost.workload.layers import BoolArray, IntArray, Layers
from archlock.scores import FloatArray


@dataclass(frozen=True, eq=False)
class Traffic:
    """DRAM bytes of each layer before any refetch, shape (layers,) each: activations in and out."""

    in_bytes: FloatArray
    out_bytes: FloatArray

    def of(self, pick: BoolArray | NDArray[np.intp]) -> Traffic:
        """The traffic of some layers."""
        return Traffic(self.in_bytes[pick], self.out_bytes[pick])


def dram_traffic(layers: Layers, hardware: Hardware) -> Traffic:
    """Activations that pass through DRAM.

    The network's input and output do, and so do results that are `spilled`: each is written once, and read by every
    layer that needs it. Everything else stays on chip. Weights always come from DRAM, once.
    """
    spills = spilled(layers, hardware)
    from_dram = (layers.edge_source < 0) | spills[layers.edge_source]
    taken = np.bincount(layers.edge_target, layers.edge_bytes * from_dram, minlength=len(layers))
    return Traffic(
        taken.astype(np.float64), np.where(spills | layers.is_output, layers.out_bytes, 0).astype(np.float64)
    )


def spilled(layers: Layers, hardware: Hardware) -> BoolArray:
    """Results that lie in DRAM because an SRAM has no room for them; shape (layers,).

    Half of an SRAM holds the results that wait: from the end of the layer that makes them to the end of the last that
    reads them, skips included, in execution order. The other half holds what a layer works on: tiles, and the result
    being written, so that this too may be half an SRAM at most. Where the waiting ones do not fit together, smaller
    ones stay before larger, of two alike the one that waits for fewer layers, then the earlier. A result stays if it
    fits beside all that come before it in this order, at every layer while it waits. Those that stay with some SRAM
    therefore stay with any larger one, and in a chain a result stays if it fits half an SRAM.
    """
    half = hardware.memories.sram_bytes // 2
    spills = np.asarray(layers.out_bytes > half)
    crowded = layers.waiting_bytes > half
    if not crowded.any():
        return spills
    passed = np.cumsum(crowded)
    most: IntArray = passed[layers.last_reader] - passed  # crowded layers through which each result waits
    result = np.repeat(np.arange(len(layers)), np.where(spills, 0, most))
    nth = np.arange(len(result)) - np.searchsorted(result, result)
    layer, size = passed[result] + nth, layers.out_bytes[result]
    order = np.lexsort((layers.last_reader[result] - result, size, layer))
    total = np.cumsum(size[order])
    before = np.searchsorted(layer[order], layer[order])
    beside = total - total[before] + size[order][before]
    spills[result[order[beside > half]]] = True
    return spills


def buffering_energy(from_dram_bytes: FloatArray, to_dram_bytes: FloatArray, memories: Memories) -> FloatArray:
    """SRAM energy of the DRAM's side, shape (layers,): what arrives is written there, what leaves is read there."""
    return from_dram_bytes * memories.sram_store_j_per_byte + to_dram_bytes * memories.sram_j_per_byte
