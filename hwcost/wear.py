"""Cells that endure few writes and are written for every inference."""

from __future__ import annotations

from collections.abc import Sequence

from archlock.hwcost.cost import LayerRow
from archlock.hwcost.system.cim import CellTechnology
from archlock.hwcost.system.hardware import Hardware
from archlock.hwcost.units.cim_mapping import macro_pieces
from archlock.hwcost.workload.layers import Layers


def wear_notes(
    layers: Layers, hardware: Hardware, schema: str, objective: str, rows: Sequence[LayerRow]
) -> tuple[str, ...]:
    """How many layers wear the cells out, and what to do; nothing where each weight is written once or cells endure.

    Args:
        layers: of the network.
        hardware: the system that runs it.
        schema: how; ``resident`` alone keeps weights on the macros, where that serves the objective.
        objective: what the schema weighs, ``latency`` or ``energy``.
        rows: what ran, see `archlock.hwcost.cost.Cost`.
    """
    cim = hardware.cim
    if cim is None or cim.technology is not CellTechnology.RRAM:
        return ()
    written = len({row.name for row in rows if row.unit == "cim" and not row.resident})
    if not written:
        return ()
    count, verb = ("1 layer", "is") if written == 1 else (f"{written} layers", "are")
    needed = int(macro_pieces(layers, cim).sum())
    way = "use more macros" if schema == "resident" else "use the schema resident"
    other = "" if hardware.npu else ", or a system with an npu"
    return (f"{count} on {cim.technology} macros {verb} written for every inference, which wears the cells out: "
            f"{way} ({_room(needed, cim.macros, schema, objective)}){other}",)  # fmt: skip


def _room(needed: int, macros: int, schema: str, objective: str) -> str:
    """Whether all weights could stay, and if they could under the schema that lets them, why they do not."""
    if needed > macros:
        return f"all weights need {needed:,} and there are {macros:,}"
    why = ", but writing some again is " + ("quicker" if objective == "latency" else "more frugal")
    return f"all weights fit, {needed:,} of {macros:,}{why if schema == 'resident' else ''}"
