"""One matrix product on both units at once: its output channels, or its groups or heads, split between them.

The unit beside which the input lies starts at once; the input crosses the link to the other, which computes its
share and sends it back. So the layer takes the longer of (own share) and (input over, other share, result back), and
never less than the DRAM traffic of both. The first grows and the second shrinks with the own share, so the best ratio
is where they meet, found by bisection over whole channels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from archlock.hwcost.schedule.sides import Transfers, link_costs
from archlock.hwcost.system.hardware import Hardware
from archlock.hwcost.units.cim import cim_costs
from archlock.hwcost.units.costs import UnitCosts
from archlock.hwcost.units.npu import npu_costs
from archlock.hwcost.units.traffic import Traffic, dram_traffic, spilled
from archlock.hwcost.workload.layers import BoolArray, IntArray, Layers
from archlock.scores import FloatArray


@dataclass(frozen=True, eq=False)
class SplitRun:
    """Matrix products split in a given ratio, seen from the side where input and result lie; shape (products,).

    Attributes:
        npu_units: output channels, or groups, that the NPU computes.
        parts: cost of the NPU's share and of the CIM unit's, without leakage.
        sent, returned: the input's way to the other unit, and its share of the result's way back.
        own_s, other_s: time of the share that stays, and of the other with both ways.
        elapsed_s: time of the layer; infinite where a unit may not run it, or it has but one channel.
    """

    npu_units: IntArray
    parts: tuple[UnitCosts, UnitCosts]
    sent: Transfers
    returned: Transfers
    own_s: FloatArray
    other_s: FloatArray
    elapsed_s: FloatArray

    @property
    def dynamic_j(self) -> FloatArray:
        """Shape (products,): energy of all causes but leakage."""
        both = self.parts[0].dynamic_j + self.parts[1].dynamic_j
        return np.asarray(both + self.sent.dynamic_j + self.returned.dynamic_j)


class Splitter:
    """Splits all matrix products of some layers.

    Args:
        layers: of one network or of many.
        hardware: a system with both units.
    """

    def __init__(self, layers: Layers, hardware: Hardware) -> None:
        self.products, self.hardware = layers.products, hardware
        self._traffic = dram_traffic(layers, hardware).of(layers.is_matrix)
        stays = ~spilled(layers, hardware)
        in_sram = (layers.edge_source >= 0) & stays[layers.edge_source]
        targets, count = layers.edge_target, len(layers)
        sent = np.bincount(targets, layers.edge_bytes * in_sram, minlength=count)
        self._in_bytes: FloatArray = sent[layers.is_matrix].astype(np.float64)
        messages = np.bincount(targets, in_sram, minlength=count)
        self._messages: FloatArray = messages[layers.is_matrix].astype(np.float64)
        self._stays = stays[layers.is_matrix]

    @property
    def by_group(self) -> BoolArray:
        """Shape (products,): split by whole groups or heads rather than by output channels."""
        return self.products.count > 1

    @property
    def units(self) -> IntArray:
        """Shape (products,): how many channels, or groups, there are to share out."""
        return np.where(self.by_group, self.products.count, self.products.n)

    def best(self, home: int) -> SplitRun:
        """Every product in its best ratio, input and result on side ``home`` (0 the NPU's, 1 the CIM unit's)."""
        units, low = self.units, np.ones(len(self.products), dtype=np.int64)
        high = np.maximum(units - 1, 1)
        while (low < high).any():
            middle = (low + high) // 2
            run = self.at(middle, home)
            npu_s, cim_s = (run.own_s, run.other_s) if home == 0 else (run.other_s, run.own_s)
            met = npu_s >= cim_s
            low, high = np.where(met, low, np.minimum(middle + 1, high)), np.where(met, middle, high)
        one_less = np.maximum(low - 1, 1)
        fewer = self.at(one_less, home).elapsed_s < self.at(low, home).elapsed_s
        return self.at(np.where(fewer, one_less, low), home)

    def at(self, npu_units: IntArray, home: int) -> SplitRun:
        """Every product with ``npu_units`` of its channels or groups, shape (products,), on the NPU."""
        hardware, units = self.hardware, self.units
        assert hardware.npu is not None and hardware.cim is not None  # noqa: PT018  # the schema asks for both
        cim_units = np.maximum(units - npu_units, 1)
        on_npu, on_cim = self._share(npu_units), self._share(cim_units)
        parts = npu_costs(*on_npu, hardware.npu, hardware), cim_costs(*on_cim, hardware.cim, hardware)
        away = (cim_units, npu_units)[home] / units
        sent = link_costs(self._in_bytes * np.where(self.by_group, away, 1.0), self._messages, hardware)
        returned = link_costs(np.where(self._stays, np.ceil(self.products.out_bytes * away), 0.0), 1, hardware)
        own_s = parts[home].latency_s
        other_s = parts[1 - home].latency_s + sent.latency_s + returned.latency_s
        dram_bytes = parts[0].dram_bytes + parts[1].dram_bytes
        elapsed_s = np.maximum(np.maximum(own_s, other_s), dram_bytes / hardware.memories.dram_bytes_per_s)
        elapsed_s = np.where(units > 1, elapsed_s, np.inf)
        return SplitRun(npu_units, parts, sent, returned, own_s, other_s, elapsed_s)

    def _share(self, taken: IntArray) -> tuple[Layers, Traffic]:
        """Some channels or groups of every product: all of the input by channel, its groups' part by group."""
        products, by_group, units = self.products, self.by_group, self.units
        share = taken / units
        second = products.dynamic_bytes
        first = np.where(by_group, share, 1.0)
        input_share = np.divide(
            (products.in_bytes - second) * first + second * share,
            products.in_bytes,
            out=np.ones(len(products)),
            where=products.in_bytes > 0,
        )
        part = replace(
            products,
            n=np.where(by_group, products.n, taken),
            count=np.where(by_group, taken, products.count),
            in_bytes=np.round(products.in_bytes * input_share).astype(np.int64),
            weight_bytes=np.round(products.weight_bytes * share).astype(np.int64),
            out_bytes=np.round(products.out_bytes * share).astype(np.int64),
        )
        return part, Traffic(self._traffic.in_bytes * input_share, self._traffic.out_bytes * share)
