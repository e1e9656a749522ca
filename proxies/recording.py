"""Watching a forward pass at the level of torch functions, so that functional calls count like modules do.

One `TorchFunctionMode` instead of hooks: nothing is attached to the network, and an operator that is not watched costs
one dictionary look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from archlock.proxies.counting import CONVOLUTIONS, COUNTED, mac_count
from archlock.proxies.evidence import Part
from archlock.proxies.patterns import UnitPatterns
from archlock.proxies.second_order import substitute

RELU_LIKE: frozenset[Callable[..., Any]] = frozenset(
    {
        *(functional.relu, functional.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_),
        *(functional.relu6, functional.hardtanh, functional.hardtanh_),
        *(functional.leaky_relu, functional.leaky_relu_, functional.prelu, torch.prelu, Tensor.prelu),
        *(functional.rrelu, functional.rrelu_, functional.elu, functional.elu_, functional.selu, functional.selu_),
        *(functional.celu, functional.celu_, functional.gelu, functional.silu, functional.mish),
        *(functional.hardswish, functional.softplus),
    }
)
"""Activations whose sign pattern is a code: a unit is active where its pre-activation is positive. Gates and bounded
functions (sigmoid, hardsigmoid, tanh, softmax) are not among them."""


class Recorder(TorchFunctionMode):
    """Counts and keeps what the proxies need while a network runs.

    Args:
        batch: samples in the batch.
        parts: what to gather; those that the forward pass serves are heeded here.
        weights: weights of the layers whose outputs have a Fisher salience.

    Attributes:
        mac_count: multiply-accumulates of the batch.
        code_gram: shape (batch, batch), float64, or None where no activation was called.
        code_bits: units in a code.
        patterns: distinct patterns of units over the samples, or None where no activation was called.
        salience: sum over layers and channels of the Fisher salience, or None where no gradient arrived.
        listening: whether gradients that arrive are added to the salience.
    """

    def __init__(self, batch: int, parts: frozenset[Part], weights: Sequence[Tensor]) -> None:
        super().__init__()
        self.mac_count = 0
        self.code_gram: Tensor | None = None
        self.code_bits = 0
        self.patterns = UnitPatterns(batch) if Part.PATTERNS in parts else None
        self.salience: Tensor | None = None
        self.listening = False
        self._batch = batch
        self._watched_weights = {id(weight) for weight in weights} if Part.SALIENCE in parts else set()
        self._codes = bool(parts & {Part.CODES, Part.PATTERNS})
        self._gram = Part.CODES in parts
        self._curved = Part.CURVATURE in parts

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operator and note what is watched of it."""
        kwargs = kwargs or {}
        if func in COUNTED:
            return self._run_layer(func, args, kwargs)
        if self._curved and func is functional.batch_norm:
            return self._call(func, args, kwargs)
        if self._codes and func in RELU_LIKE:
            self._add_codes(args[0] if args else kwargs["input"])  # before the call, which may work in place
        return func(*args, **kwargs)

    def _run_layer(self, func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        output = self._call(func, args, kwargs)
        self.mac_count += mac_count(func, args, kwargs, output)
        if self._watched_weights:
            weight: Any = args[1] if len(args) > 1 else kwargs.get("weight")
            if id(weight) in self._watched_weights and output.requires_grad:
                self._watch(output, weight, func, args, kwargs)
        return output

    def _call(self, func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Run an operator, with cheap second derivatives where they are needed and there are such."""
        output = substitute(func, args, kwargs) if self._curved else None
        return func(*args, **kwargs) if output is None else output

    def _watch(
        self, output: Tensor, weight: Tensor, func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
    ) -> None:
        activation, version = output.detach(), output._version
        channel = 1 if func in CONVOLUTIONS else output.dim() - 1

        def arrived(gradient: Tensor) -> None:
            if self.listening:
                kept = activation
                if kept._version != version:  # a later operator wrote into the output: compute it again
                    with torch.no_grad():
                        kept = func(*args, **kwargs)
                self._add_salience(kept, gradient, channel, weight[0].numel())

        output.register_hook(arrived)

    def _add_salience(self, activation: Tensor, gradient: Tensor, channel: int, weights_per_channel: int) -> None:
        activation, gradient = activation.detach(), gradient.detach()
        summed = tuple(dim for dim in range(1, activation.dim()) if dim != channel)
        product = activation * gradient
        effect = (product.sum(summed) if summed else product).double()
        salience = effect.square().mean(0).sum() * (0.5 * weights_per_channel)
        self.salience = salience if self.salience is None else self.salience + salience

    def _add_codes(self, pre_activation: Tensor) -> None:
        units = _by_sample(pre_activation.detach(), self._batch)
        if units is None:
            return
        # Comparing into a float tensor is many times faster than comparing into bool and converting.
        active = torch.gt(units, 0, out=torch.empty_like(units))
        if self.patterns is not None:
            self.patterns.add(active)
        self.code_bits += active.shape[1]
        if not self._gram:
            return
        gram = active @ active.T
        # Counts are exact in float32 up to 2^24 units a layer; the sum over layers is kept in float64.
        self.code_gram = gram.double() if self.code_gram is None else self.code_gram.add_(gram)


def _by_sample(tensor: Tensor, batch: int) -> Tensor | None:
    """Shape (batch, units), whichever way the samples are laid out; None where they cannot be told apart."""
    if tensor.dim() and tensor.shape[0] % batch == 0:
        return tensor.reshape(batch, -1)
    if tensor.dim() > 1 and tensor.shape[1] == batch:
        return tensor.transpose(0, 1).reshape(batch, -1)
    return None
