"""Picture of an architecture made of a stem and stages, drawn from the names and values of its options."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from markupsafe import Markup

from archlock.report.pictures import label, node, picture, titled

Options = Mapping[str, str | int | float | bool]
STAGE_GENE = re.compile(r"stage(\d+)\.(.+)")
COLUMN, MIDDLE, TOP = 148.0, 82.0, 14.0
LAYER_WIDTH, LAYER_GAP = 15.0, 4.0
TALLEST, SMALLEST = 104.0, 14.0
MAX_LAYERS = 7
LINE = 15.0
SMALL = 0.62


@dataclass(frozen=True)
class Column:
    """One part of the network as it is drawn.

    Attributes:
        name: title of the column.
        kinds: CSS class of each layer, in order.
        channels: width of its layers; 0 where it does not say.
        stride: how much it reduces the resolution.
        skip: whether a skip connection spans it.
        lines: its options in words.
    """

    name: str
    kinds: tuple[str, ...]
    channels: int = 0
    stride: int = 1
    skip: bool = False
    lines: tuple[str, ...] = field(default=())


def columns_of(options: Options) -> tuple[Column, ...]:
    """Stem, stages that are not empty, and head; empty where the options tell of no stages."""
    stages: dict[int, dict[str, str | int | float | bool]] = {}
    for name, value in options.items():
        if match := STAGE_GENE.fullmatch(name):
            stages.setdefault(int(match[1]), {})[match[2]] = value
    if not any("block" in genes for genes in stages.values()):
        return ()
    drawn = [_stage(index, genes) for index, genes in sorted(stages.items()) if genes.get("block", "none") != "none"]
    return (_input(options), _stem(options), *drawn, _head(options))


def widest_of(*networks: Options) -> int:
    """Channels of the widest part among networks, at least 1: the common scale of their pictures."""
    return max([1, *(column.channels for options in networks for column in columns_of(options))])


def network_picture(options: Options, name: str, widest: int, small: bool = False) -> Markup | None:
    """The network from input to output, or None where its options tell of no stem and stages.

    Args:
        options: names such as ``stem.width`` or ``stage0.block`` and their values.
        name: what to call the network.
        widest: channels that are drawn at full height.
        small: the shapes without the words.
    """
    columns = columns_of(options)
    if not columns:
        return None
    drawn = [node("path", class_="flow", d=f"M{COLUMN / 2} {MIDDLE}H{COLUMN * (len(columns) - 0.5)}")]
    for index, column in enumerate(columns):
        drawn += _column(column, COLUMN * (index + 0.5), widest, "stride-small" if small else "stride")
        drawn += [] if small else _words(column, COLUMN * (index + 0.5))
    lines = 0 if small else 1 + max(len(column.lines) for column in columns)
    height = MIDDLE + TALLEST / 2 + 6 + (LINE * lines + 16 if lines else 0)
    said = "; ".join(", ".join((column.name, *column.lines)) for column in columns)
    return picture(COLUMN * len(columns), height, f"Architecture of {name}: {said}.", drawn, SMALL if small else 1.0)


def _input(options: Options) -> Column:
    resolution = _real(options.get("resolution"), 1.0)
    return Column("Input", ("io",), lines=(f"resolution ×{resolution:g}", str(options.get("stem.colour", ""))))


def _stem(options: Options) -> Column:
    width, stride = _count(options.get("stem.width"), 0), _count(options.get("stem.stride"), 1)
    said = _said(options, (("stem.kernel", "kernel {0}×{0}"), ("stem.width", "{0} channels"), ("norm", "{0} norm")))
    return Column("Stem", ("conv",), width, stride, lines=said)


def _head(options: Options) -> Column:
    return Column("Head", ("io",), lines=(*_said(options, (("pooling", "{0} pooling"),)), "linear"))


def _stage(index: int, genes: Options) -> Column:
    block = str(genes["block"]) if "block" in genes else ""
    conv = _count(genes.get("depth"), 1) if block != "ViT" else 0
    vit = _count(genes.get("vit_depth"), 1) if "ViT" in block else 0
    said = _said(genes, (("width", "{0} channels"),))
    if conv:
        said += (f"{conv} × {block.split('+')[0] or 'block'}",)
        said += _said(genes, (("kernel", "kernel {0}×{0}"), ("expansion", "expansion {0}")))
    if vit:
        said += (f"{vit} × ViT",)
        said += _said(genes, (("heads", "heads {0}"), ("token_stride", "token stride {0}"), ("mlp_ratio", "MLP ×{0}")))
    skip = genes.get("skip") is True
    said += (("skip",) if skip else ("no skip",)) if "skip" in genes else ()
    kinds = ("conv",) * conv + ("vit",) * vit
    return Column(f"Stage {index}", kinds, _count(genes.get("width"), 0), _count(genes.get("stride"), 1), skip, said)


def _said(options: Options, phrases: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(phrase.format(options[name]) for name, phrase in phrases if name in options)


def _count(value: str | int | float | bool | None, default: int) -> int:
    return value if isinstance(value, int) and value >= 0 else default


def _real(value: str | int | float | bool | None, default: float) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else default


def _column(column: Column, centre: float, widest: int, stride_style: str) -> list[Element]:
    kinds = column.kinds[:MAX_LAYERS]
    span = len(kinds) * (LAYER_WIDTH + LAYER_GAP) - LAYER_GAP
    share = math.sqrt(min(column.channels / widest, 1.0))
    height = SMALLEST + (TALLEST - SMALLEST) * share if column.channels else 40.0
    left, top = centre - span / 2, MIDDLE - height / 2
    drawn: list[Element] = []
    if column.skip:
        arc = f"M{left - 8:.1f} {MIDDLE}V{top - 7:.1f}H{left + span + 8:.1f}V{MIDDLE}"
        drawn.append(node("path", class_="skip", d=arc))
    for index, kind in enumerate(kinds):
        x = left + index * (LAYER_WIDTH + LAYER_GAP)
        box = node("rect", class_=f"layer {kind}", x=x, y=top, width=LAYER_WIDTH, height=height, rx=2)
        drawn.append(titled(box, ", ".join((column.name, *column.lines))))
    if column.stride > 1:
        drawn.append(label(centre - COLUMN / 2, MIDDLE - 6, f"÷{column.stride}", f"{stride_style} halo", "middle"))
    return drawn


def _words(column: Column, centre: float) -> list[Element]:
    top = MIDDLE + TALLEST / 2 + 22
    drawn = [label(centre, top, column.name, "column", "middle")]
    lines = [line for line in column.lines if line]
    return drawn + [label(centre, top + 3 + LINE * (i + 1), line, "detail", "middle") for i, line in enumerate(lines)]
