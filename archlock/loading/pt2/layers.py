"""Which modules an exported program was made of: its operators on parameters become layers again.

A layer has its own training mode, and can be re-initialised, replaced or adapted; an operator on tensors cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from archlock.errors import ModelError
from archlock.loading.pt2.operators import aten_name
from archlock.loading.pt2.program import Program, Ref, Step
from archlock.loading.pt2.weightless import WEIGHTLESS, Weightless

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Layer:
    """A step as a module.

    Attributes:
        make: the module without its weights.
        operand: name of the value it takes.
        tensors: what it stores: name in the module to name in the graph.
        settings: two steps with the same tensors and settings are one module that is called twice.
    """

    make: Callable[[], nn.Module]
    operand: str
    tensors: dict[str, str]
    settings: tuple[Any, ...]


def layer_of(step: Step, stored: Tensors, linear_weights: Mapping[str, str]) -> Layer | None:
    """The module that a step came from; None where it has none, or one whose operands are not stored tensors.

    Args:
        step: the step.
        stored: parameters and buffers by their name in the graph.
        linear_weights: transposed weights of decomposed linear layers, to the weights themselves.

    Raises:
        ModelError: statistics of a batch norm that do not fit it.
    """
    name = aten_name(step.target)
    if name not in _MAKERS:
        return None
    given = _bound(step, _MAKERS[name][0])
    if given is None or not isinstance(given.get("input"), Ref):
        return None
    return _MAKERS[name][1](given, stored, linear_weights)


def transposed_weights(program: Program) -> dict[str, str]:
    """Results that are a stored matrix transposed, to that matrix: decomposed programs write linear layers so."""
    stored = {each.value for each in program.stored if each.kind == "parameter"}
    found = {}
    for step in program.steps:
        first = step.args[0] if step.args else None
        if isinstance(first, Ref) and first.name in stored and len(step.results) == 1:
            name = aten_name(step.target)
            swaps = step.args[1:] in (([1, 0],), (0, 1), (1, 0), (-1, -2), (-2, -1))
            if name == "t" or (name in ("permute", "transpose") and swaps):
                found[step.results[0]] = first.name
    return found


def _bound(step: Step, names: str) -> dict[str, Any] | None:
    """Arguments by name; None where one is not known."""
    known = names.split()
    if len(step.args) > len(known) or not set(step.kwargs) <= set(known):
        return None
    return dict(zip(known, step.args, strict=False)) | step.kwargs


def _weights(given: Mapping[str, Any], names: tuple[str, ...], stored: Tensors) -> dict[str, str] | None:
    """Stored tensors of a layer; None where one is computed instead."""
    tensors = {}
    for name in names:
        value = given.get(name)
        if value is not None and (not isinstance(value, Ref) or value.name not in stored):
            return None
        if value is not None:
            tensors[name] = value.name
    return tensors


def _convolution(dimensions: int | None) -> Callable[..., Layer | None]:
    def layer(given: Mapping[str, Any], stored: Tensors, _: Mapping[str, str]) -> Layer | None:
        tensors = _weights(given, ("weight", "bias"), stored)
        if tensors is None or "weight" not in tensors or given.get("transposed"):
            return None
        weight = stored[tensors["weight"]]
        kind = {1: nn.Conv1d, 2: nn.Conv2d}.get(dimensions or weight.ndim - 2)
        groups = given.get("groups", 1)
        if kind is None or not isinstance(groups, int) or weight.ndim < 3:
            return None
        padding = given.get("padding", 0)
        settings: dict[str, Any] = {
            "in_channels": weight.shape[1] * groups,
            "out_channels": weight.shape[0],
            "kernel_size": tuple(weight.shape[2:]),
            "stride": _sizes(given.get("stride", 1), weight.ndim - 2),
            "padding": padding if isinstance(padding, str) else _sizes(padding, weight.ndim - 2),
            "dilation": _sizes(given.get("dilation", 1), weight.ndim - 2),
            "groups": groups,
            "bias": "bias" in tensors,
        }
        return Layer(lambda: kind(**settings), given["input"].name, tensors, tuple(settings.items()))

    return layer


def _sizes(value: Any, count: int) -> tuple[int, ...]:
    values = [value] if isinstance(value, int) else list(value)
    return tuple(values * count if len(values) == 1 else values)


def _linear(given: Mapping[str, Any], stored: Tensors, transposed: Mapping[str, str]) -> Layer | None:
    if "matrix" in given:  # of addmm or mm: the weight is transposed beforehand
        matrix = given["matrix"]
        if not isinstance(matrix, Ref) or matrix.name not in transposed or given.get("beta", 1) != 1:
            return None
        given = dict(given) | {"weight": Ref(transposed[matrix.name])}
    tensors = _weights(given, ("weight", "bias"), stored)
    if tensors is None or "weight" not in tensors or stored[tensors["weight"]].ndim != 2 or given.get("alpha", 1) != 1:
        return None
    if "bias" in tensors and stored[tensors["bias"]].ndim != 1:
        return None
    rows, columns = stored[tensors["weight"]].shape
    return Layer(lambda: nn.Linear(columns, rows, "bias" in tensors), given["input"].name, tensors, (columns, rows))


def _batch_norm(given: Mapping[str, Any], stored: Tensors, _: Mapping[str, str]) -> Layer | None:
    tensors = _weights(given, ("weight", "bias", "running_mean", "running_var"), stored)
    if tensors is None or not tensors:
        return None
    shapes = {tuple(stored[value].shape) for value in tensors.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise ModelError(f"a batch norm stores tensors of shapes {sorted(shapes)}; one size per channel is expected")
    ((features,),) = shapes
    momentum = float(given.get("momentum", 0.1)) or None  # torch writes the cumulative average as zero
    affine, tracked = "weight" in tensors, "running_mean" in tensors
    settings = (features, float(given.get("eps", 1e-5)), momentum, affine, tracked)
    return Layer(lambda: AnyBatchNorm(*settings), given["input"].name, tensors, settings)


class AnyBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm of inputs with any number of dimensions: a program's operator does not say which it had."""

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"batch norm takes at least two dimensions, not {input.ndim}")


