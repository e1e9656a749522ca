"""Which layers belong to attention, found by following tensors through a forward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode

from archlock.proxies.counting import CONVOLUTIONS
from archlock.proxies.layers import scored_weights

_ATTRIBUTE = "_archlock_made_by"
_ATTENDED = -1
"""Stands among the layers that made a tensor for a product of two activations."""

_LAYERS = CONVOLUTIONS | {functional.linear}
_PRODUCTS = frozenset({torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.bmm, Tensor.bmm, torch.einsum})


class _Follower(TorchFunctionMode):
    """Marks each tensor with the layers that it comes from, until the next layer.

    Attributes:
        attended: positions of the layers that feed a product of two activations, or are fed by one.
    """

    def __init__(self, positions: dict[int, int]) -> None:
        super().__init__()
        self.attended: set[int] = set()
        self._positions = positions

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        tensors = _tensors((*args, *kwargs.values()))
        makers = [frozenset[int](getattr(tensor, _ATTRIBUTE, ())) for tensor in tensors]
        if func is functional.multi_head_attention_forward:
            self._attend([position for tensor in tensors if (position := self._position(tensor)) is not None])
        elif func in _LAYERS:
            _mark(result, self._layer(tensors, makers))
        elif func is functional.scaled_dot_product_attention or (func in _PRODUCTS and sum(map(bool, makers)) > 1):
            self._attend(frozenset[int]().union(*makers))
            _mark(result, frozenset({_ATTENDED}))
        elif any(makers):
            _mark(result, frozenset[int]().union(*makers))
        return result

    def _layer(self, tensors: Sequence[Tensor], makers: Sequence[frozenset[int]]) -> frozenset[int]:
        positions = [position for tensor in tensors if (position := self._position(tensor)) is not None]
        if makers and _ATTENDED in makers[0]:
            self._attend(positions)
        return frozenset(positions)

    def _attend(self, positions: Sequence[int] | frozenset[int]) -> None:
        self.attended.update(position for position in positions if position != _ATTENDED)

    def _position(self, tensor: Tensor) -> int | None:
        return self._positions.get(id(tensor))


def attention_layers(modules: Sequence[nn.Module], inputs: Tensor) -> frozenset[int]:
    """Positions, among the scored weights, of those that make queries, keys and values or take attention's result.

    A product of two activations counts as attention, however it is written. The packed input projection of
    `torch.nn.MultiheadAttention` is no layer of its own and is not among the scored weights.

    Args:
        modules: of one network, the network first, in training mode.
        inputs: shape (batch, ...); two samples are run, which is what batch norm needs.
    """
    with torch.no_grad(), parametrize.cached():
        weights = scored_weights(modules)
        follower = _Follower({id(weight): position for position, weight in enumerate(weights)})
        with follower:
            modules[0](inputs[:2].clone())
    return frozenset(follower.attended)


def _tensors(arguments: Sequence[Any]) -> list[Tensor]:
    """Tensors among arguments, one list deep, in order."""
    items = (argument if isinstance(argument, list | tuple) else (argument,) for argument in arguments)
    return [item for group in items for item in group if isinstance(item, Tensor)]


def _mark(result: Any, makers: frozenset[int]) -> None:
    for tensor in _tensors((result,)):
        if not isinstance(tensor, nn.Parameter):
            setattr(tensor, _ATTRIBUTE, makers)
