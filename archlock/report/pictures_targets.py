"""Picture of the held-out attacks: locked and twin, before and with surgery, beside a public network."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from markupsafe import Markup

from archlock.report.page_text import percent, plain, shorten
from archlock.report.pictures import Scale, label, node, number, picture, titled, x_axis
from archlock.report.record import TargetRow

WIDTH, LEFT, RIGHT, TOP = 500.0, 116.0, 462.0, 8.0
BAR, LANE_GAP, GROUP_GAP = 10.0, 2.0, 15.0
FLOOR = -0.25
"""Bars are cut here: a metric such as R2 has no lower bound, and one bad fit would flatten all others."""
BARS = (
    ("locked_released", "locked soft", "locked, before surgery"),
    ("locked_surgery", "locked", "locked, with surgery"),
    ("twin_released", "twin soft", "twin, before surgery"),
    ("twin_surgery", "twin", "twin, with surgery"),
    ("public", "public", "public network from scratch"),
)
GROUP = len(BARS) * BAR + 2 * LANE_GAP + GROUP_GAP


def targets_picture(rows: Sequence[TargetRow], all_rows: Sequence[TargetRow]) -> Markup:
    """Grouped bars of one data fraction.

    Args:
        rows: rows of the fraction.
        all_rows: rows of all fractions, which share the scale.
    """
    values = [float(getattr(row, name)) for row in all_rows for name, _, _ in BARS]
    low, high = min(0.0, max(FLOOR, min(values, default=0.0))), max(1.0, min(max(values, default=1.0), 10.0))
    scale = Scale(low, high, LEFT, RIGHT)
    bottom = TOP + GROUP * len(rows)
    drawn = x_axis(scale, TOP, bottom, "test metric of the target, higher is better for the attacker")
    names = short_names([row.target for row in rows])
    for index, row in enumerate(rows):
        drawn += _group(row, names[index], scale, TOP + index * GROUP + GROUP_GAP / 2)
    drawn.append(node("path", class_="zero", d=f"M{number(scale(0.0))} {TOP}V{number(bottom)}"))
    fraction = percent(rows[0].fraction, 0) if rows else "no"
    description = f"Strongest attack on {len(rows)} held-out targets with {fraction} of their training data."
    return picture(WIDTH, bottom + 40, description, drawn)


def short_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names without their settings in parentheses, where they still differ."""
    bare = [name.partition("(")[0] or name for name in names]
    return tuple(short if bare.count(short) == 1 else name for short, name in zip(bare, names, strict=True))


def _group(row: TargetRow, short: str, scale: Scale, top: float) -> list[Element]:
    middle = top + (GROUP - GROUP_GAP) / 2
    name = label(LEFT - 10, middle, shorten(short, 14), "target", "end")
    drawn = [titled(name, row.target), label(LEFT - 10, middle + 14, shorten(row.metric, 17), "tick", "end")]
    for index, (field, style, meaning) in enumerate(BARS):
        y = top + index * BAR + (index // 2) * LANE_GAP
        drawn += _bar(float(getattr(row, field)), style, f"{row.target}, {meaning}", scale, y)
    at = number(scale(row.public))
    return [
        *drawn,
        node("path", class_="reference", d=f"M{at} {number(top - 3)}V{number(top + GROUP - GROUP_GAP + 3)}"),
    ]


def _bar(value: float, style: str, meaning: str, scale: Scale, y: float) -> list[Element]:
    start, end = sorted((scale(0.0), scale(value)))
    bar = node("rect", class_=f"bar {style}", x=start, y=y, width=max(end - start, 0.8), height=BAR - 1.5)
    cut = "◂ " if value < scale.low else ""
    text = label(end + 4, y + BAR - 2.5, cut + plain(value, 2), "bar-value halo")
    return [titled(bar, f"{meaning}: {plain(value)}"), text]
