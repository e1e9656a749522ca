"""Operators on values that are known beforehand: the arithmetic of shapes that ONNX writes into the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Attributes = Mapping[str, Any]
MOST_ELEMENTS = 1_000_000
TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
}
"""Element types of tensors whose values are looked at, by their number in ONNX."""


def on_host(op: str, operands: Sequence[Array], attributes: Attributes) -> Array | None:
    """The result of an operator on known values; None where it is not one of shapes' arithmetic.

    Raises:
        ValueError, IndexError, TypeError: operands that do not fit, or a result of more than a million elements.
    """
    if op not in _OPERATORS:
        return None
    result = np.asarray(_OPERATORS[op](operands, attributes))
    return bounded(result)


def bounded(result: Array) -> Array:
    """The array itself.

    Raises:
        ValueError: more than a million elements.
    """
    if result.size > MOST_ELEMENTS:
        raise ValueError(f"{result.size:,} known values")
    return result


def _elementwise(function: Callable[..., Any]) -> Callable[[Sequence[Array], Attributes], Any]:
    return lambda operands, _: function(*operands)


def _divide(left: Array, right: Array) -> Array:
    """Whole numbers are divided towards zero."""
    whole = np.asarray(left).dtype.kind in "iu" and np.asarray(right).dtype.kind in "iu"
    if whole:
        if not np.all(right):
            raise ValueError("division of a size by zero")
        quotient: Array = np.trunc(np.asarray(left) / np.asarray(right)).astype(np.asarray(left).dtype)
        return quotient
    return np.asarray(np.divide(left, right))


def _axes(operands: Sequence[Array], attributes: Attributes) -> tuple[int, ...] | None:
    if len(operands) > 1:
        return tuple(int(axis) for axis in np.asarray(operands[1]).reshape(-1))
    return tuple(attributes["axes"]) if "axes" in attributes else None


def _slice(operands: Sequence[Array], attributes: Attributes) -> Array:
    data = operands[0]
    starts, ends, axes, steps = slice_bounds(operands, attributes, data.ndim)
    picks = [slice(None)] * data.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        picks[axis] = slice(start, end if end > -(2**62) else None, step)
    return data[tuple(picks)]


def slice_bounds(
    operands: Sequence[Any], attributes: Attributes, dimensions: int
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Starts, ends, axes and steps of a Slice, from its operands or, before opset 10, its attributes."""
    if len(operands) >= 3:
        given = [[int(number) for number in np.asarray(each).reshape(-1)] for each in operands[1:]]
    else:
        given = [attributes["starts"], attributes["ends"], *([attributes["axes"]] if "axes" in attributes else [])]
    starts, ends = given[0], given[1]
    axes = given[2] if len(given) > 2 and given[2] else list(range(len(starts)))
    steps = given[3] if len(given) > 3 and given[3] else [1] * len(starts)
    return starts, ends, [axis % dimensions for axis in axes], steps


def _constant_of_shape(operands: Sequence[Array], attributes: Attributes) -> Array:
    sizes = [int(size) for size in operands[0]]
    if np.prod(sizes, dtype=float) > MOST_ELEMENTS:
        raise ValueError(f"a constant of sizes {sizes}")
    filled = attributes.get("value", {"values": [0.0], "tensor": ["float32", [1]]})
    return np.full(sizes, np.asarray(filled["values"]).reshape(-1)[0], dtype=filled["tensor"][0])


def _range(operands: Sequence[Array], attributes: Attributes) -> Array:
    start, limit, step = (each.item() for each in operands)
    if not step or abs(limit - start) / abs(step) > MOST_ELEMENTS:
        raise ValueError("a range of too many values")
    return np.arange(start, limit, step)


def _reshape(operands: Sequence[Array], _: Attributes) -> Array:
    sizes = [int(size) for size in operands[1]]
    return operands[0].reshape([operands[0].shape[at] if size == 0 else size for at, size in enumerate(sizes)])


def _unsqueeze(operands: Sequence[Array], attributes: Attributes) -> Array:
    return np.expand_dims(operands[0], _axes(operands, attributes) or ())


_OPERATORS: dict[str, Callable[[Sequence[Array], Attributes], Any]] = {
    "Identity": lambda operands, _: operands[0],
    "Cast": lambda operands, attributes: operands[0].astype(TYPES[attributes["to"]]),
    "Gather": lambda operands, attributes: np.take(operands[0], operands[1].astype(int), attributes.get("axis", 0)),
    "Concat": lambda operands, attributes: np.concatenate(operands, attributes["axis"]),
    "Unsqueeze": _unsqueeze,
    "Squeeze": lambda operands, attributes: np.squeeze(operands[0], _axes(operands, attributes)),
    "Slice": _slice,
    "Reshape": _reshape,
    "Transpose": lambda operands, attributes: np.transpose(operands[0], attributes.get("perm")),
    "Add": _elementwise(np.add),
    "Sub": _elementwise(np.subtract),
    "Mul": _elementwise(np.multiply),
    "Div": _elementwise(_divide),
    "Mod": _elementwise(np.fmod),
    "Neg": _elementwise(np.negative),
    "Sqrt": _elementwise(np.sqrt),
    "Floor": _elementwise(np.floor),
    "Ceil": _elementwise(np.ceil),
    "Min": lambda operands, _: np.minimum.reduce(list(operands)),
    "Max": lambda operands, _: np.maximum.reduce(list(operands)),
    "Equal": _elementwise(np.equal),
    "Greater": _elementwise(np.greater),
    "Less": _elementwise(np.less),
    "Not": _elementwise(np.logical_not),
    "And": _elementwise(np.logical_and),
    "Or": _elementwise(np.logical_or),
    "Where": _elementwise(np.where),
    "ReduceProd": lambda operands, attributes: np.prod(operands[0], _axes(operands, attributes), keepdims=True),
    "Expand": lambda operands, _: np.broadcast_to(operands[0], [int(size) for size in operands[1]]),
    "Range": _range,
    "ConstantOfShape": _constant_of_shape,
}
