"""Latency, throughput and energy of workloads under an execution schema."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from archlock.errors import HardwareError, did_you_mean
from archlock.hwcost.cost import BatchCost, Cost, LayerRow
from archlock.hwcost.schedule.execution import Execution
from archlock.hwcost.schedule.parallel import cost_parallel, run_parallel
from archlock.hwcost.schedule.pipelined import run_pipelined
from archlock.hwcost.schedule.resident import run_resident
from archlock.hwcost.schedule.sequential import cost_in_turns, run_in_turns
from archlock.hwcost.schedule.sides import SIDES
from archlock.hwcost.system.hardware import Hardware
from archlock.hwcost.units.costs import Cause
from archlock.hwcost.wear import wear_notes
from archlock.hwcost.workload.layers import OpKind, Workload, WorkloadBatch

SCHEMAS = ("npu-only", "cim-only", "sequential", "resident", "parallel", "pipelined")
OBJECTIVES = ("latency", "energy")


def estimate(workload: Workload, hardware: Hardware, schema: str = "sequential", objective: str = "latency") -> Cost:
    """Modelled cost of one inference.

    Args:
        workload: traced network.
        hardware: the system.
        schema: how the units share the network. On a system with one unit, the last four use that unit alone.

            ``npu-only``, ``cim-only``: all on one unit.
            ``sequential``: layers take turns, each on the unit that makes the whole best, transfers over the link
            included; `archlock.hwcost.schedule.sequential`.
            ``resident``: the same where chosen layers keep their weights on the macros between inferences, as far as
            there are macros; `archlock.hwcost.schedule.resident`.
            ``parallel``: both units at once, branches side by side or channels split;
            `archlock.hwcost.schedule.parallel`.
            ``pipelined``: a stream of inputs, both units at once on different ones;
            `archlock.hwcost.schedule.pipelined`.
        objective: what the assignment minimises: ``latency`` (of a pipeline, the time between two results) or
            ``energy`` of one inference.

    Raises:
        HardwareError: unknown schema or objective, a unit that the hardware lacks, or a layer that the unit may not
            run (a dynamic operand on macros that forbid it).
    """
    execution = _execution(workload, hardware, schema, objective)
    for step in execution.steps:
        if np.isinf(step.latency_s):
            raise HardwareError(
                f"{workload.names[step.layer]}: {hardware.name} forbids operands computed during the inference on its "
                "cim macros; use the schema sequential on hardware that also has an npu"
            )
    causes, rows = execution.energy_j.tolist(), tuple(_rows(workload, hardware, execution))
    by_cause = {cause.label: causes[cause] for cause in Cause}
    return Cost(
        hardware.name,
        schema,
        objective,
        execution.latency_s,
        sum(by_cause.values()),
        by_cause,
        rows,
        throughput_per_s=1.0 / execution.period_s if execution.period_s > 0 else np.inf,
        objective_bound=execution.objective_bound,
        preload_s=execution.preload_s,
        preload_j=execution.preload_j,
        notes=wear_notes(workload.layers, hardware, schema, objective, rows),
    )


def estimate_batch(
    workloads: WorkloadBatch, hardware: Hardware, schema: str = "sequential", objective: str = "latency"
) -> BatchCost:
    """Modelled cost of many networks; each as `estimate` gives it.

    All layers are costed and assigned in one pass; ``resident`` and ``pipelined``, whose searches differ from network
    to network, go one by one.

    Raises:
        HardwareError: unknown schema or objective, a unit that the hardware lacks, or a network too tangled for a
            batch. A network that the unit may not run is not feasible in the result instead.
    """
    sides = _sides_of(schema, objective, hardware)
    if schema == "parallel" and len(sides) == 2:
        return cost_parallel(workloads, hardware, objective)
    if schema == "pipelined" or (schema == "resident" and "cim" in sides):
        return _one_by_one(workloads, hardware, schema, objective)
    return cost_in_turns(workloads, hardware, sides, objective)


def _one_by_one(workloads: WorkloadBatch, hardware: Hardware, schema: str, objective: str) -> BatchCost:
    """Many networks of a schema whose search does not run side by side."""
    runs = [_execution(workload, hardware, schema, objective) for workload in workloads.workloads]
    latency, period = (np.array([getattr(run, name) for run in runs]) for name in ("latency_s", "period_s"))
    energy = np.array([run.energy_j.sum() for run in runs])
    return BatchCost(latency, energy, np.isfinite(latency), 1.0 / period)


def _execution(workload: Workload, hardware: Hardware, schema: str, objective: str) -> Execution:
    sides = _sides_of(schema, objective, hardware)
    if schema == "parallel" and len(sides) == 2:
        return run_parallel(workload, hardware, objective)
    if schema == "resident" and "cim" in sides:
        return run_resident(workload, hardware, sides, objective)
    if schema == "pipelined":
        return run_pipelined(workload, hardware, sides, objective)
    return run_in_turns(workload, hardware, sides, objective)


def _sides_of(schema: str, objective: str, hardware: Hardware) -> tuple[str, ...]:
    """Sides that a schema uses on a system; checks the names on the way."""
    for word, given, known in (("schema", schema, SCHEMAS), ("objective", objective, OBJECTIVES)):
        if given not in known:
            raise HardwareError(f"no {word} {given!r}.{did_you_mean(given, known)}")
    present = tuple(side for side in SIDES if getattr(hardware, side) is not None)
    if not schema.endswith("-only"):
        return present
    side = schema.removesuffix("-only")
    if side not in present:
        raise HardwareError(f"{hardware.name} has no {side}: use the schema {present[0]}-only")
    return (side,)


def _rows(workload: Workload, hardware: Hardware, execution: Execution) -> Iterator[LayerRow]:
    """The steps by name."""
    units = {"npu": hardware.npu, "cim": hardware.cim, "vector": hardware.vector}
    for step in execution.steps:
        unit = units.get(step.unit)
        possible = unit.peak_per_s * step.latency_s if unit else 0.0
        yield LayerRow(
            name=workload.names[step.layer],
            kind=OpKind(int(workload.layers.kind[step.layer])).label if unit else "transfer",
            unit=step.unit,
            side=SIDES[step.side],
            latency_s=step.latency_s,
            energy_j=float(step.energy_j.sum()),
            macs=step.macs,
            utilisation=step.operations / possible if possible > 0 else 0.0,
            bound=step.bound.name.lower().replace("_", " "),
            start_s=step.start_s,
            resident=step.resident,
        )
