"""Multiply-accumulates of one torch function call, from its arguments and result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_Functions = frozenset[Callable[..., Any]]
CONVOLUTIONS: _Functions = frozenset({functional.conv1d, functional.conv2d, functional.conv3d})
_TRANSPOSED: _Functions = frozenset(
    {functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d}
)
_PRODUCTS: _Functions = frozenset(
    {
        *(torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.mm, Tensor.mm, torch.bmm, Tensor.bmm),
        *(torch.mv, Tensor.mv, torch.dot, Tensor.dot),
    }
)
_SUMMED_PRODUCTS: _Functions = frozenset({torch.addmm, Tensor.addmm, torch.baddbmm, Tensor.baddbmm})
_ATTENTION = functional.scaled_dot_product_attention
_MULTI_HEAD = functional.multi_head_attention_forward

_AVERAGES: dict[Callable[..., Any], int] = {
    functional.avg_pool1d: 1,
    functional.avg_pool2d: 2,
    functional.avg_pool3d: 3,
}
"""Average pooling and its dimensions; it is the depthwise convolution with equal weights, and counts like that, as in
the published counts of NAS-Bench-201."""

_OTHERS: _Functions = frozenset({functional.linear, functional.bilinear, torch.einsum, _ATTENTION, _MULTI_HEAD})
COUNTED: _Functions = CONVOLUTIONS | _TRANSPOSED | _PRODUCTS | _SUMMED_PRODUCTS | _OTHERS | frozenset(_AVERAGES)
"""Functions that multiply and accumulate; element-wise work is not counted, as usual for this figure."""


def mac_count(func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], output: Any) -> int:
    """Multiply-accumulates of one call of a function of `COUNTED`, batch included, biases left out."""

    def argument(index: int, name: str) -> Any:
        return args[index] if len(args) > index else kwargs[name]

    if func in CONVOLUTIONS or func is functional.linear:
        return int(output.numel()) * _per_output(argument(1, "weight"))
    if func in _TRANSPOSED:
        return int(argument(0, "input").numel()) * _per_output(argument(1, "weight"))
    if func in _PRODUCTS:
        return int(output.numel()) * int(argument(0, "input").shape[-1])
    if func in _SUMMED_PRODUCTS:
        return int(output.numel()) * int(argument(1, "mat1" if "mat1" in kwargs else "batch1").shape[-1])
    if func is _ATTENTION:
        query, key, value = argument(0, "query"), argument(1, "key"), argument(2, "value")
        return int(query.shape[:-1].numel()) * int(key.shape[-2]) * int(query.shape[-1] + value.shape[-1])
    if func is _MULTI_HEAD:
        return _multi_head_macs(argument(0, "query"), argument(1, "key"), argument(2, "value"))
    if func is torch.einsum:
        return _einsum_macs(args)
    if func in _AVERAGES:
        window = argument(1, "kernel_size")
        sides = window if isinstance(window, Sequence) else (window,)
        return int(output.numel()) * math.prod(sides if len(sides) > 1 else [*sides] * _AVERAGES[func])
    return int(output.numel()) * _per_output(argument(2, "weight"))  # bilinear


def _per_output(weight: Tensor) -> int:
    """Entries of one row of a weight."""
    return int(math.prod(weight.shape[1:]))


def _multi_head_macs(query: Tensor, key: Tensor, value: Tensor) -> int:
    """Four projections, the scores and their product with the values; inputs are (length, batch, width)."""
    width = query.shape[-1]
    scores = query.shape[:-1].numel() * key.shape[0]
    return int(width * (2 * query.numel() + key.numel() + value.numel()) + 2 * scores * width)


def _einsum_macs(args: Sequence[Any]) -> int:
    """Product of the sizes of all indices, which is what a direct evaluation of two operands costs."""
    equation = args[0]
    operands = args[1] if isinstance(args[1], list | tuple) else args[1:]
    if not isinstance(equation, str):
        return 0
    sizes: dict[str, int] = {}
    spread = 1
    for term, operand in zip(equation.split("->")[0].replace(" ", "").split(","), operands, strict=True):
        before, dots, after = term.partition("...")
        shape = list(operand.shape)
        sizes.update(zip(before, shape, strict=False))
        sizes.update(zip(reversed(after), reversed(shape), strict=False))
        if dots:
            spread = max(spread, math.prod(shape[len(before) : len(shape) - len(after)]))
    return spread * math.prod(sizes.values())
