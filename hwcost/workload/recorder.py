"""Collects the aten calls of one forward pass into layers and the edges between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from torch import Tensor

from archlock.errors import HardwareError
from archlock.hwcost.workload.layers import LAST_MATRIX_KIND, NETWORK_INPUT, Layers, Workload
from archlock.hwcost.workload.operators import FREE, Work, makes_constant, read_operator

BIAS_BYTES = 4
MOST_OPERATIONS = 2**50
"""Of one layer: thousands of such layers, each with its bytes and cycles, still fit 64 bits."""


@dataclass(frozen=True)
class _Layer:
    name: str
    work: Work
    reads: dict[int, int]
    """Producing layer (or `NETWORK_INPUT`) to bytes read from it."""
    out_bytes: int


@dataclass
class Recorder:
    """State of one trace. Tensors are followed by their storage, so views and in-place writes are seen as such."""

    network: str
    """Place of what the network does outside its modules."""
    layers: list[_Layer] = field(default_factory=list)
    producers: dict[int, frozenset[int]] = field(default_factory=dict)
    """Storage to the layers that last wrote it; the empty set marks a constant."""
    kept: list[Tensor] = field(default_factory=list)
    """Every tensor seen, so that no storage address is used twice."""
    path: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        """Path of the module that is running; the network's name for the network itself."""
        return (self.path[-1] if self.path else "") or self.network

    def enter(self, path: str) -> None:
        """A module begins."""
        self.path.append(path)

    def leave(self) -> None:
        """A module ends."""
        self.path.pop()

    def know_constant(self, tensor: Tensor) -> None:
        """A weight, buffer or other stored tensor."""
        self._mark(tensor, frozenset())

    def start(self, inputs: Tensor) -> None:
        """The network's input."""
        self._mark(inputs, frozenset({NETWORK_INPUT}))

    def record(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> None:
        """One aten call and what it returned.

        Raises:
            HardwareError: an operator on activations that cannot be costed.
        """
        results = list(tensors_in(outputs))
        if not results:
            return
        operands = list(tensors_in((args, tuple(kwargs.values()))))
        sources = frozenset().union(*(self._sources(operand) for operand in operands))
        if makes_constant(func):
            sources = frozenset()
        found = read_operator(func, args, kwargs, results, self._is_static) if sources else FREE
        if found is None:
            raise HardwareError(
                f"{self.place}: operator {func} cannot be costed; replace it, or estimate the network without it"
            )
        if found is not FREE and not self._folded(found, sources):
            sources = frozenset({self._add(func, found, operands, results[0])})
        for result in results:
            self._mark(result, sources)

    def _add(self, func: Any, work: Work, operands: list[Tensor], result: Tensor) -> int:
        operator = func._schema.name.removeprefix("aten::").strip("_")
        path = self.path[-1] if self.path else ""
        name = f"{path}:{operator}" if path else operator
        operations = max(work.m * work.k * work.n * work.count, work.work)
        if operations > MOST_OPERATIONS:
            raise HardwareError(
                f"{name}: {operations:.1e} operations in one layer are more than the {MOST_OPERATIONS:.1e} that can be "
                "costed; give a smaller input"
            )
        self.layers.append(_Layer(name, work, self._reads(operands), result.numel()))
        return len(self.layers) - 1

    def _reads(self, operands: list[Tensor]) -> dict[int, int]:
        """Bytes read from each source; an expanded view is read as the stored bytes behind it."""
        reads: dict[int, int] = {}
        for operand in operands:
            writers = self._sources(operand)
            taken = min(operand.numel(), _stored_elements(operand))
            for writer in writers:
                reads[writer] = reads.get(writer, 0) + max(1, taken // len(writers))
        return reads

    def _folded(self, work: Work, sources: frozenset[int]) -> bool:
        """Fold a batch norm, scale or bias into the product it follows; its offset becomes the product's bias."""
        if not work.foldable or len(sources) != 1 or NETWORK_INPUT in sources:
            return False
        (source,) = sources
        layer = self.layers[source]
        if layer.work.kind > LAST_MATRIX_KIND or layer.work.dynamic or work.foldable not in (1, layer.work.channels):
            return False
        if not layer.work.has_bias:
            bias_bytes = BIAS_BYTES * layer.work.channels
            folded = replace(layer.work, has_bias=True, weight_bytes=layer.work.weight_bytes + bias_bytes)
            self.layers[source] = replace(layer, work=folded)
        return True

    def _mark(self, tensor: Tensor, sources: frozenset[int]) -> None:
        self.kept.append(tensor)
        self.producers[_storage(tensor)] = sources

    def _sources(self, tensor: Tensor) -> frozenset[int]:
        return self.producers.get(_storage(tensor), frozenset())

    def _is_static(self, tensor: Tensor) -> bool:
        return not self._sources(tensor)

    def finish(self, outputs: list[Tensor], input_shape: tuple[int, ...]) -> Workload:
        """The workload of what reaches the outputs.

        Raises:
            HardwareError: nothing computed reaches an output.
        """
        ends = frozenset().union(*(self._sources(output) for output in outputs)) - {NETWORK_INPUT}
        live = self._reaching(ends)
        if not live:
            raise HardwareError("the network's output does not depend on any layer: nothing to cost")
        place = {old: new for new, old in enumerate(live)} | {NETWORK_INPUT: NETWORK_INPUT}
        kept = [self.layers[old] for old in live]
        edges = [(place[s], place[old], taken) for old in live for s, taken in sorted(self.layers[old].reads.items())]
        is_output = np.isin(np.array(live), list(ends))
        return Workload(_distinct([layer.name for layer in kept]), _as_arrays(kept, edges, is_output), input_shape)

    def _reaching(self, ends: frozenset[int]) -> list[int]:
        """Layers that some end depends on, in execution order."""
        seen = set(ends)
        waiting = list(ends)
        while waiting:
            fresh = set(self.layers[waiting.pop()].reads) - seen - {NETWORK_INPUT}
            seen |= fresh
            waiting.extend(fresh)
        return sorted(seen)


def _as_arrays(layers: list[_Layer], edges: list[tuple[int, int, int]], is_output: np.ndarray[Any, Any]) -> Layers:
    def column(name: str) -> Any:
        return np.array([getattr(layer.work, name) for layer in layers], dtype=np.int64)

    source, target, taken = np.array(edges, dtype=np.int64).reshape(-1, 3).T
    return Layers(
        kind=column("kind").astype(np.int8),
        m=column("m"),
        k=column("k"),
        n=column("n"),
        count=column("count"),
        dynamic=column("dynamic").astype(bool),
        work=column("work"),
        in_bytes=np.bincount(target, weights=taken, minlength=len(layers)).astype(np.int64),
        weight_bytes=column("weight_bytes"),
        out_bytes=np.array([layer.out_bytes for layer in layers], dtype=np.int64),
        is_output=is_output,
        edge_source=source.copy(),
        edge_target=target.copy(),
        edge_bytes=taken.copy(),
    )


def _distinct(names: list[str]) -> tuple[str, ...]:
    """The names, numbered from the second use on."""
    uses: dict[str, int] = {}
    distinct = []
    for name in names:
        uses[name] = uses.get(name, 0) + 1
        distinct.append(name if uses[name] == 1 else f"{name}#{uses[name]}")
    return tuple(distinct)


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _stored_elements(tensor: Tensor) -> int:
    return int(tensor.untyped_storage().nbytes()) // tensor.element_size()


def tensors_in(value: object) -> Iterator[Tensor]:
    """All tensors in nested tuples, lists and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for inner in value:
            yield from tensors_in(inner)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from tensors_in(inner)
