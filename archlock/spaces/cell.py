"""Cells of four nodes: operations on six edges, each node the sum of what reaches it (Dong and Yang, ICLR 2020).

The operations are those of NAS-Bench-201 and TransNAS-Bench-101. Which genotypes are twins is the matter of the
spaces; here a genotype is built edge by edge, edges without effect included, since published counts include them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from archlock.spaces.protocol import Genotype

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""(from node, to node) of each gene, in the order of the published tables and architecture strings."""

NODES = 4
NONE, SKIP, CONV_1X1, CONV_3X3, AVERAGE_POOL = range(5)
"""Operation of each index in both benchmarks; TransNAS-Bench-101 has no pooling."""

MakeOperation = Callable[[int, int], nn.Module]
"""(operation, node that it starts from) to its module."""


class FanOutConv2d(nn.Conv2d):
    """A convolution whose weights begin normal with variance 2 / fan-out (He et al., ICCV 2015)."""

    def reset_parameters(self) -> None:
        """Draw the weights, once: large networks spend most of their building time on it."""
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")


class ReLUConvNorm(nn.Module):
    """ReLU, convolution without bias and batch norm; weights begin as in TransNAS-Bench-101 for ``fan_out``."""

    def __init__(self, ins: int, outs: int, kernel: int, stride: int = 1, *, fan_out: bool = False) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        conv = FanOutConv2d if fan_out else nn.Conv2d
        self.conv = conv(ins, outs, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outs)

    def forward(self, feature_map: Tensor) -> Tensor:
        """(batch, ins, h, w) to (batch, outs, ceil(h / stride), ceil(w / stride))."""
        out: Tensor = self.norm(self.conv(self.relu(feature_map)))
        return out


class FactorisedReduction(nn.Module):
    """A skip that changes the shape: two strided 1x1 convolutions on grids one pixel apart, side by side.

    Source: Duan et al., CVPR 2021, after Zoph et al., CVPR 2018.
    """

    def __init__(self, ins: int, outs: int, stride: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.even = FanOutConv2d(ins, outs // 2, 1, stride, bias=False)
        self.odd = FanOutConv2d(ins, outs - outs // 2, 1, stride, bias=False)
        self.pad = nn.ConstantPad2d((0, 1, 0, 1), 0.0)
        self.norm = nn.BatchNorm2d(outs)

    def forward(self, feature_map: Tensor) -> Tensor:
        """(batch, ins, h, w) to (batch, outs, ceil(h / stride), ceil(w / stride))."""
        active = self.relu(feature_map)
        shifted = self.pad(active)[:, :, 1:, 1:]
        out: Tensor = self.norm(torch.cat([self.even(active), self.odd(shifted)], dim=1))
        return out


class Cell(nn.Module):
    """Four nodes and the operations between them.

    Args:
        genotype: operation of each of `EDGES`.
        make: the module of an operation; never asked for `NONE`.
        order: edges whose weights are drawn from the global stream, in this order. All others draw from a fork of
            it, so that twins, which differ in edges without effect and in the numbering of nodes, begin from one seed
            with equal weights.
        outs, stride: width of the nodes and reduction from node 0 to the others, for nodes that nothing reaches.
    """

    def __init__(
        self, genotype: Genotype, make: MakeOperation, order: Sequence[int], outs: int, stride: int = 1
    ) -> None:
        super().__init__()
        made = {edge: make(genotype[edge], EDGES[edge][0]) for edge in order}
        with torch.random.fork_rng(devices=[]):
            for edge, (source, _) in enumerate(EDGES):
                if edge not in made and genotype[edge] != NONE:
                    made[edge] = make(genotype[edge], source)
        self.edges = nn.ModuleDict({edge_name(edge): made[edge] for edge in sorted(made)})
        self.incoming = [
            [(edge_name(edge), EDGES[edge][0]) for edge in sorted(made) if EDGES[edge][1] == node]
            for node in range(1, NODES)
        ]
        self.outs = outs
        self.stride = stride

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, ins, h, w) to the last node, (batch, outs, ceil(h / stride), ceil(w / stride))."""
        nodes = [inputs]
        for incoming in self.incoming:
            terms = [self.edges[name](nodes[source]) for name, source in incoming]
            nodes.append(add(terms) if terms else self.zeros(inputs))
        return nodes[-1]

    def zeros(self, inputs: Tensor) -> Tensor:
        """What a node holds that nothing reaches: zero times the input, as published, so that gradients are zeros."""
        one = inputs[:, :1, :: self.stride, :: self.stride] * 0
        return one.expand(-1, self.outs, -1, -1)


def add(terms: Sequence[Tensor]) -> Tensor:
    """Sum of maps of one shape, at least one."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def edge_name(edge: int) -> str:
    """Name of an edge's module and gene, such as ``0-1``; never an index, so that edited networks inherit weights."""
    source, target = EDGES[edge]
    return f"{source}-{target}"


def live_edges(genotype: Genotype) -> tuple[int, ...]:
    """Edges on a path of operations from the first node to the last."""
    reached = {0}
    for (source, target), operation in zip(EDGES, genotype, strict=True):
        if operation != NONE and source in reached:
            reached.add(target)
    useful = {NODES - 1}
    for (source, target), operation in zip(reversed(EDGES), reversed(genotype), strict=True):
        if operation != NONE and target in useful:
            useful.add(source)
    return tuple(
        edge
        for edge, (source, target) in enumerate(EDGES)
        if genotype[edge] != NONE and source in reached and target in useful
    )
