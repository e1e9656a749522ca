"""Picture of the assignment along the network: which unit runs each layer, and what share of the latency it takes."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from markupsafe import Markup

from archlock.report.page_text import percent, si
from archlock.report.pictures import Scale, label, node, picture, titled, y_axis
from archlock.report.record import Layer

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 1040.0, 46.0, 1034.0, 30.0, 190.0
STRIP = 16.0
UNITS = ("npu", "cim", "vector", "link")


def assignment_picture(layers: Sequence[Layer]) -> Markup:
    """Layers in execution order: bar height is the share of the latency, the strip below names the unit."""
    total = sum(layer.latency_s for layer in layers)
    shares = [layer.latency_s / total if total > 0 else 0.0 for layer in layers]
    y = Scale(0.0, max(shares, default=0.0) * 1.05 or 1.0, BOTTOM, TOP)
    slot = (RIGHT - LEFT) / max(len(layers), 1)
    drawn = y_axis(y, LEFT, RIGHT, "share of the latency, %", 0.01)
    for index, (layer, share) in enumerate(zip(layers, shares, strict=True)):
        drawn += _layer(layer, share, LEFT + index * slot, slot, y)
    drawn += [
        label(LEFT, BOTTOM + STRIP + 20, "first layer", "tick"),
        label(RIGHT, BOTTOM + STRIP + 20, "last layer", "tick", "end"),
        label((LEFT + RIGHT) / 2, BOTTOM + STRIP + 20, "layers and transfers in execution order", "axis", "middle"),
    ]
    return picture(WIDTH, BOTTOM + STRIP + 28, _description(layers), drawn)


def unit_class(unit: str) -> str:
    """CSS class of a unit; one that the page does not know is drawn in grey."""
    return f"unit-{unit}" if unit in UNITS else "unit-other"


def _layer(layer: Layer, share: float, x: float, slot: float, y: Scale) -> list[Element]:
    title = (
        f"{layer.name} ({layer.kind}) on {layer.unit}: {si(layer.latency_s, 's')}, {percent(share)} of the latency, "
        f"{si(layer.energy_j, 'J')}, utilisation {percent(layer.utilisation, 0)}, bound by {layer.bound}"
    )
    gap = min(1.5, 0.15 * slot)
    style, place, width = unit_class(layer.unit), y(share), max(slot - gap, 0.3)
    bar = node("rect", class_=style, x=x, y=place, width=width, height=max(BOTTOM - place, 0.5))
    strip = node("rect", class_=f"{style} strip", x=x, y=BOTTOM + 3, width=width, height=STRIP)
    return [titled(node("g", bar, strip), title)]


def _description(layers: Sequence[Layer]) -> str:
    counts = {unit: sum(layer.unit == unit for layer in layers) for unit in dict.fromkeys(each.unit for each in layers)}
    return "Assignment along the network: " + ", ".join(f"{count} on {unit}" for unit, count in counts.items()) + "."
