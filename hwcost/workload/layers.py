"""The graph of a network's layers as the hardware sees them: kinds, matrix sizes, bytes and edges, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archlock.errors import HardwareError
from archlock.hwcost.assignment.elimination import EliminationPlan, compile_plan, join_plans

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

NETWORK_INPUT = -1
"""Source of an edge that brings the network's own input."""


class OpKind(IntEnum):
    """What a layer does; the first four are matrix products, the rest is work of the vector unit."""

    CONV = 0
    GROUPED_CONV = 1
    LINEAR = 2
    MATMUL = 3
    ELEMENTWISE = 4
    ACTIVATION = 5
    GELU = 6
    SOFTMAX = 7
    LAYER_NORM = 8
    NORMALISATION = 9
    POOLING = 10
    INTERPOLATION = 11
    DATA_MOVEMENT = 12

    @property
    def label(self) -> str:
        """Name for people, such as ``grouped conv``."""
        return self.name.lower().replace("_", " ")


LAST_MATRIX_KIND = OpKind.MATMUL


@dataclass(frozen=True, eq=False)
class Layers:
    """Layers of one or many networks in execution order, one array per property.

    Operands are int8 (one byte per element) and biases int32. A layer's matrix work is ``count`` products of
    (m x k) by (k x n); ``count`` is the number of groups, or of matrices in a batched product.

    Attributes:
        kind: shape (layers,), `OpKind` values.
        m, k, n, count: shape (layers,), sizes of the matrix products; 0 where the layer is none.
        dynamic: shape (layers,), the (k x n) operand is computed during the inference instead of stored.
        work: shape (layers,), element operations of the vector unit (elements times taps); 0 for matrix products.
        in_bytes: shape (layers,), activations read, the second operand of a dynamic product included.
        weight_bytes: shape (layers,), stored weights and biases read.
        out_bytes: shape (layers,), activations written.
        is_output: shape (layers,), the result is an output of the network.
        edge_source, edge_target: shape (edges,), producing and reading layer; the source may be `NETWORK_INPUT`.
        edge_bytes: shape (edges,), bytes that the reader takes from the source's result.
    """

    kind: NDArray[np.int8]
    m: IntArray
    k: IntArray
    n: IntArray
    count: IntArray
    dynamic: BoolArray
    work: IntArray
    in_bytes: IntArray
    weight_bytes: IntArray
    out_bytes: IntArray
    is_output: BoolArray
    edge_source: IntArray
    edge_target: IntArray
    edge_bytes: IntArray

    def __len__(self) -> int:
        return len(self.kind)

    @cached_property
    def is_matrix(self) -> BoolArray:
        """Shape (layers,): the layer is a matrix product."""
        return self.kind <= LAST_MATRIX_KIND

    @cached_property
    def product_places(self) -> NDArray[np.intp]:
        """Shape (products,): numbers of the layers that are matrix products."""
        return np.flatnonzero(self.is_matrix)

    @cached_property
    def other_places(self) -> NDArray[np.intp]:
        """Shape (others,): numbers of the layers that are none."""
        return np.flatnonzero(~self.is_matrix)

    @cached_property
    def products(self) -> Layers:
        """The matrix products alone, without edges."""
        return self._those(self.is_matrix)

    @cached_property
    def others(self) -> Layers:
        """Everything that is no matrix product, without edges."""
        return self._those(~self.is_matrix)

    def _those(self, pick: BoolArray) -> Layers:
        names = [name for name in Layers.__dataclass_fields__ if not name.startswith("edge_")]
        none = np.empty(0, dtype=np.int64)
        return Layers(
            **{name: getattr(self, name)[pick] for name in names}, edge_source=none, edge_target=none, edge_bytes=none
        )

    @cached_property
    def macs(self) -> IntArray:
        """Shape (layers,): multiply-accumulates of the matrix products."""
        return self.m * self.k * self.n * self.count

    @cached_property
    def dynamic_bytes(self) -> IntArray:
        """Shape (layers,): bytes of the dynamic (k x n) operands; 0 for static layers."""
        return np.where(self.dynamic, self.k * self.n * self.count, 0)

    @cached_property
    def last_reader(self) -> IntArray:
        """Shape (layers,): number of the last layer that reads each result; the layer's own where none does."""
        last = np.arange(len(self))
        inner = self.edge_source >= 0
        np.maximum.at(last, self.edge_source[inner], self.edge_target[inner])
        return last

    @cached_property
    def waiting_bytes(self) -> IntArray:
        """Shape (layers,): bytes of all results that are there when a layer starts and that it or a later one reads."""
        change = np.zeros(len(self) + 1, dtype=np.int64)
        change[1:] = self.out_bytes
        np.subtract.at(change, self.last_reader + 1, self.out_bytes)
        return np.cumsum(change)[:-1]


