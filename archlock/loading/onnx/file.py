"""An ONNX file as plain data: operators with their attributes, shapes of weights, and the few values shapes depend on.

Values of weights are looked at once, for NaN, and left behind. External data is checked to stay in the model's folder,
and is not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.inliner
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import numpy_helper

from archlock.errors import ModelError
from archlock.loading.archives import is_wandering
from archlock.loading.limits import Limits
from archlock.loading.onnx.host import TYPES
from archlock.loading.onnx.words import CONVERT
from archlock.loading.storage import LARGEST, MOST_DIMENSIONS

MOST_VALUES = 1024
"""Tensors up to this many elements are kept with their values: shapes, axes, scales."""
DOMAINS = ("", "ai.onnx")


def read_graph(data: bytes, home: Path, where: str, limits: Limits) -> dict[str, Any]:
    """A graph as JSON knows it: ``inputs``, ``outputs``, ``weights``, ``values`` and ``nodes``.

    Args:
        data: the file.
        home: folder of the file, which external data may not leave.
        where: begins error messages.
        limits: of the reading.

    Raises:
        ModelError: damaged, control flow, operators of another domain, external data elsewhere, or NaN weights.
    """
    try:
        model = onnx.load_model_from_string(data)
        if model.functions:
            model = onnx.inliner.inline_local_functions(model)
    except (DecodeError, ValueError, RuntimeError, TypeError) as error:
        raise ModelError(f"{where}: damaged ONNX: {str(error).strip()[:200]}") from None
    graph = model.graph
    if not model.ir_version or not graph.node or not graph.output:
        raise ModelError(f"{where}: no ONNX graph: it has no operators or no outputs")
    if len(graph.node) > limits.nodes or len(graph.initializer) > limits.tensors:
        raise ModelError(f"{where}: {len(graph.node):,} operators and {len(graph.initializer):,} tensors are too many")
    if graph.sparse_initializer:
        raise ModelError(f"{where}: sparse weights are not read; make them dense")
    for tensor in _tensors(graph):
        _check_tensor(tensor, home, where)
    stored = {tensor.name: tensor for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in stored]
    return {
        "inputs": [{"name": value.name, "sizes": _sizes(value, where)} for value in inputs],
        "outputs": [value.name for value in graph.output],
        "weights": {name: [_type(tensor), list(tensor.dims)] for name, tensor in stored.items()},
        "values": {name: _values(tensor) for name, tensor in stored.items() if _is_small(tensor)},
        "nodes": [_node(node, number, where) for number, node in enumerate(graph.node)],
        "opset": max((each.version for each in model.opset_import if each.domain in DOMAINS), default=0),
    }


def _tensors(graph: Any) -> Iterator[Any]:
    """Every tensor of a graph: weights, and attributes of operators."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _check_tensor(tensor: Any, home: Path, where: str) -> None:
    place = f"{where}: {tensor.name!r:.100}"
    if len(tensor.dims) > MOST_DIMENSIONS or not all(0 <= size <= LARGEST for size in tensor.dims):
        raise ModelError(f"{place}: sizes {list(tensor.dims)[:20]} out of range")
    if tensor.data_location == tensor.EXTERNAL:
        _check_external(tensor, home, place)
        return
    kind = TYPES.get(tensor.data_type)
    count = prod(tensor.dims)
    if kind and tensor.raw_data:
        if len(tensor.raw_data) != count * np.dtype(kind).itemsize:
            raise ModelError(f"{place}: {len(tensor.raw_data):,} bytes for sizes {list(tensor.dims)} of {kind}")
        numbers = np.frombuffer(tensor.raw_data, dtype=kind)
    else:
        numbers = np.array(tensor.float_data or tensor.double_data)
        if kind in ("float32", "float64") and len(numbers) != count:
            raise ModelError(f"{place}: {len(numbers):,} numbers for sizes {list(tensor.dims)}")
    small = count <= MOST_VALUES  # masks hold infinities on purpose; weights never hold NaN
    if numbers.dtype.kind == "f" and not bool((~np.isnan(numbers) if small else np.isfinite(numbers)).all()):
        raise ModelError(f"{place} holds NaN or infinite values; export a network that was trained to end")


def _check_external(tensor: Any, home: Path, place: str) -> None:
    """External data must be a plain file in the model's folder, and hold the bytes that are asked of it."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    if is_wandering(location):
        raise ModelError(f"{place}: external data {location!r:.120} leads outside the model's folder; refused")
    path = home / location
    if not path.resolve().is_relative_to(home.resolve()):
        raise ModelError(f"{place}: external data {location!r:.120} is a link that leads outside; refused")
    if not path.is_file():
        raise ModelError(f"{place}: external data {location!r:.120} is not there; keep it beside the model")
    offset, length = entries.get("offset", "0"), entries.get("length", "0")
    if not (offset.isdecimal() and length.isdecimal() and len(offset) < 20 and len(length) < 20):
        raise ModelError(f"{place}: external data at {offset!r:.40}, {length!r:.40} bytes")
    if int(offset) + int(length) > path.stat().st_size:
        raise ModelError(f"{place}: external data reaches beyond the end of {location!r:.120}")


def _sizes(value: Any, where: str) -> list[int | None]:
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        raise ModelError(f"{where}: input {value.name!r:.100} has no shape")
    sizes = value.type.tensor_type.shape.dim
    return [int(size.dim_value) if size.HasField("dim_value") and size.dim_value > 0 else None for size in sizes]


def _node(node: Any, number: int, where: str) -> dict[str, Any]:
    place = f"{where}: operator {number} ({node.op_type[:60]} {node.name[:80]!r})"
    if node.domain not in DOMAINS:
        raise ModelError(f"{place}: of the domain {node.domain[:80]!r}, which is not ONNX's own; {CONVERT}")
    return {
        "op": node.op_type,
        "name": node.name or f"{node.op_type}_{number}",
        "inputs": list(node.input),
        "outputs": list(node.output),
        "attributes": {attribute.name: _attribute(attribute, place) for attribute in node.attribute},
    }


def _attribute(attribute: Any, place: str) -> Any:
    kind = attribute.type
    if kind == attribute.FLOAT:
        return float(attribute.f)
    if kind == attribute.INT:
        return int(attribute.i)
    if kind == attribute.STRING:
        return attribute.s.decode("utf-8", "replace")[:1000]
    if kind in (attribute.FLOATS, attribute.INTS):
        return _plain(attribute.floats if kind == attribute.FLOATS else attribute.ints)
    if kind == attribute.STRINGS:
        return [each.decode("utf-8", "replace")[:100] for each in attribute.strings][:100]
    if kind == attribute.TENSOR:
        return {
            "tensor": [_type(attribute.t), list(attribute.t.dims)],
            "values": _values(attribute.t) if _is_small(attribute.t) else None,
        }
    raise ModelError(f"{place}: attribute {attribute.name[:60]!r} is a graph or an object: control flow is not costed")


def _plain(values: Iterable[Any]) -> list[Any]:
    return [value if isinstance(value, int) else float(value) for value in values][:MOST_VALUES]


def _is_small(tensor: Any) -> bool:
    return prod(tensor.dims) <= MOST_VALUES and tensor.data_location != tensor.EXTERNAL and tensor.data_type in TYPES


def _values(tensor: Any) -> Any:
    try:
        return numpy_helper.to_array(tensor).tolist()
    except (ValueError, TypeError, RuntimeError) as error:
        raise ModelError(f"{tensor.name!r:.100}: damaged values: {str(error)[:100]}") from None


def _type(tensor: Any) -> str:
    return TYPES.get(tensor.data_type, "float32")
