"""Drawing tools of the page's pictures: SVG elements, scales and axes.

Colours are CSS classes, so that one picture serves light, dark and print. Elements are escaped by the XML writer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

FAR = 1e100
"""Beyond this a number is drawn at the edge: differences of larger ones are not finite."""
NEAR = 1e-100
"""Below this a number is drawn as zero."""
MAX_TICKS = 12


def node(tag: str, *children: Element, text: str = "", **attributes: str | float) -> Element:
    """An SVG element; ``class_`` and ``stroke_width`` stand for class and stroke-width."""
    element = Element(tag, {name.rstrip("_").replace("_", "-"): _written(value) for name, value in attributes.items()})
    element.text = text or None
    element.extend(children)
    return element


def _written(value: str | float) -> str:
    return value if isinstance(value, str) else number(value)


def number(value: float) -> str:
    """A coordinate with one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def label(x: float, y: float, text: str, style: str = "", anchor: str = "start") -> Element:
    """A line of text; ``anchor`` is start, middle or end."""
    return node("text", x=x, y=y, text=text, class_=f"label {style}".strip(), text_anchor=anchor)


def titled(element: Element, title: str) -> Element:
    """The element with a tooltip, which is also what assistive software reads."""
    tip = SubElement(element, "title")
    tip.text = title
    element.remove(tip)
    element.insert(0, tip)
    return element


def picture(width: float, height: float, description: str, children: Iterable[Element], scale: float = 1.0) -> Markup:
    """A finished picture, as markup for the page.

    Args:
        width: natural width, CSS pixels.
        height: natural height, CSS pixels.
        description: what it shows, for those who do not see it.
        children: the drawing.
        scale: natural size on the page relative to the drawing's.
    """
    frame = node(
        "svg", role="img", viewBox=f"0 0 {number(width)} {number(height)}", width=scale * width, height=scale * height
    )
    frame.set("aria-label", description)
    frame.extend(children)
    return Markup(tostring(frame, encoding="unicode"))


@dataclass(frozen=True)
class Scale:
    """A linear map of values onto a picture.

    Attributes:
        low, high: values at the ends; low < high.
        start, end: their places, CSS pixels.
    """

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float, margin: float = 0.06) -> Scale:
        """A scale that shows all values with some air; a single value stands in the middle."""
        kept = [min(max(value, -FAR), FAR) for value in values] or [0.0]
        low, high = min(kept), max(kept)
        size = max(abs(low), abs(high), NEAR)
        air = margin * (high - low) if high - low > 1e-9 * size else 0.5 * size if size > NEAR else 0.5
        return cls(low - air, high + air, start, end)

    def __call__(self, value: float) -> float:
        """Place of a value; those outside are put at the edge."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, wanted: int = 5) -> tuple[float, ...]:
        """Round values inside the scale, about as many as wanted."""
        step = round_step((self.high - self.low) / wanted)
        first = math.ceil(self.low / step)
        count = min(int((self.high - first * step) / step) + 1, MAX_TICKS)
        return tuple((first + index) * step for index in range(count))


def round_step(rough: float) -> float:
    """The nearest larger of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= 0.999 * rough)


def tick_text(value: float, step: float) -> str:
    """A tick with just the decimals that its step needs."""
    if abs(value) >= 1e5 or 0 < step < 1e-4:
        return f"{value:.1e}".replace("-", "\u2212")
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    return f"{0.0 if abs(value) < 1e-9 * step else value:.{digits}f}".replace("-", "\u2212")


def tick_texts(ticks: Sequence[float]) -> tuple[str, ...]:
    """All ticks of an axis, with the same number of decimals."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(ticks[0]) or 1.0 if ticks else 1.0
    return tuple(tick_text(tick, step) for tick in ticks)


def x_axis(scale: Scale, top: float, bottom: float, title: str, unit: float = 1.0) -> list[Element]:
    """Vertical grid lines with their values below; ``unit`` is the size of the shown unit in the scale's."""
    ticks = Scale(scale.low / unit, scale.high / unit, scale.start, scale.end).ticks()
    drawn = [
        node(
            "path",
            class_="grid",
            d="".join(f"M{number(scale(t * unit))} {number(top)}V{number(bottom)}" for t in ticks),
        )
    ]
    drawn += [
        label(scale(t * unit), bottom + 14, text, "tick", "middle")
        for t, text in zip(ticks, tick_texts(ticks), strict=True)
    ]
    return [*drawn, label((scale.start + scale.end) / 2, bottom + 31, title, "axis", "middle")]


def y_axis(scale: Scale, left: float, right: float, title: str, unit: float = 1.0) -> list[Element]:
    """Horizontal grid lines with their values to the left and the axis title above them."""
    ticks = Scale(scale.low / unit, scale.high / unit, scale.start, scale.end).ticks()
    drawn = [
        node(
            "path",
            class_="grid",
            d="".join(f"M{number(left)} {number(scale(t * unit))}H{number(right)}" for t in ticks),
        )
    ]
    drawn += [
        label(left - 6, scale(t * unit) + 3.5, text, "tick", "end")
        for t, text in zip(ticks, tick_texts(ticks), strict=True)
    ]
    return [*drawn, label(0, min(scale.start, scale.end) - 12, title, "axis")]
