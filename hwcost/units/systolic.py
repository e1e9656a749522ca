"""Systolic array of the NPU: cycles of matrix products, vectorised over layers."""

from __future__ import annotations

import numpy as np

from archlock.errors import HardwareError
from archlock.hwcost.system.systolic_array import Dataflow, SystolicArray
from archlock.hwcost.units.costs import ceil_divide
from archlock.hwcost.workload.layers import IntArray

PARTIAL_SUM_BYTES = 4
"""A sum that is not finished is an int32, between folds on a unit and in a tile of outputs that stays."""


def laid_out(m: IntArray, k: IntArray, n: IntArray, dataflow: Dataflow) -> tuple[IntArray, IntArray, IntArray]:
    """Sizes laid along rows, along columns, and streamed through in time.

    Raises:
        HardwareError: a size is not positive.
    """
    if min(np.min(size, initial=1) for size in (m, k, n)) < 1:
        raise HardwareError("matrix sizes must be at least 1")
    if dataflow is Dataflow.OUTPUT_STATIONARY:
        return m, n, k
    if dataflow is Dataflow.WEIGHT_STATIONARY:
        return k, n, m
    return k, m, n


def systolic_cycles(m: IntArray, k: IntArray, n: IntArray, array: SystolicArray) -> IntArray:
    """Cycles of a batch of matrix products on a systolic array, memory stalls excluded.

    Args:
        m: shape (layers,), rows of the first operand of each (m x k) by (k x n) product.
        k: shape (layers,), the size summed over.
        n: shape (layers,), columns of the second operand.
        array: rows, columns and dataflow of the array.

    Returns:
        shape (layers,), clock cycles.

    Raises:
        HardwareError: a size is not positive.

    Source: scale-up equations of Samajdar et al., ISPASS 2020, as counted by SCALE-Sim 3: with f folds,
    (R + C + T - 2) f - 1 where the outputs stay and (2R + C + T - 2) f - 1 where weights or inputs stay, since these
    are first shifted into the rows; T is the size that streams.
    """
    along_rows, along_columns, streamed = laid_out(m, k, n, array.dataflow)
    return folded_cycles(
        ceil_divide(along_rows, array.rows) * ceil_divide(along_columns, array.columns), streamed, array
    )


def folded_cycles(folds: IntArray, streamed: IntArray, array: SystolicArray) -> IntArray:
    """Cycles of products of so many folds, each with so many steps that stream; see `systolic_cycles`."""
    load = 0 if array.dataflow is Dataflow.OUTPUT_STATIONARY else array.rows
    return np.asarray((load + array.rows + array.columns + streamed - 2) * folds - 1, dtype=np.int64)
