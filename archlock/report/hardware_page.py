"""The HTML view of one hardware estimate: totals, assignment, roofline, energy by cause, and every layer."""

from __future__ import annotations

from collections.abc import Sequence

from archlock.hwcost import Cost, Hardware, Workload
from archlock.report.environment import render
from archlock.report.hardware_lines import hardware_record
from archlock.report.hardware_text import remarks, weights_word
from archlock.report.page import unit_shares
from archlock.report.pictures_hardware import assignment_picture
from archlock.report.pictures_roofline import RooflinePoint, roofline_picture
from archlock.scores import Origin


def render_estimate(name: str, workload: Workload, hardware: Hardware, cost: Cost, notes: Sequence[str] = ()) -> str:
    """One self-contained page that needs no network, no script and no other file.

    Args:
        name: of the network.
        workload: its layers.
        hardware: the system.
        cost: its estimate there.
        notes: what was changed or is missing on the way from the model to its layers.
    """
    record = hardware_record(cost)
    units = {"npu": hardware.npu, "cim": hardware.cim}
    peaks = {unit: found.peak_per_s for unit, found in units.items() if found is not None}
    causes = sorted(((cause, part) for cause, part in cost.energy_by_cause_j.items() if part > 0), key=lambda c: -c[1])
    return render(
        "estimate.html",
        name=name,
        note=hardware.note,
        workload=workload,
        cost=cost,
        record=record,
        causes=causes,
        bounds=sorted(cost.latency_by_bound_s().items(), key=lambda item: -item[1]),
        busy_s=sum(row.latency_s for row in cost.rows),
        units=unit_shares(record),
        assignment=assignment_picture(record.layers),
        roofline=roofline_picture(roofline_points(workload, cost), peaks, hardware.memories.dram_bytes_per_s),
        notes=notes,
        words=[weights_word(row) for row in cost.rows],
        remarks=remarks(workload, hardware, cost),
        origin=Origin,
    )


def roofline_points(workload: Workload, cost: Cost) -> list[RooflinePoint]:
    """The matrix products of a network, a layer that is split over both units as one."""
    layers = workload.layers
    moved = layers.in_bytes + layers.weight_bytes + layers.out_bytes
    points = []
    for index, name in enumerate(workload.names):
        rows = [row for row in cost.rows if row.name == name and row.macs > 0]
        latency_s = max((row.latency_s for row in rows), default=0.0)
        if latency_s > 0 and moved[index] > 0:
            macs = sum(row.macs for row in rows)
            unit = max(rows, key=lambda row: row.macs).unit
            points.append(RooflinePoint(name, unit, macs / float(moved[index]), macs / latency_s))
    return points
