"""An architecture as numbers, read off its traced workload: any module has them, whatever space it comes from."""

from __future__ import annotations

import numpy as np

from archlock.hwcost import OpKind, Workload
from archlock.hwcost.workload.layers import IntArray, Layers
from archlock.scores import FloatArray

MATRIX_KINDS = (OpKind.CONV, OpKind.GROUPED_CONV, OpKind.LINEAR, OpKind.MATMUL)
VECTOR_KINDS = (
    OpKind.ACTIVATION,
    OpKind.GELU,
    OpKind.SOFTMAX,
    OpKind.LAYER_NORM,
    OpKind.NORMALISATION,
    OpKind.POOLING,
)
HALVINGS = (0, 1, 2, 3)
"""Places of a layer's result by how often both sides of the input were halved; the last counts all beyond it."""
SIZES = ("log_parameters", "log_macs", "log_depth")
WIDTHS = ("log_mean_width", "log_least_width", "log_last_width", "log_least_bytes")
NAMES: tuple[str, ...] = (
    *SIZES,
    *(f"macs_{kind.name.lower()}" for kind in MATRIX_KINDS),
    *(f"layers_{kind.name.lower()}" for kind in VECTOR_KINDS),
    *(f"macs_halved_{times}" for times in HALVINGS),
    *(f"layers_halved_{times}" for times in HALVINGS),
    *WIDTHS,
    "skips",
)
"""Name of each number of an encoding, in order."""


def encode_workload(workload: Workload) -> FloatArray:
    """An architecture as numbers: sizes, what its work is made of, at which resolutions, how wide, and its skips.

    Shares are of multiply-adds where the name begins with ``macs``, else of layers; sizes and widths are decimal
    logarithms. An architecture without matrix products has zeros for what it lacks.

    Args:
        workload: traced at the shape of the model's input.

    Returns:
        shape (f,), in the order of `NAMES`; always finite.
    """
    layers, macs = workload.layers, workload.layers.macs.astype(np.float64)
    total, count = max(float(macs.sum()), 1.0), max(len(layers), 1)
    halved = _halvings(layers, workload.input_shape)
    products = layers.is_matrix
    widths = (layers.n * np.where(layers.kind == OpKind.GROUPED_CONV, layers.count, 1))[products]
    values = [
        _log(workload.weight_bytes),
        _log(workload.macs),
        _log(int(products.sum())),
        *(float(macs[layers.kind == kind].sum()) / total for kind in MATRIX_KINDS),
        *(float((layers.kind == kind).sum()) / count for kind in VECTOR_KINDS),
        *(float(macs[halved == times].sum()) / total for times in HALVINGS),
        *(float((halved == times).sum()) / count for times in HALVINGS),
        *_widths(widths, layers.out_bytes),
        _skips(workload),
    ]
    return np.array(values)


def _log(value: float) -> float:
    return float(np.log10(max(value, 1)))


def _halvings(layers: Layers, input_shape: tuple[int, ...]) -> FloatArray:
    """Shape (layers,): halvings of the input's sides; a layer that is no convolution stands where the last one was."""
    places = float(np.prod(input_shape[2:])) if len(input_shape) > 2 else 1.0
    own = np.full(len(layers), np.nan)
    convolved = (layers.kind == OpKind.CONV) | (layers.kind == OpKind.GROUPED_CONV)
    own[convolved] = np.log2(places / np.maximum(layers.m[convolved], 1)) / 2
    found, last = np.zeros(len(layers)), 0.0
    for place, value in enumerate(own):
        last = last if np.isnan(value) else float(value)
        found[place] = min(max(round(last), HALVINGS[0]), HALVINGS[-1])
    return found


def _widths(widths: IntArray, out_bytes: IntArray) -> tuple[float, ...]:
    """Mean, least and last width of the products but the head, and the least that any result leaves of the input."""
    body = widths[:-1] if len(widths) > 1 else widths
    if not len(body):
        return (0.0, 0.0, 0.0, 0.0)
    least = out_bytes[:-1].min() if len(out_bytes) > 1 else out_bytes.min()
    return (_log(float(body.mean())), _log(float(body.min())), _log(float(body[-1])), _log(float(least)))


def _skips(workload: Workload) -> float:
    """Share of layers whose result is read more than once: what goes past something."""
    edges = workload.layers.edge_source[workload.layers.edge_source >= 0]
    readers = np.bincount(edges, minlength=len(workload)) if len(workload) else np.zeros(1)
    return float((readers > 1).mean())
