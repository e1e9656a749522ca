"""NAS-Bench-201: one cell, searched, in a fixed skeleton of three stages (Dong and Yang, ICLR 2020).

Stem of a 3x3 convolution to 16 channels; three stages of five cells at 16, 32 and 64 channels with a residual block of
stride 2 between them; batch norm, ReLU, global pooling and a linear classifier.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from archlock.iospec import IOSpec
from archlock.spaces.cell import AVERAGE_POOL, CONV_1X1, CONV_3X3, EDGES, NONE, SKIP, Cell, ReLUConvNorm, add, edge_name
from archlock.spaces.cell_space import CellSpace
from archlock.spaces.nasbench201_twins import OPERATIONS, canonical_forms, weighted_order
from archlock.spaces.network import Network
from archlock.spaces.protocol import Choice, Genotype

WIDTH, STAGES, CELLS = 16, 3, 5


class NASBench201Space(CellSpace):
    """15,625 cells, 6,466 up to isomorphism by the benchmark's own rule.

    Args:
        width: channels of the first stage; 16 as published.
        cells: cells of each stage; 5 as published.
    """

    name = "nasbench201"
    choices = tuple(Choice(f"edge{edge_name(edge)}", OPERATIONS) for edge in range(len(EDGES)))

    def __init__(self, width: int = WIDTH, cells: int = CELLS) -> None:
        self.width = width
        self.cells = cells

    @property
    def forms(self) -> Mapping[Genotype, Genotype]:
        """Canonical form of every genotype; see `archlock.spaces.nasbench201_twins`."""
        return canonical_forms()

    def active(self, genotype: Genotype) -> tuple[bool, ...]:
        """All genes but those of edges that start at node 1 where no operation leads there.

        Such edges are zeros whatever their operation. An edge that starts at an unreached node 2 is a choice: the
        benchmark's rule tells a convolution of nothing from nothing.
        """
        return tuple(source != 1 or genotype[0] != NONE for source, _ in EDGES)

    def build_canonical(self, genotype: Genotype, io: IOSpec) -> Network:
        """The network of a checked genotype."""
        body = NASBench201Body(genotype, io.channels, self.width, self.cells)
        return Network(body, body.features, io)


class NASBench201Body(nn.Module):
    """Stem, stages of cells, reductions, and the last norm and ReLU; (batch, channels, h, w) to 4 x width channels."""

    def __init__(self, genotype: Genotype, channels: int, width: int, cells: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        self.stages = nn.ModuleList()
        self.reductions = nn.ModuleList()
        for stage in range(STAGES):
            if stage:
                self.reductions.append(ResidualReduction(width, 2 * width))
                width *= 2
            self.stages.append(nn.Sequential(*(make_cell(genotype, width) for _ in range(cells))))
        self.norm = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.features = width

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, channels, h, w) to (batch, features, ceil(h / 4), ceil(w / 4))."""
        feature_map: Tensor = self.stages[0](self.stem(inputs))
        for reduction, stage in zip(self.reductions, list(self.stages)[1:], strict=True):
            feature_map = stage(reduction(feature_map))
        out: Tensor = self.relu(self.norm(feature_map))
        return out


def make_cell(genotype: Genotype, width: int) -> Cell:
    """One cell at some width, freshly initialised."""
    return Cell(genotype, lambda operation, _: make_operation(operation, width), weighted_order(genotype), width)


def make_operation(operation: int, width: int) -> nn.Module:
    """The module of an operation other than `none`; every one keeps its input's shape."""
    if operation == SKIP:
        return nn.Identity()
    if operation == AVERAGE_POOL:
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    return ReLUConvNorm(width, width, {CONV_1X1: 1, CONV_3X3: 3}[operation])


class ResidualReduction(nn.Module):
    """Residual block of stride 2 whose shortcut is average pooling and a 1x1 convolution."""

    def __init__(self, ins: int, outs: int) -> None:
        super().__init__()
        self.first = ReLUConvNorm(ins, outs, 3, stride=2)
        self.second = ReLUConvNorm(outs, outs, 3)
        # Sides that are odd are rounded up as by the strided convolution; published inputs are even.
        self.pool = nn.AvgPool2d(2, stride=2, ceil_mode=True)
        self.shortcut = nn.Conv2d(ins, outs, 1, bias=False)

    def forward(self, feature_map: Tensor) -> Tensor:
        """(batch, ins, h, w) to (batch, outs, ceil(h / 2), ceil(w / 2))."""
        return add([self.shortcut(self.pool(feature_map)), self.second(self.first(feature_map))])
