"""Our figures for rows of other tools' reference files, mapped as those tools map them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import isqrt
from typing import TypeVar

import numpy as np

from archlock.errors import HardwareError
from archlock.hwcost.system.hardware import Hardware, Npu
from archlock.hwcost.system.profiles import load_hardware
from archlock.hwcost.system.systolic_array import Dataflow, SystolicArray
from archlock.hwcost.units.costs import Cause, Charges, charged_j
from archlock.hwcost.units.npu import npu_costs
from archlock.hwcost.units.npu_accesses import Unrolling
from archlock.hwcost.units.systolic import systolic_cycles
from archlock.hwcost.units.traffic import Traffic
from archlock.hwcost.workload.layers import IntArray, Layers, OpKind
from archlock.scores import FloatArray

Row = Mapping[str, str]
"""One row of a reference file by column, as `csv.DictReader` gives it."""

_TPU_LIKE = re.compile(r"tpu_like_ws_(\d+)x(\d+)")
_UNROLLED = re.compile(r"\((\w+), (\d+)\)")
_KERNELS = (3, 5, 7, 9, 11)
_STRIDES = (1, 2)
PJ_PER_J = 1e12
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class _Laid:
    """One row of a ZigZag file: its products, and how they are laid over the array."""

    array: SystolicArray
    m: int
    k: int
    n: int
    count: int
    in_bytes: int
    row_folds: int
    column_folds: int
    abreast: int


def scalesim_cycles(rows: Sequence[Row]) -> IntArray:
    """Our cycles without stalls for each row of a SCALE-Sim file; theirs is the column ``cycles_total``.

    Raises:
        HardwareError: a column is missing, or a cell is no number or no dataflow; with the number of the row.
    """
    return np.array([_numbered(i, row, _cycles) for i, row in enumerate(rows, 1)], dtype=np.int64)


def zigzag_comparable(row: Row) -> bool:
    """Whether the row's hardware is one that `zigzag_energy_pj` models: ``tpu_like_ws_*``."""
    return _TPU_LIKE.fullmatch(row.get("hardware", "")) is not None


def zigzag_in_bar(row: Row) -> bool:
    """Whether agreement with the row is asked for: comparable, unflagged, and not depthwise."""
    return zigzag_comparable(row) and not row.get("flags", "").strip() and row.get("kind") != "dw"


def zigzag_stated_pj(rows: Sequence[Row]) -> FloatArray:
    """ZigZag's energy of each row without DRAM: arithmetic and every level but the last of each operand.

    Raises:
        HardwareError: a column is missing or cannot be read; with the number of the row.
    """
    return np.array([_numbered(i, row, _stated) for i, row in enumerate(rows, 1)], dtype=np.float64)


def zigzag_energy_pj(rows: Sequence[Row], hardware: Hardware | None = None) -> FloatArray:
    """Our energy without DRAM for each row of a ZigZag file, shape (rows,), in picojoules: `npu_costs` of all rows.

    What is taken from the row: sizes, array, the spatial unrolling, and which kernel and stride explain the inputs that
    it reads from DRAM (`_window`). What the array holds, and so what is read how often, `npu_costs` works out as for
    any network.

    Args:
        rows: rows that are `zigzag_comparable`.
        hardware: unit energies and capacities; None for the profile ``npu-tpu-like``. Its array takes the row's size.

    Raises:
        HardwareError: hardware without an NPU; a row that is not comparable, lacks a column, or cannot be read, with
            its number.
    """
    hardware = hardware or load_hardware("npu-tpu-like")
    if hardware.npu is None:
        raise HardwareError(f"{hardware.name} has no npu")
    dram_pj = hardware.memories.dram_j_per_byte * PJ_PER_J
    laid = [_numbered(i, row, lambda row: _laid(row, dram_pj)) for i, row in enumerate(rows, 1)]
    energy = np.empty(len(laid))
    for array in {each.array for each in laid}:
        places = [i for i, each in enumerate(laid) if each.array == array]
        energy[places] = _energy_pj([laid[i] for i in places], replace(hardware.npu, array=array), hardware)
    return energy


