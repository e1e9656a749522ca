"""One network on several systems, under several schemas: a cost for every pair that can run it, a reason for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archlock.errors import HardwareError
from archlock.hwcost.cost import Cost
from archlock.hwcost.estimate import estimate
from archlock.hwcost.system.hardware import Hardware
from archlock.hwcost.workload.layers import Workload


@dataclass(frozen=True)
class Pair:
    """One system under one schema.

    Attributes:
        hardware, schema: which.
        cost: of the network; None where the pair cannot run it.
        reason: why not; empty where it can.
    """

    hardware: str
    schema: str
    cost: Cost | None
    reason: str = ""

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON of a pair that cannot run the network."""
        return {"hardware": self.hardware, "schema": self.schema, "reason": self.reason}


def compare(
    workload: Workload, systems: Sequence[Hardware], schemas: Sequence[str], objective: str = "latency"
) -> tuple[Pair, ...]:
    """Every system under every schema, systems first.

    Raises:
        HardwareError: no pair can run the network; the message has the reason of each.
    """
    pairs = tuple(_pair(workload, system, schema, objective) for system in systems for schema in schemas)
    if pairs and all(pair.cost is None for pair in pairs):
        reasons = dict.fromkeys(f"{pair.schema}: {pair.reason}" for pair in pairs)
        raise HardwareError("; ".join(reasons) if len(pairs) > 1 else pairs[0].reason)
    return pairs


def _pair(workload: Workload, system: Hardware, schema: str, objective: str) -> Pair:
    try:
        cost = estimate(workload, system, schema, objective)
    except HardwareError as error:
        return Pair(system.name, schema, None, str(error))
    return Pair(system.name, schema, cost)
