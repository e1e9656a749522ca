"""What an estimate says: latency, energy, and where both go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from archlock.hwcost.workload.layers import BoolArray
from archlock.scores import FloatArray, Origin

ROUNDING = 1e-9
"""Sums of the same figures in another order differ by less, relatively."""


@dataclass(frozen=True)
class LayerRow:
    """One layer, or one transfer over the link, of an estimate.

    Attributes:
        name: module path and operator; a transfer has the name of the layer whose result is moved.
        kind: operation kind, such as ``conv``; ``transfer`` for a transfer.
        unit: what does it: ``npu``, ``cim``, ``vector`` or ``link``.
        side: whose SRAM the result is in: ``npu`` or ``cim``.
        latency_s, energy_j: its share of the whole, leakage included. A layer that is split over both units has a row
            for each, of its part.
        macs: multiply-accumulates.
        utilisation: share of the unit's peak rate reached over the latency, 0 to 1; 0 for transfers.
        bound: what sets its latency: ``compute``, ``dram``, ``weight load`` or ``link``.
        start_s: when it starts, from the start of the inference.
        resident: its weights stay on the macros between inferences.
    """

    name: str
    kind: str
    unit: str
    side: str
    latency_s: float
    energy_j: float
    macs: int
    utilisation: float
    bound: str
    start_s: float = 0.0
    resident: bool = False


@dataclass(frozen=True)
class Cost:
    """Latency and energy of one inference, modelled, not measured.

    Attributes:
        hardware, schema, objective: what was estimated.
        latency_s: time of one inference from input to output.
        energy_j: energy of one inference, exactly the sum of ``energy_by_cause_j``. Leakage is charged for the latency;
            in a pipeline for the time between two results, since inferences overlap.
        energy_by_cause_j: cause (mac, sram, dram, vector, cim weight write, adc, dac, link, leakage) to joules.
        rows: layers and transfers in execution order.
        throughput_per_s: inferences per second of a stream of inputs: one by one, 1 / latency, or more where the schema
            overlaps them.
        objective_bound: no assignment of the schema has a smaller objective, in seconds (of a pipeline, between two
            results) or joules; the figure reached where the assignment is proven best, in the model's own terms.
        preload_s, preload_j: loading resident weights once, before the first inference; in no other figure.
        notes: what the figures do not show and a reader should know, a sentence each, such as cells that wear out.
    """

    hardware: str
    schema: str
    objective: str
    latency_s: float
    energy_j: float
    energy_by_cause_j: Mapping[str, float]
    rows: tuple[LayerRow, ...]
    throughput_per_s: float
    objective_bound: float
    preload_s: float = 0.0
    preload_j: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def objective_reached(self) -> float:
        """What the assignment minimised: joules, or seconds between two results (of a pipeline less than a latency)."""
        if self.objective == "energy":
            return self.energy_j
        return 1.0 / self.throughput_per_s

    @property
    def proven(self) -> bool:
        """Whether no assignment of the schema is better, up to rounding."""
        return self.objective_reached <= self.objective_bound * (1 + ROUNDING)

    @property
    def gap(self) -> float:
        """How much better another assignment could be at most, as a share of the objective reached; 0 where proven."""
        return 0.0 if self.proven else 1 - self.objective_bound / self.objective_reached

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON: everything, with the units in the names."""
        return {
            "hardware": self.hardware,
            "schema": self.schema,
            "objective": self.objective,
            "origin": Origin.MODELLED.value,
            "latency_s": self.latency_s,
            "throughput_per_s": self.throughput_per_s,
            "energy_j": self.energy_j,
            "energy_by_cause_j": dict(self.energy_by_cause_j),
            "objective_bound": self.objective_bound,
            "objective_proven": self.proven,
            "preload_s": self.preload_s,
            "preload_j": self.preload_j,
            "notes": list(self.notes),
            "latency_by_unit_s": self.latency_by_unit_s(),
            "latency_by_bound_s": self.latency_by_bound_s(),
            "rows": [asdict(row) for row in self.rows],
        }

    def latency_by_unit_s(self) -> dict[str, float]:
        """Unit to seconds that it is busy; the sum is the latency where units take turns."""
        totals: dict[str, float] = {}
        for row in self.rows:
            totals[row.unit] = totals.get(row.unit, 0.0) + row.latency_s
        return totals

    def latency_by_bound_s(self) -> dict[str, float]:
        """What bounds the layers to seconds; the sum is the latency where units take turns."""
        totals: dict[str, float] = {}
        for row in self.rows:
            totals[row.bound] = totals.get(row.bound, 0.0) + row.latency_s
        return totals


@dataclass(frozen=True, eq=False)
class BatchCost:
    """Latency and energy of many networks.

    Attributes:
        latency_s, energy_j: shape (n,); what stands where ``feasible`` is false means nothing.
        feasible: shape (n,), the schema can run the network on the hardware.
        throughput_per_s: shape (n,), inferences per second of a stream of inputs.
    """

    latency_s: FloatArray
    energy_j: FloatArray
    feasible: BoolArray
    throughput_per_s: FloatArray
