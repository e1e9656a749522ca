"""Convolution and batch norm whose gradients have cheap gradients, for Hessian-gradient products.

torch derives the gradient of these gradients from generic parts; written out they need a third of the time. They are
exact (see the tests), and differentiable twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_Settings = tuple[list[int], list[int], list[int], int]


def substitute(func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor | None:
    """The call made with the functions of this module, None for one that they do not replace."""
    if kwargs:
        return None
    if func is functional.conv2d and len(args) == 7 and not isinstance(args[4], str) and args[0].requires_grad:
        convolved: Tensor = _Convolution.apply(args[0], args[1], _settings(args[3:]))  # type: ignore[no-untyped-call]
        return convolved if args[2] is None else convolved + args[2].view(1, -1, 1, 1)
    if func is functional.batch_norm and len(args) == 8 and args[5] and args[0].requires_grad:
        values, _, _, scale, shift, _, _, epsilon = args
        normed: Tensor = _BatchNorm.apply(values, scale, shift, epsilon)  # type: ignore[no-untyped-call]
        return normed
    return None


def _settings(args: Sequence[Any]) -> _Settings:
    stride, padding, dilation = ([value] * 2 if isinstance(value, int) else list(value) for value in args[:3])
    return stride, padding, dilation, int(args[3])


def _convolve(values: Tensor, weight: Tensor, settings: _Settings) -> Tensor:
    stride, padding, dilation, groups = settings
    return torch.conv2d(values, weight, None, stride, padding, dilation, groups)


def _convolve_back(
    gradient: Tensor, values: Tensor, weight: Tensor, settings: _Settings, to_values: bool, to_weight: bool
) -> tuple[Tensor | None, Tensor | None]:
    stride, padding, dilation, groups = settings
    mask = [to_values, to_weight, False]
    found = torch.ops.aten.convolution_backward(
        gradient, values, weight, None, stride, padding, dilation, False, [0, 0], groups, mask
    )
    return found[0], found[1]


class _Convolution(torch.autograd.Function):
    """2-D convolution without bias."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor, settings: _Settings) -> Tensor:
        ctx.save_for_backward(values, weight)
        ctx.settings = settings
        return _convolve(values, weight, settings)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        to_values, to_weight = _ConvolutionBackward.apply(  # type: ignore[no-untyped-call]
            gradients[0], *ctx.saved_tensors, ctx.settings
        )
        return to_values, to_weight, None


class _ConvolutionBackward(torch.autograd.Function):
    """Gradients of a convolution for its input and weight; bilinear in each two of its arguments."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, values: Tensor, weight: Tensor, settings: _Settings
    ) -> tuple[Tensor | None, Tensor | None]:
        ctx.save_for_backward(gradient, values, weight)
        ctx.settings = settings
        ctx.set_materialize_grads(False)
        return _convolve_back(gradient, values, weight, settings, True, True)

    @staticmethod
    def backward(
        ctx: Any, along_values: Tensor | None, along_weight: Tensor | None
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        gradient, values, weight = ctx.saved_tensors
        to_gradient = to_values = to_weight = None
        if along_values is not None:
            to_gradient = _convolve(along_values, weight, ctx.settings)
            _, to_weight = _convolve_back(gradient, along_values, weight, ctx.settings, False, True)
        if along_weight is not None:
            other = _convolve(values, along_weight, ctx.settings)
            to_gradient = other if to_gradient is None else to_gradient.add_(other)
            if ctx.needs_input_grad[1]:
                to_values, _ = _convolve_back(gradient, values, along_weight, ctx.settings, True, False)
        return to_gradient, to_values, to_weight, None


class _BatchNorm(torch.autograd.Function):
    """Batch norm with the batch's statistics; its scale and shift are constants, because no score asks for them."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, scale: Tensor | None, shift: Tensor | None, epsilon: float) -> Tensor:
        output, mean, inverse = torch.native_batch_norm(values, scale, shift, None, None, True, 0.0, epsilon)
        ctx.save_for_backward(values, scale, mean, inverse)
        ctx.epsilon = epsilon
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        values, scale, mean, inverse = ctx.saved_tensors
        to_values: Tensor = _BatchNormBackward.apply(  # type: ignore[no-untyped-call]
            gradients[0], values, scale, mean, inverse, ctx.epsilon
        )
        return to_values, None, None, None


class _BatchNormBackward(torch.autograd.Function):
    """Gradient of batch norm for its input: gamma s P g, where P g = g - mean(g) - x mean(x g), x normalised.

    It is linear and symmetric in g. Its derivative with respect to the input along v is
    -gamma s^2 (x (mean(v g) - mean(v) mean(g) - 3 a b) + b (v - mean(v)) + a (g - mean(g))), a = mean(x v),
    b = mean(x g); means are over all but the channel.
    """

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, values: Tensor, scale: Tensor | None, mean: Tensor, inverse: Tensor, epsilon: float
    ) -> Tensor:
        ctx.save_for_backward(gradient, values, scale, mean, inverse)
        ctx.epsilon = epsilon
        return _normalise_back(gradient, values, scale, mean, inverse, epsilon)

    @staticmethod
    def backward(ctx: Any, *alongs: Tensor) -> tuple[Tensor, Tensor, None, None, None, None]:
        along = alongs[0].contiguous()
        gradient, values, scale, mean, inverse = ctx.saved_tensors
        to_gradient = _normalise_back(along, values, scale, mean, inverse, ctx.epsilon)
        over = [dim for dim in range(values.dim()) if dim != 1]
        shape = [1, -1, *[1] * (values.dim() - 2)]
        unit = (values - mean.view(shape)) * inverse.view(shape)
        mean_along, mean_gradient = along.mean(over), gradient.mean(over)
        a, b, both = (unit * along).mean(over), (unit * gradient).mean(over), (along * gradient).mean(over)
        factor = -inverse.square() if scale is None else -scale.detach() * inverse.square()
        weights = (both - mean_along * mean_gradient - 3 * a * b, b, a, -(b * mean_along + a * mean_gradient))
        for_unit, for_along, for_gradient, constant = ((factor * weight).view(shape) for weight in weights)
        to_values = unit.mul_(for_unit).add_(constant).addcmul_(along, for_along).addcmul_(gradient, for_gradient)
        return to_gradient, to_values, None, None, None, None


def _normalise_back(
    gradient: Tensor, values: Tensor, scale: Tensor | None, mean: Tensor, inverse: Tensor, epsilon: float
) -> Tensor:
    found: Tensor = torch.ops.aten.native_batch_norm_backward(
        gradient, values, scale, None, None, mean, inverse, True, epsilon, [True, False, False]
    )[0]
    return found
