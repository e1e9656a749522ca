"""Arithmetic on non-negative tensors that carry a logarithmic scale, for flows beyond the range of float64.

A tensor t stands for t * exp(s), where s is a number kept beside it. The scale is a constant to autograd, so gradients
of the final tensor are those of the true output divided by exp(final scale): exact, whatever the magnitude.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from archlock.proxies.counting import CONVOLUTIONS
from archlock.proxies.evidence import DegenerateError

_Function = Callable[..., Any]
_ATTRIBUTE = "_archlock_log_scale"
_SAFE_LOG = 600.0
"""exp of this and of its negative are well inside float64."""

_LAYERS: frozenset[_Function] = CONVOLUTIONS | {
    *(functional.linear, functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d),
}
_ADDITIONS: frozenset[_Function] = frozenset(
    {torch.add, Tensor.add, Tensor.__add__, Tensor.__radd__, Tensor.__iadd__},
)
_JOINS: frozenset[_Function] = frozenset({torch.cat, torch.stack, torch.concat})
_PRODUCTS: frozenset[_Function] = frozenset(
    {
        *(torch.mul, Tensor.mul, Tensor.__mul__, Tensor.__rmul__, Tensor.__imul__),
        *(torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.bmm, Tensor.bmm, torch.mm, Tensor.mm),
    }
)
_HOMOGENEOUS: frozenset[_Function] = frozenset(
    {
        *(functional.relu, functional.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_),
        *(functional.leaky_relu, functional.leaky_relu_, functional.prelu, functional.dropout, functional.dropout2d),
        *(functional.max_pool1d, functional.max_pool2d, functional.avg_pool1d, functional.avg_pool2d),
        *(functional.adaptive_avg_pool1d, functional.adaptive_avg_pool2d, functional.adaptive_max_pool2d),
        *(functional.interpolate, functional.pixel_shuffle, functional.pixel_unshuffle),
        *(torch.flatten, Tensor.flatten, torch.reshape, Tensor.reshape, Tensor.view, Tensor.unflatten),
        *(torch.permute, Tensor.permute, torch.transpose, Tensor.transpose, Tensor.contiguous, Tensor.clone),
        *(torch.mean, Tensor.mean, torch.sum, Tensor.sum, torch.amax, Tensor.amax, Tensor.__getitem__),
        *(torch.squeeze, Tensor.squeeze, torch.unsqueeze, Tensor.unsqueeze, Tensor.expand, Tensor.repeat),
        *(torch.chunk, Tensor.chunk, torch.split, Tensor.split, Tensor.unbind, torch.unbind, torch.roll, Tensor.roll),
        *(Tensor.__truediv__, torch.div, Tensor.div),
    }
)
"""f(c x) = c f(x) in the first argument for c > 0."""

_SLOPES: dict[_Function, tuple[float, float]] = {
    functional.gelu: (0.5, 1.0),
    functional.silu: (0.5, 1.0),
    functional.hardswish: (0.5, 1.0),
    functional.mish: (0.6, 1.0),
    functional.elu: (1.0, 1.0),
    functional.celu: (1.0, 1.0),
}
"""Slopes at zero from above and at infinity, exact in float64 beyond the safe range."""

_BOUNDED: frozenset[_Function] = frozenset(
    {
        *(functional.sigmoid, torch.sigmoid, Tensor.sigmoid, functional.hardsigmoid, functional.tanh, torch.tanh),
        *(Tensor.tanh, functional.hardtanh, functional.relu6, functional.softmax, torch.softmax, Tensor.softmax),
    }
)
"""Functions whose value no longer changes beyond the safe range."""


def log_scale(tensor: Tensor) -> float:
    """The logarithmic scale that a tensor carries, 0 for an ordinary one."""
    return float(getattr(tensor, _ATTRIBUTE, 0.0))


def _scaled(result: Any, scale: float) -> Any:
    """Attach a scale to a tensor or to each of several."""
    for tensor in result if isinstance(result, list | tuple) else (result,):
        if isinstance(tensor, Tensor) and tensor.is_floating_point():
            setattr(tensor, _ATTRIBUTE, scale)
    return result


def _rescaled(tensor: Tensor, scale: float) -> Tensor:
    """The same value with its greatest entry at 1; a tensor of zeros has scale 0."""
    peak = float(tensor.detach().abs().amax()) if tensor.numel() else 0.0
    if peak == 0 or not math.isfinite(peak):
        peak, scale = 1.0, (0.0 if peak == 0 else scale)
    output = tensor / peak
    _scaled(output, scale + math.log(peak))
    return output


def _aligned(tensors: Sequence[Any]) -> tuple[list[Any], float]:
    """The tensors (or numbers) brought to their greatest scale, and that scale.

    Zeros do not count: what stands for nothing must not push the others out of range.
    """
    scales = [log_scale(tensor) if isinstance(tensor, Tensor) else 0.0 for tensor in tensors]
    counted = [scale for scale, tensor in zip(scales, tensors, strict=True) if _is_something(tensor)]
    top = max(counted, default=0.0)
    pairs = zip(tensors, scales, strict=True)
    return [tensor * math.exp(scale - top) if scale <= top else tensor * 0.0 for tensor, scale in pairs], top


def _is_something(tensor: Any) -> bool:
    return bool(tensor.detach().any()) if isinstance(tensor, Tensor) else tensor != 0


class ScaledFlow(TorchFunctionMode):
    """Runs a network of non-negative weights on tensors that carry a scale."""

    def __torch_function__(
        self, func: _Function, types: object, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operator, keeping the scale of what it returns."""
        kwargs = kwargs or {}
        if func in _LAYERS:
            return self._layer(func, args, kwargs)
        carried = [log_scale(tensor) for tensor in _tensors(args, kwargs)]
        if not any(carried):
            return func(*args, **kwargs)
        if func in _ADDITIONS and not kwargs:
            (left, right), top = _aligned(args[:2])
            return _scaled(left + right, top)
        if func in _JOINS:
            tensors, top = _aligned(list(args[0]))
            return _scaled(func(tensors, *args[1:], **kwargs), top)
        if func in _PRODUCTS:
            return _rescaled(func(*args, **kwargs), sum(carried))
        if func in _HOMOGENEOUS and not any(carried[1:]):
            return _scaled(func(*args, **kwargs), carried[0])
        if func in _SLOPES and abs(carried[0]) > _SAFE_LOG:
            return _scaled(args[0] * _SLOPES[func][carried[0] > 0], carried[0])
        if func is functional.scaled_dot_product_attention and args[2:]:
            out = func(self._value(func, args[0]), self._value(func, args[1]), *args[2:], **kwargs)
            return _scaled(out, log_scale(args[2]))
        return self._other(func, args, kwargs)

    def _layer(self, func: _Function, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
        """A layer is linear up to its bias, which is added at its own scale."""
        bias = args[2] if len(args) > 2 else kwargs.get("bias")
        rest = {name: value for name, value in kwargs.items() if name != "bias"}
        product = func(*args[:2], None, *args[3:], **rest)
        output = _rescaled(product, log_scale(args[0]) if args else log_scale(kwargs["input"]))
        if bias is None:
            return output
        width = product.dim() - 2 if func is not functional.linear else 0
        (left, right), top = _aligned([output, bias.reshape(-1, *(1,) * width)])
        biased: Tensor = left + right
        _scaled(biased, top)
        return biased

    def _other(self, func: _Function, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """An operator without a rule: on true values where they fit float64, or refused."""
        probe = func(*args, **kwargs) if func.__name__.endswith(("__get__", "size", "dim", "numel")) else None
        if probe is not None and not isinstance(probe, Tensor):
            return probe
        values = [self._value(func, arg) for arg in args]
        result = func(*values, **{name: self._value(func, value) for name, value in kwargs.items()})
        floating = isinstance(result, Tensor) and result.is_floating_point() and not func.__name__.endswith("_")
        return _rescaled(result, 0.0) if floating else result

    def _value(self, func: _Function, argument: Any) -> Any:
        """The true value of an argument."""
        scale = log_scale(argument) if isinstance(argument, Tensor) else 0.0
        if abs(scale) > _SAFE_LOG and func not in _BOUNDED:
            raise DegenerateError(f"the synaptic flow leaves the range of float64 in {func.__name__}")
        return argument * math.exp(max(-_SAFE_LOG, min(_SAFE_LOG, scale))) if scale else argument


def _tensors(args: Sequence[Any], kwargs: dict[str, Any]) -> list[Tensor]:
    """Tensors among the arguments, one list deep, in order."""
    found: list[Tensor] = []
    for argument in (*args, *kwargs.values()):
        items = argument if isinstance(argument, list | tuple) else (argument,)
        found += [item for item in items if isinstance(item, Tensor)]
    return found
