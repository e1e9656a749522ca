"""How matrix products lie on compute-in-memory macros, and which weights can stay there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from archlock.errors import HardwareError
from archlock.hwcost.system.cim import Cim
from archlock.hwcost.units.costs import ceil_divide
from archlock.hwcost.workload.layers import BoolArray, IntArray, Layers
from archlock.scores import FloatArray


@dataclass(frozen=True, eq=False)
class CimMapping:
    """How matrix products lie on the macros, shape (layers,) each.

    Attributes:
        row_folds, column_folds: macro-sized pieces along inputs and outputs.
        rounds: times that the macros are loaded one after the other.
        sum_rounds: rounds over which one sum is spread; between them partial sums wait.
        load_cycles: cycles of all loads.
        compute_cycles: cycles of all matrix-vector products.
        written_bits: weight bits written, copies and the zeros beside packed groups included.
    """

    row_folds: IntArray
    column_folds: IntArray
    rounds: IntArray
    sum_rounds: IntArray
    load_cycles: FloatArray
    compute_cycles: FloatArray
    written_bits: FloatArray


def map_to_macros(
    m: IntArray,
    k: IntArray,
    n: IntArray,
    count: IntArray,
    cim: Cim,
    macros: int | IntArray | None = None,
    most_copies: int | IntArray | None = None,
) -> CimMapping:
    """Lay (m x k) by (k x n) products, ``count`` of them with their own weights, on the macros.

    Small groups (depthwise) share a macro as diagonal blocks. Where pieces are fewer than macros, copies of the
    weights share the rows of m. Macros are written in parallel, each round before its products.

    Args:
        m: shape (layers,), rows of the streamed operand.
        k: shape (layers,), the size summed over.
        n: shape (layers,), outputs.
        count: shape (layers,), number of products.
        cim: the macros.
        macros: how many macros a layer may use; all where None.
        most_copies: how many copies of its weights a layer may have; as many as fit where None.
    """
    macros = cim.macros if macros is None else macros
    packed = _packed(k, n, count, cim)
    row_folds, column_folds = ceil_divide(k, cim.rows), ceil_divide(n, cim.columns)
    pieces = ceil_divide(count, packed) * row_folds * column_folds
    rounds = ceil_divide(pieces, macros)
    copies = np.clip(macros // pieces, 1, m if most_copies is None else np.minimum(m, most_copies))
    piece_bits = cim.weight_bits * np.minimum(k * packed, cim.rows) * np.minimum(n * packed, cim.columns)
    load = rounds * np.ceil(piece_bits / cim.write_bits_per_cycle)
    compute = np.asarray(rounds * ceil_divide(m, copies), dtype=np.float64) * cim.cycles_per_product
    written = float(cim.weight_bits) * k * n * count * packed * copies
    return CimMapping(row_folds, column_folds, rounds, ceil_divide(row_folds, macros), load, compute, written)


def _packed(k: IntArray, n: IntArray, count: IntArray, cim: Cim) -> IntArray:
    """Groups that share a macro."""
    return np.asarray(np.clip(np.minimum(cim.rows // k, cim.columns // n), 1, count), dtype=np.int64)


def macro_pieces(layers: Layers, cim: Cim) -> IntArray:
    """Macros that hold each layer's weights all at once.

    Args:
        layers: any layers, matrix products or not.
        cim: the macros.

    Returns:
        shape (layers,), 0 for layers that are no matrix product and for dynamic operands, whose weights cannot stay.
    """
    held = layers.is_matrix & ~layers.dynamic
    k, n, count = (np.where(held, size, 1) for size in (layers.k, layers.n, layers.count))
    pieces = ceil_divide(count, _packed(k, n, count, cim)) * ceil_divide(k, cim.rows) * ceil_divide(n, cim.columns)
    return np.where(held, pieces, 0)


def free_macros(
    layers: Layers, cim: Cim, resident: BoolArray, network: IntArray | None = None, copies: int | IntArray = 1
) -> IntArray:
    """Macros that resident weights leave to the layers that load theirs.

    Args:
        layers: matrix products alone.
        cim: the macros.
        resident: shape (layers,), weights that stay in the cells across inferences.
        network: shape (layers,), whose layer each is; one network where None.
        copies: how many times resident weights are held.

    Returns:
        shape (layers,), what is left in the layer's network; 0 where resident weights fill the macros.

    Raises:
        HardwareError: a resident layer has a dynamic operand, or the resident weights of a network do not fit.
    """
    if np.any(resident & layers.dynamic):
        raise HardwareError("an operand computed during the inference cannot stay in the cells")
    owner = np.zeros(len(layers), dtype=np.int64) if network is None else network
    taken = np.bincount(owner, macro_pieces(layers, cim) * copies * resident).astype(np.int64)
    if taken.max(initial=0) > cim.macros:
        raise HardwareError(
            f"resident weights need {taken.max()} macros and there are {cim.macros}; keep fewer layers resident, "
            "hold fewer copies, or add macros"
        )
    return np.asarray((cim.macros - taken)[owner], dtype=np.int64)


def resident_copies(layers: Layers, cim: Cim, resident: BoolArray, network: IntArray | None = None) -> IntArray:
    """Copies of each resident layer's weights that make a network fastest on the macros that are spare.

    Exact: the least sum of compute cycles under the macro budget, by dynamic programming over the layers. Where a
    network has products that are not resident, the spare macros are left to them.

    Args:
        layers: matrix products alone.
        cim: the macros.
        resident: shape (layers,).
        network: shape (layers,), whose layer each is; one network where None.

    Returns:
        shape (layers,), 1 where not resident.

    Raises:
        HardwareError: as `free_macros`.
    """
    spare = free_macros(layers, cim, resident, network)
    owner = np.zeros(len(layers), dtype=np.int64) if network is None else network
    pieces, copies = macro_pieces(layers, cim), np.ones(len(layers), dtype=np.int64)
    for each in np.unique(owner[resident]):
        own = np.flatnonzero(owner == each)
        if resident[own].all():
            copies[own] = _best_copies(layers.m[own], pieces[own], int(spare[own[0]]))
    return copies


def _best_copies(m: IntArray, pieces: IntArray, spare: int) -> IntArray:
    """Copies that minimise the sum of ceil(m / copies), extra copies of piece size within ``spare`` macros."""
    best = np.zeros(spare + 1)
    choices = np.ones((len(m), spare + 1), dtype=np.int64)
    for layer, (rows, size) in enumerate(zip(m.tolist(), pieces.tolist(), strict=True)):
        before = best
        best = before + rows
        for copies in range(2, min(spare // size + 1, rows) + 1):
            extra = size * (copies - 1)
            offered = before[: spare + 1 - extra] + -(-rows // copies)
            better = offered < best[extra:]
            best[extra:][better], choices[layer, extra:][better] = offered[better], copies
    left, chosen = spare, np.ones(len(m), dtype=np.int64)
    for layer in reversed(range(len(m))):
        chosen[layer] = choices[layer, left]
        left -= int(pieces[layer] * (chosen[layer] - 1))
    return chosen
