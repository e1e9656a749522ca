"""The micro space of TransNAS-Bench-101: a searched cell in the fixed skeleton 41414 (Duan et al., CVPR 2021)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from torch import nn

from archlock.iospec import IOSpec
from archlock.spaces.cell import CONV_1X1, CONV_3X3, EDGES, SKIP, Cell, FactorisedReduction, ReLUConvNorm, edge_name
from archlock.spaces.cell_space import CellSpace
from archlock.spaces.network import Network
from archlock.spaces.protocol import Choice, Genotype
from archlock.spaces.transnas_network import WIDTH, TransNASBody, transnas_network
from archlock.spaces.transnas_tasks import find_task
from archlock.spaces.transnas_twins import BOTH, NORMAL, OPERATIONS, canonical_forms, halvings, weighted_order

SKELETON = (BOTH, NORMAL, BOTH, NORMAL, BOTH)


class TransNASMicroSpace(CellSpace):
    """4,096 cells, 1,948 distinct networks; genes in the order of the benchmark's names, ``a_bc_def``.

    Twins: edges on no way from the first node to the last have no effect, and nodes 1 and 2 may change places where
    no edge joins them.

    Args:
        width: channels after the stem; 64 as published.
    """

    name = "transnas_micro"
    choices = tuple(Choice(f"edge{edge_name(edge)}", OPERATIONS) for edge in range(len(EDGES)))

    def __init__(self, width: int = WIDTH) -> None:
        self.width = width

    @property
    def forms(self) -> Mapping[Genotype, Genotype]:
        """Canonical form of every genotype."""
        return canonical_forms()

    def active(self, genotype: Genotype) -> tuple[bool, ...]:
        """Genes of edges that start at a node that some operation reaches."""
        first = genotype[0] != 0
        second = genotype[1] != 0 or (first and genotype[2] != 0)
        return tuple((True, first, second)[source] for source, _ in EDGES)

    def build_canonical(self, genotype: Genotype, io: IOSpec) -> Network:
        """The network of a checked genotype; a dense output has the segmentation decoder."""
        return transnas_network(self._body(genotype, io.channels), io, halvings(SKELETON))

    def build_for(self, genotype: Genotype, task: str) -> Network:
        """The network as published for one of the benchmark's tasks, see `archlock.spaces.transnas_tasks.TASKS`.

        Raises:
            SpaceError: not a genotype of this space, or no such task.
        """
        wanted = find_task(task)
        body = self._body(self.check(genotype), wanted.tile_channels)
        return transnas_network(body, wanted.io, halvings(SKELETON), wanted.decoder, wanted.tiles)

    def _body(self, genotype: Genotype, channels: int) -> TransNASBody:
        return TransNASBody(SKELETON, partial(make_cell, genotype), channels, self.width)


def make_cell(genotype: Genotype, ins: int, outs: int, stride: int) -> Cell:
    """One cell, freshly initialised; edges from node 0 change the shape."""

    def make(operation: int, source: int) -> nn.Module:
        return make_operation(operation, outs if source else ins, outs, 1 if source else stride)

    return Cell(genotype, make, weighted_order(genotype), outs, stride)


def make_operation(operation: int, ins: int, outs: int, stride: int) -> nn.Module:
    """The module of an operation other than `none`."""
    if operation == SKIP:
        return nn.Identity() if stride == 1 and ins == outs else FactorisedReduction(ins, outs, stride)
    return ReLUConvNorm(ins, outs, {CONV_1X1: 1, CONV_3X3: 3}[operation], stride, fan_out=True)
