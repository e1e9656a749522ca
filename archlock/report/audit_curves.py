"""Curves of an audit, one target each: by share of the data, by cost, and by depth in the network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from markupsafe import Markup

from archlock.auditing.record import Advantage, AuditRecord, Price
from archlock.figures import Figure
from archlock.report.audit_findings import prices_of
from archlock.report.audit_pictures import CEILING, FLOOR
from archlock.report.audit_text import count_text
from archlock.report.page_text import percent, plain
from archlock.report.pictures import Scale, label, node, number, picture, titled, x_axis, y_axis

WIDTH, HEIGHT = 460.0, 306.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 446.0, 30.0, 266.0
DEAREST = 1e90
MOST_TICKS = 5


@dataclass(frozen=True)
class Dot:
    """A point of a curve, in the units of its axes, with its words; an interval upwards and downwards."""

    x: float
    y: float
    told: str
    low: float | None = None
    high: float | None = None


def learning_picture(record: AuditRecord, target: str) -> Markup:
    """What is reached by share of the target's data: by any attack, on the released architecture, and from scratch."""
    rows = sorted((row for row in record.advantages if row.target == target), key=lambda row: row.fraction)
    if not rows:
        return Markup()
    curves = {
        "reference": [_dot(row, row.reference_value, row.reference) for row in rows],
        "released": [_dot(row, row.as_released, row.released_attack) for row in rows],
        "edited": [_dot(row, row.value, row.attack) for row in rows],
    }
    x = Scale(0.0, 1.0, LEFT, RIGHT)
    y = _metric_scale([value for dots in curves.values() for dot in dots for value in _heights(dot)])
    drawn = y_axis(y, LEFT, RIGHT, "test metric")
    drawn += x_axis(Scale(0.0, 100.0, LEFT, RIGHT), TOP, BOTTOM, "share of the training data, %")
    for style, dots in curves.items():
        drawn += _curve(dots, style, x, y)
    words = {"edited": "strongest attack", "released": "as released", "reference": "reference"}
    told = [f"{words[style]} {', '.join(plain(dot.y) for dot in curves[style])}" for style in words]
    shares = ", ".join(percent(row.fraction, 0) for row in rows)
    return picture(WIDTH, HEIGHT, f"Test metric on {target} with {shares} of the data: {'; '.join(told)}.", drawn)


def _dot(row: Advantage, figure: Figure, name: str) -> Dot:
    told = f"{name}, {percent(row.fraction, 0)} of the data: {plain(figure.value)}"
    return Dot(row.fraction, figure.value, told, figure.low, figure.high)


def price_picture(record: AuditRecord, target: str) -> Markup:
    """The lock's price: the least training, in multiply-adds, that reaches each share of the reference."""
    asked = prices_of(record, target)
    paid = [(each, min(max(each.macs, 1.0), DEAREST)) for each in asked if each.macs is not None]
    if not asked:
        return Markup()
    missed = [each for each in asked if each.macs is None]
    dots = [
        Dot(
            math.log10(macs),
            each.share,
            f"{percent(each.share, 0)}: {count_text(macs)} multiply-adds, {paid_text(each)}",
        )
        for each, macs in paid
    ]
    x = Scale.over([dot.x for dot in dots], LEFT, RIGHT, margin=0.15)
    y = Scale.over([100 * each.share for each in asked], BOTTOM, TOP, margin=0.1)
    drawn = y_axis(y, LEFT, RIGHT, "share of the reference, %")
    drawn += _log_axis(x) if dots else []
    drawn += _curve([Dot(dot.x, 100 * dot.y, dot.told) for dot in dots], "price", x, y, steps=True)
    for each in missed:
        drawn.append(label(RIGHT - 4, y(100 * each.share) - 4, "not reached", "tick halo", "end"))
        drawn.append(node("path", class_="missed", d=f"M{LEFT} {number(y(100 * each.share))}H{RIGHT}"))
    told = [dot.told for dot in dots] + [f"{percent(each.share, 0)}: not reached" for each in missed]
    return picture(WIDTH, HEIGHT, f"Cost of reaching shares of the reference on {target}: {'; '.join(told)}.", drawn)