@dataclass(frozen=True, eq=False)
class Workload:
    """One network's layers.

    Attributes:
        names: a display name per layer: module path and operator, distinct.
        layers: the layers, in execution order.
        input_shape: shape of the input it was traced with, batch first.
    """

    names: tuple[str, ...]
    layers: Layers
    input_shape: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return int(self.layers.macs.sum())

    @property
    def weight_bytes(self) -> int:
        """Bytes of stored weights and biases."""
        return int(self.layers.weight_bytes.sum())

    def predecessors(self, layer: int) -> tuple[int, ...]:
        """Layers whose results this layer reads; `NETWORK_INPUT` stands for the network's input."""
        return tuple(int(source) for source in self.layers.edge_source[self.layers.edge_target == layer])

    @cached_property
    def plan(self) -> EliminationPlan:
        """How the best assignment of its layers to two units is found; see `archlock.hwcost.assignment.elimination`.

        Raises:
            TangledError: too many results are alive at once.
        """
        return compile_plan(len(self), self.inner_edges)

    @cached_property
    def inner_edges(self) -> tuple[tuple[int, int], ...]:
        """(producer, reader) pairs of layers."""
        inner = self.layers.edge_source >= 0
        sources, targets = self.layers.edge_source[inner].tolist(), self.layers.edge_target[inner].tolist()
        return tuple(zip(sources, targets, strict=True))


@dataclass(frozen=True, eq=False)
class WorkloadBatch:
    """Many networks' layers end to end, so that all are costed in one pass.

    Attributes:
        layers: all layers; edges index into them.
        network: shape (layers,), index of the network each layer belongs to.
        workloads: the networks.
    """

    layers: Layers
    network: IntArray
    workloads: Sequence[Workload]

    def __len__(self) -> int:
        return len(self.workloads)

    @cached_property
    def plan(self) -> EliminationPlan:
        """How the best assignments of all networks are found at once; compiled when it is first needed.

        Raises:
            TangledError: a network with too many results alive at once.
        """
        return join_plans([workload.plan for workload in self.workloads])

    @classmethod
    def of(cls, workloads: Sequence[Workload]) -> WorkloadBatch:
        """Join workloads. Build it once and keep it: with its plan it takes longer than an estimate.

        Raises:
            HardwareError: no workloads.
        """
        if not workloads:
            raise HardwareError("a workload batch needs at least one workload")
        lengths = np.array([len(workload) for workload in workloads])
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        layers = _join_layers([workload.layers for workload in workloads], starts)
        network = np.repeat(np.arange(len(workloads)), lengths)
        return cls(layers, network, tuple(workloads))


def _join_layers(parts: Sequence[Layers], starts: IntArray) -> Layers:
    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    shift = np.repeat(starts, [len(part.edge_source) for part in parts])
    fields = {name: joined(name) for name in Layers.__dataclass_fields__}
    fields["edge_source"] = np.where(fields["edge_source"] < 0, NETWORK_INPUT, fields["edge_source"] + shift)
    fields["edge_target"] = fields["edge_target"] + shift
    return Layers(**fields)
