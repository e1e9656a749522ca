"""Gradients of single samples with respect to layer weights, from one backward pass of the whole batch.

Batch norm keeps the batch's statistics, but as constants: samples no longer act on one another, so that each one's
gradient exists and one backward pass of a sum over samples holds them all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from archlock.proxies.evidence import DegenerateError

_Function = Callable[..., Any]
Consumer = Callable[[int, Tensor], None]
"""Takes the position of a weight and its gradients by sample, shape (batch, ...)."""


class SampleRecorder(TorchFunctionMode):
    """Runs a network with batch statistics held fixed, and hands over each sample's gradients of the layers.

    Args:
        batch: samples in the batch.
        weights: weights of the scored layers.

    Attributes:
        consume: what a backward pass gives its gradients to, layer by layer; None to ignore it.
        first_only: hand over the gradient of each weight's first entry alone, shape (batch,), which is cheaper.
    """

    def __init__(self, batch: int, weights: Sequence[Tensor]) -> None:
        super().__init__()
        self.consume: Consumer | None = None
        self.first_only = False
        self._batch = batch
        self._positions = {id(weight): position for position, weight in enumerate(weights)}
        self._calls: dict[int, int] = {}
        self._arrived: dict[int, tuple[int, Tensor]] = {}

    def __torch_function__(
        self, func: _Function, types: object, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operator; batch norm with constants, layers watched."""
        kwargs = kwargs or {}
        if func is functional.batch_norm:
            return _fixed_batch_norm(*args, **kwargs)
        output = func(*args, **kwargs)
        layer = _LAYERS.get(func)
        if layer is not None and isinstance(output, Tensor) and output.requires_grad:
            weight: Any = args[1] if len(args) > 1 else kwargs.get("weight")
            position = self._positions.get(id(weight))
            if position is not None:
                self._watch(output, position, layer(self._batch, *args, **kwargs))
        return output

    def backward(self, output: Tensor, weights: Sequence[Tensor], consume: Consumer, first_only: bool = False) -> None:
        """One backward pass from a scalar; the graph is kept. Every weight that is reached is consumed once."""
        self.consume, self.first_only = consume, first_only
        torch.autograd.grad(output, weights, retain_graph=True, allow_unused=True)
        for position, (_, gradient) in sorted(self._arrived.items()):
            consume(position, gradient)  # of a layer that was called where no gradient came back
        self._arrived.clear()
        self.consume = None

    def _watch(self, output: Tensor, position: int, layer: _Layer) -> None:
        self._calls[position] = self._calls.get(position, 0) + 1

        def arrived(gradient: Tensor) -> None:
            if self.consume is not None:
                rows = layer.first(gradient) if self.first_only else layer.all(gradient)
                self._add(position, rows)

        output.register_hook(arrived)

    def _add(self, position: int, rows: Tensor) -> None:
        """Consume a weight's gradients once each of its calls has given its part."""
        calls, total = self._arrived.pop(position, (0, None))
        total = rows if total is None else total + rows
        if calls + 1 < self._calls[position]:
            self._arrived[position] = (calls + 1, total)
        elif self.consume is not None:
            self.consume(position, total)


class _Layer:
    """One call of a layer: its input by sample, shape (batch x groups, entries, positions)."""

    def __init__(self, batch: int, inputs: Tensor, groups: int, by_position: Callable[[Tensor], Tensor]) -> None:
        self._batch, self._inputs, self._groups, self._by_position = batch, inputs, groups, by_position

    def all(self, gradient: Tensor) -> Tensor:
        """Gradients of all weights; shape (batch, weights)."""
        rows = self._by_position(gradient).reshape(self._batch * self._groups, -1, self._inputs.shape[-1])
        return (rows @ self._inputs.transpose(1, 2)).reshape(self._batch, -1)

    def first(self, gradient: Tensor) -> Tensor:
        """Gradients of the first entry of the weight; shape (batch,)."""
        rows = self._by_position(gradient)[:, 0]
        return (rows * self._inputs[:: self._groups, 0]).sum(dim=1)


def _linear(batch: int, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> _Layer:
    _check(input, batch)

    def by_position(gradient: Tensor) -> Tensor:
        return gradient.reshape(batch, -1, gradient.shape[-1]).transpose(1, 2)

    return _Layer(batch, by_position(input.detach()), 1, by_position)


def _convolution(
    batch: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> _Layer:
    _check(input, batch)
    if isinstance(padding, str):
        raise DegenerateError(f"gradients of single samples: padding {padding!r} of a convolution is not supported")
    flat = weight.dim() == 3
    feature_map = (input.unsqueeze(2) if flat else input).detach()
    size = (1, int(weight.shape[2])) if flat else (int(weight.shape[2]), int(weight.shape[3]))
    steps = [_pair(value, flat, neutral) for value, neutral in ((dilation, 1), (padding, 0), (stride, 1))]
    patches = functional.unfold(feature_map, size, *steps)

    def by_position(gradient: Tensor) -> Tensor:
        return gradient.flatten(2)

    return _Layer(batch, patches.reshape(batch * groups, -1, patches.shape[-1]), groups, by_position)


def _unsupported(batch: int, *_: Any, **__: Any) -> _Layer:
    raise DegenerateError("gradients of single samples: three-dimensional convolutions are not supported")


_LAYERS: dict[_Function, Callable[..., _Layer]] = {
    functional.linear: _linear,
    functional.conv1d: _convolution,
    functional.conv2d: _convolution,
    functional.conv3d: _unsupported,
}


def _check(inputs: Tensor, batch: int) -> None:
    if inputs.dim() < 2 or inputs.shape[0] % batch:
        raise DegenerateError(f"gradients of single samples: a layer's input of shape {tuple(inputs.shape)}")


def _pair(value: Any, flat: bool, neutral: int) -> tuple[int, int]:
    values = (value,) if isinstance(value, int) else tuple(value)
    if flat:
        return (neutral, values[0])
    return (values[0], values[-1])


def _fixed_batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Batch norm whose statistics are those of the batch where it trains, and constants in any case."""
    if training:
        others = [dim for dim in range(input.dim()) if dim != 1]
        running_var, running_mean = torch.var_mean(input.detach(), dim=others, correction=0)
    return functional.batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