def paid_text(price: Price) -> str:
    """The attack that got there, and what it reached on test data where the record says so."""
    return f"{price.attack}, {plain(price.value.value)} on test data" if price.value else f"{price.attack}"


def layer_picture(record: AuditRecord, target: str) -> Markup:
    """What a linear probe reaches on features at several depths."""
    found = sorted((each for each in record.layers if each.target == target), key=lambda each: each.depth)
    if not found:
        return Markup()
    dots = [
        Dot(each.depth, each.value.value, f"{each.layer}: {plain(each.value.value)}", each.value.low, each.value.high)
        for each in found
    ]
    x = Scale(min(0.0, dots[0].x), max(1.0, dots[-1].x), LEFT, RIGHT)
    y = _metric_scale([value for dot in dots for value in _heights(dot)])
    drawn = y_axis(y, LEFT, RIGHT, "test metric of a linear probe")
    drawn += x_axis(Scale(100 * x.low, 100 * x.high, LEFT, RIGHT), TOP, BOTTOM, "depth in the network, %")
    drawn += _curve(dots, "probe", x, y)
    told = "; ".join(dot.told for dot in dots)
    return picture(WIDTH, HEIGHT, f"Linear probes on {target} by depth: {told}.", drawn)


def _heights(dot: Dot) -> tuple[float, ...]:
    return tuple(value for value in (dot.y, dot.low, dot.high) if value is not None)


def _metric_scale(values: Sequence[float]) -> Scale:
    return Scale.over([min(max(value, FLOOR), CEILING) for value in values], BOTTOM, TOP, margin=0.12)


def _curve(dots: Sequence[Dot], style: str, x: Scale, y: Scale, steps: bool = False) -> list[Element]:
    """Dots joined by a line, or by steps, with their intervals."""
    places = [(number(x(dot.x)), number(y(dot.y))) for dot in dots]
    path = "".join(f"H{px}V{py}" if steps else f"L{px} {py}" for px, py in places[1:])
    path = f"M{places[0][0]} {places[0][1]}{path}" if places else ""
    drawn = [node("path", class_=f"curve {style}", d=path)] if path else []
    for dot, (px, _) in zip(dots, places, strict=True):
        if dot.low is not None and dot.high is not None:
            drawn.append(node("path", class_="whisker", d=f"M{px} {number(y(dot.low))}V{number(y(dot.high))}"))
        mark = node("circle", class_=f"mark {style}", cx=x(dot.x), cy=y(dot.y), r=4.2)
        drawn.append(titled(mark, dot.told))
    return drawn


def _log_axis(x: Scale) -> list[Element]:
    """An axis of multiply-adds whose scale is of their decimal logarithm."""
    ticks = log_ticks(x.low, x.high)
    path = "".join(f"M{number(x(tick))} {number(TOP)}V{number(BOTTOM)}" for tick in ticks)
    drawn = [node("path", class_="grid", d=path)]
    drawn += [label(x(tick), BOTTOM + 14, count_text(10**tick), "tick", "middle") for tick in ticks]
    title = "multiply-adds of training, logarithmic"
    return [*drawn, label((LEFT + RIGHT) / 2, BOTTOM + 31, title, "axis", "middle")]


def log_ticks(low: float, high: float) -> tuple[float, ...]:
    """Round places between two decimal logarithms, as logarithms: few decades, or 1, 2 and 5 of each."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    inside = [float(each) for each in decades if low <= each <= high]
    if len(inside) >= 3:
        return tuple(inside[:: -(-len(inside) // MOST_TICKS)])
    fine = [each + math.log10(factor) for each in decades for factor in (1, 2, 5)]
    return tuple(tick for tick in fine if low <= tick <= high)[:MOST_TICKS] or ((low + high) / 2,)
