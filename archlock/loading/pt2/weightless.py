"""Layers of an exported program that store nothing: dropouts, which follow the mode, and poolings, which are swappable.

As operators they would be out of an attacker's reach, who exchanges a module for another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import nn

Weightless = tuple[type[nn.Module], tuple[Any, ...]]
"""A class and its arguments."""


def _dropout(kind: type[nn.Module], given: Mapping[str, Any]) -> Weightless | None:
    share = given.get("p", 0.5)
    return (kind, (share,)) if isinstance(share, float) and 0 <= share <= 1 else None


def _max_pool(given: Mapping[str, Any]) -> Weightless | None:
    kernel, stride, padding, dilation = _window(given, "kernel_size", "stride", "padding", "dilation")
    ceil_mode = given.get("ceil_mode", False)
    if kernel is None or not isinstance(ceil_mode, bool):
        return None
    return nn.MaxPool2d, (kernel, stride or kernel, padding or 0, dilation or 1, False, ceil_mode)


def _avg_pool(given: Mapping[str, Any]) -> Weightless | None:
    kernel, stride, padding = _window(given, "kernel_size", "stride", "padding")
    ceil_mode, count_padding = given.get("ceil_mode", False), given.get("count_include_pad", True)
    divisor = given.get("divisor_override")
    if kernel is None or not isinstance(ceil_mode, bool) or not isinstance(divisor, int | None):
        return None
    return nn.AvgPool2d, (kernel, stride or kernel, padding or 0, ceil_mode, bool(count_padding), divisor)


def _window(given: Mapping[str, Any], *names: str) -> tuple[tuple[int, int] | None, ...]:
    """Sides by name, None where one is not given; all None where one is no whole number, as a size that is open."""
    sides = [given.get(name) or [] for name in names]
    lists = [[side] if isinstance(side, int) else side for side in sides]
    if not all(isinstance(side, int) for each in lists for side in each) or any(len(each) > 2 for each in lists):
        return (None,) * len(names)
    return tuple((each[0], each[-1]) if each else None for each in lists)


_DROPOUT = "input p train"
_MAX = "input kernel_size stride padding dilation ceil_mode"
WEIGHTLESS: dict[str, tuple[str, Callable[[Mapping[str, Any]], Weightless | None]]] = {
    "dropout": (_DROPOUT, partial(_dropout, nn.Dropout)),
    "dropout_": (_DROPOUT, partial(_dropout, nn.Dropout)),
    "native_dropout": (_DROPOUT, partial(_dropout, nn.Dropout)),
    "feature_dropout": (_DROPOUT, partial(_dropout, nn.Dropout2d)),
    "alpha_dropout": (_DROPOUT, partial(_dropout, nn.AlphaDropout)),
    "max_pool2d": (_MAX, _max_pool),
    "max_pool2d_with_indices": (_MAX, _max_pool),
    "avg_pool2d": ("input kernel_size stride padding ceil_mode count_include_pad divisor_override", _avg_pool),
}
"""Operator to the names of its arguments and to what makes its layer; None where an argument is computed."""