def _layer_norm(given: Mapping[str, Any], stored: Tensors, _: Mapping[str, str]) -> Layer | None:
    tensors = _weights(given, ("weight", "bias"), stored)
    shape = given.get("normalized_shape")
    if (
        not tensors
        or "weight" not in tensors
        or not isinstance(shape, list)
        or not all(isinstance(n, int) for n in shape)
    ):
        return None
    settings = (tuple(shape), float(given.get("eps", 1e-5)), True, "bias" in tensors)
    return Layer(lambda: nn.LayerNorm(*settings), given["input"].name, tensors, settings)


def _weightless(make: Callable[[Mapping[str, Any]], Weightless | None]) -> Callable[..., Layer | None]:
    def layer(given: Mapping[str, Any], stored: Tensors, _: Mapping[str, str]) -> Layer | None:
        found = make(given)
        if found is None:
            return None
        kind, settings = found
        return Layer(lambda: kind(*settings), given["input"].name, {}, settings)

    return layer


_BATCH_NORM = "input weight bias running_mean running_var"
_MAKERS: dict[str, tuple[str, Callable[..., Layer | None]]] = {
    "conv1d": ("input weight bias stride padding dilation groups", _convolution(1)),
    "conv2d": ("input weight bias stride padding dilation groups", _convolution(2)),
    "convolution": (
        "input weight bias stride padding dilation transposed output_padding groups",
        _convolution(None),
    ),
    "linear": ("input weight bias", _linear),
    "addmm": ("bias input matrix beta alpha", _linear),
    "mm": ("input matrix", _linear),
    "batch_norm": (f"{_BATCH_NORM} training momentum eps cudnn_enabled", _batch_norm),
    "native_batch_norm": (f"{_BATCH_NORM} training momentum eps", _batch_norm),
    "_native_batch_norm_legit": (f"{_BATCH_NORM} training momentum eps", _batch_norm),
    "_native_batch_norm_legit_no_training": (f"{_BATCH_NORM} momentum eps", _batch_norm),
    "layer_norm": ("input normalized_shape weight bias eps cudnn_enable", _layer_norm),
    "native_layer_norm": ("input normalized_shape weight bias eps", _layer_norm),
    **{name: (arguments, _weightless(make)) for name, (arguments, make) in WEIGHTLESS.items()},
}
"""Operator to the names of its arguments and to what makes its layer."""

RESTORED_ANYWHERE = frozenset(WEIGHTLESS) | frozenset(name for name in _MAKERS if "batch_norm" in name)
"""Operators that become layers wherever their weights stand: training changes them, or attackers exchange them."""