def _energy_pj(rows: Sequence[_Laid], npu: Npu, hardware: Hardware) -> FloatArray:
    """Energy without DRAM of rows of one array, laid over it as they say."""

    def column(name: str) -> IntArray:
        return np.array([getattr(row, name) for row in rows], dtype=np.int64)

    m, k, n, count = (column(name) for name in ("m", "k", "n", "count"))
    none, nothing = np.empty(0, dtype=np.int64), np.zeros_like(m)
    layers = Layers(
        kind=np.full(len(rows), OpKind.CONV, dtype=np.int8),
        m=m,
        k=k,
        n=n,
        count=count,
        dynamic=nothing.astype(bool),
        work=nothing,
        in_bytes=column("in_bytes"),
        weight_bytes=k * n * count,
        out_bytes=m * n * count,
        is_output=np.ones(len(rows), dtype=bool),
        edge_source=none,
        edge_target=none,
        edge_bytes=none,
    )
    traffic = Traffic(layers.in_bytes.astype(np.float64), layers.out_bytes.astype(np.float64))
    unrolling = Unrolling(column("row_folds"), column("column_folds"), column("abreast"))
    costs = npu_costs(layers, traffic, npu, hardware, unrolling)
    inside: Charges = {cause: joules for cause, joules in costs.charges.items() if cause != Cause.DRAM}
    return np.asarray(charged_j(inside, len(rows)) * PJ_PER_J)


def _folds(size: int, unrolled: int, cells: int) -> int:
    """Folds of a size over this many cells, of which the row says, rounded down, how many are used."""
    return max(size // (unrolled + 1) + 1, -(-size // cells))


def _cycles(row: Row) -> int:
    array = SystolicArray(int(row["array_rows"]), int(row["array_cols"]), Dataflow(row["dataflow"]))
    m, k, n = (np.array([int(row[name])]) for name in ("gemm_M", "gemm_K", "gemm_N"))
    return int(systolic_cycles(m, k, n, array)[0])


def _stated(row: Row) -> float:
    levels = json.loads(row["mem_energy_by_level_json"]).values()
    return float(row["mac_energy_pJ"]) + sum(sum(energies[:-1]) for energies in levels)


def _laid(row: Row, dram_pj: float) -> _Laid:
    """Sizes and unrolling of a row; ``dram_pj`` is the energy of a byte from DRAM, in picojoules."""
    found = _TPU_LIKE.fullmatch(row["hardware"])
    if found is None:
        raise ValueError(f"hardware {row['hardware']!r} is not tpu_like_ws_ROWSxCOLUMNS")
    array = SystolicArray(int(found[1]), int(found[2]))
    m, k, n = (int(row[name]) for name in ("gemm_M", "gemm_K", "gemm_N"))
    count = int(row["macs"]) // (m * k * n)
    dram_bytes = float(json.loads(row["mem_energy_by_level_json"])["I"][-1]) / dram_pj
    kernel, in_bytes = _window(m, k, dram_bytes / count) if row["kind"] != "gemm" else (1, m * k)
    used = {dim: int(size) for dim, size in _UNROLLED.findall(row["spatial_mapping"])}
    row_folds = 1
    for dim, size in (("C", max(1, k // kernel**2)), ("FX", kernel), ("FY", kernel)):
        row_folds *= _folds(size, used[dim], array.rows) if dim in used else size
    column_folds = _folds(n, used["K"], array.columns) if "K" in used else n
    return _Laid(array, m, k, n, count, in_bytes * count, row_folds, column_folds, used.get("G", 1))


def _window(m: int, k: int, dram_bytes: float) -> tuple[int, int]:
    """The square kernel of a convolution and the bytes of its padded input, of one product.

    A file states neither. Of all odd kernels whose squares divide k, and strides, over a square map of m outputs, the
    input is taken that is nearest to what the row reads from DRAM; 1x1 at stride 1 where the map is no square.
    """
    side, found = isqrt(m), [(1, m * k)]
    if side * side == m:
        for kernel, stride in product((1, *_KERNELS), _STRIDES):
            if k % kernel**2 == 0:
                found.append((kernel, (stride * (side - 1) + kernel) ** 2 * (k // kernel**2)))
    return min(found, key=lambda each: abs(each[1] - dram_bytes))


def _numbered(number: int, row: Row, read: Callable[[Row], _Read]) -> _Read:
    """What a row gives; an error names the row."""
    try:
        return read(row)
    except KeyError as error:
        raise HardwareError(f"row {number}: no column {error}; expected the columns of the reference file") from None
    except (ValueError, TypeError, ZeroDivisionError, AttributeError) as error:
        raise HardwareError(f"row {number}: {error}; correct the row or leave it out") from None
