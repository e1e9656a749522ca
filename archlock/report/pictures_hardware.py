"""Pictures of where time and energy go: the assignment along a network, and systems side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from markupsafe import Markup

from archlock.report.page_text import SI_PREFIXES, percent, shorten, si, si_exponent
from archlock.report.pictures import Scale, label, node, picture, titled, x_axis, y_axis
from archlock.report.record import Layer

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 1040.0, 46.0, 1034.0, 30.0, 190.0
STRIP = 16.0
UNITS = ("npu", "cim", "vector", "link")
BAR, NAMES, LONGEST_NAME = 26.0, 230.0, 34


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


def stacked_bars(bars: Mapping[str, Mapping[str, float]], unit: str, title: str) -> Markup:
    """One bar per name, made of its parts one after the other.

    Args:
        bars: name to part to size, not below zero; parts are drawn in the order of the first bar that has them, each
            in the CSS class ``part-NAME``.
        unit: of the sizes, such as ``J``.
        title: of the axis.
    """
    longest = max((sum(parts.values()) for parts in bars.values()), default=0.0)
    x, power = Scale(0.0, longest * 1.02 or 1.0, NAMES, RIGHT), si_exponent(longest or 1.0)
    bottom = 6.0 + BAR * len(bars)
    drawn = x_axis(x, 6.0, bottom, f"{title}, {SI_PREFIXES[power]}{unit}", 10.0**power)
    for place, (name, parts) in enumerate(bars.items()):
        drawn += _stacked(name, parts, unit, x, 10.0 + BAR * place)
    told = "; ".join(f"{name} {si(sum(parts.values()), unit)}" for name, parts in bars.items())
    return picture(WIDTH, bottom + 40, f"{title}: {told}.", drawn)


def part_class(part: str) -> str:
    """CSS class of a part of a stacked bar."""
    return f"part-{part.replace(' ', '-')}"


def _stacked(name: str, parts: Mapping[str, float], unit: str, x: Scale, y: float) -> list[Element]:
    drawn, total, before = [], sum(parts.values()), 0.0
    for part, size in parts.items():
        start, before = x(before), before + size
        if size > 0:
            bar = node("rect", class_=part_class(part), x=start, y=y, width=x(before) - start, height=BAR - 8)
            drawn.append(titled(bar, f"{name}: {part} {si(size, unit)}, {percent(size / total)}"))
    short = titled(label(NAMES - 8, y + BAR - 13, shorten(name, LONGEST_NAME), "target", "end"), name)
    return [short, *drawn]


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
