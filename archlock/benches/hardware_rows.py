"""Rows of other tools' files beside ours: cycles and energy of the same layers on the same arrays.

The columns of a file say what it is: rows of SCALE-Sim 3.0.0, of zigzag-dse 3.9.1, or published macros. Nothing is
fitted to them.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from archlock.benches.hardware_macros import derivation
from archlock.benches.zigzag_units import zigzag_hardware
from archlock.errors import HardwareError, UsageError, did_you_mean
from archlock.hwcost.units.cim_published import compare_published, unmodelled
from archlock.hwcost.units.npu_reference import (
    scalesim_cycles,
    zigzag_comparable,
    zigzag_energy_pj,
    zigzag_in_bar,
    zigzag_stated_pj,
)
from archlock.scores import FloatArray

Row = Mapping[str, str]

TRAFFIC = ("dram_ifmap_reads", "dram_filter_reads", "dram_ofmap_writes")
SCALESIM_KEY = (
    "layer", "gemm_M", "gemm_N", "gemm_K", "array_rows", "array_cols", "dataflow", "sram_kB_each", "bw_mode",
    "bw_words_per_cycle",
)  # fmt: skip
ZIGZAG_KEY = ("layer", "kind", "gemm_M", "gemm_N", "gemm_K", "hardware", "opt", "lpf_limit")
MACROS = "published macros"
SCHEMAS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "SCALE-Sim": (SCALESIM_KEY, ("cycles_total", *TRAFFIC)),
    "ZigZag": (ZIGZAG_KEY, ("macs", "mac_energy_pJ", "mem_energy_by_level_json", "spatial_mapping", "flags")),
    MACROS: (("macro", "published_reference_figures"), ()),
}
"""Peer to the columns that tell rows apart, and the others that are read."""
LIMITED = "USER"
"""``bw_mode`` of rows with a stated bandwidth; the others were made without stalls."""


@dataclass(frozen=True)
class RowFigure:
    """One row of a peer's file, and ours.

    Attributes:
        row: place in the file, 0 for the first row after the header.
        name: layer and hardware of the row.
        metric: what is compared, with its unit.
        ours, theirs: the figure; ours is None for hardware that the model has no counterpart of, theirs where a
            publication states none.
        in_bar: whether the row is of those that the bar is about. SCALE-Sim's rows without stalls are: cycles equal.
            Of ZigZag's, those of ``tpu_like_ws_*`` arrays that are neither flagged nor depthwise are: energy within
            2 % in the median and 25 % at the 95th percentile. Rows of a stated bandwidth belong to no bar, since the
            traffic that they count is disputed. Published macros that state TOPS/W are: within 20 % each.
        relative_error: (ours - theirs) / theirs.
        note: what must be known to read the row; usually empty.
    """

    row: int
    name: str
    metric: str
    ours: float | None
    theirs: float | None
    in_bar: bool
    relative_error: float | None
    note: str = ""


def compare_rows(path: Path) -> list[RowFigure]:
    """Every row of a file beside ours, in the order of the file.

    Raises:
        UsageError: unreadable, columns of no known schema, no rows, or a row given twice.
        HardwareError: a cell that cannot be read, with file and row.
    """
    rows, schema = _read(path)
    if schema == MACROS:
        return _macros(path)
    try:
        return _COMPARED[schema](rows)
    except (UsageError, HardwareError) as error:
        raise type(error)(f"{path}: {error}") from None


def schema_of(path: Path) -> str:
    """Which of `SCHEMAS` a file is of.

    Raises:
        UsageError: unreadable, or columns of no known schema.
    """
    return _read(path)[1]


def _read(path: Path) -> tuple[list[dict[str, str]], str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            schema = _schema_of(path, tuple(reader.fieldnames or ()))
            rows = list(reader)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read as CSV: {error}") from None
    if not rows:
        raise UsageError(f"{path}: no rows after the header")
    _check(path, rows, SCHEMAS[schema][0])
    return rows, schema


def _schema_of(path: Path, given: tuple[str, ...]) -> str:
    """The schema of which no column is missing."""
    wanted = {name: (*key, *rest) for name, (key, rest) in SCHEMAS.items()}
    missing = {name: [column for column in columns if column not in given] for name, columns in wanted.items()}
    found = next((name for name, columns in missing.items() if not columns), None)
    if len(given) == 1 and (other := re.search("[;\t]", given[0])):
        raise UsageError(f"{path}:1: cells are separated by {other[0]!r}; expected commas")
    if found is None:
        raise UsageError(f"{path}:1: {_unknown_columns(given, wanted, missing)}")
    return found


def _unknown_columns(
    given: Sequence[str], wanted: Mapping[str, Sequence[str]], missing: Mapping[str, Sequence[str]]
) -> str:
    """What the columns are, what each schema would need, and which names look misspelt."""
    known = tuple(dict.fromkeys(column for columns in wanted.values() for column in columns))
    absent = tuple(column for column in known if column not in given)
    hints = {name: did_you_mean(name, absent) for name in given if name and name not in known}
    near = [f"{name!r}:{hint}" for name, hint in hints.items() if "Did you mean" in hint]
    needs = "; ".join(
        f"rows of {name} also need {_some(columns, 3)} ({len(columns)} of {len(wanted[name])})"
        for name, columns in missing.items()
    )
    end = " " + " ".join(near) if near else ""
    return f"the columns {_some(given, 12) or '(none)'} are of no known kind of file: {needs}.{end}"


def _some(names: Sequence[str], most: int) -> str:
    """The first few names."""
    return ", ".join(map(repr, names[:most])) + (", …" if len(names) > most else "")


def _check(path: Path, rows: Sequence[dict[str, str]], key: tuple[str, ...]) -> None:
    """Every row has every cell, and no two are the same layer on the same hardware."""
    seen: dict[tuple[str, ...], int] = {}
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():
            raise UsageError(f"{path}: row {number}: more or fewer cells than columns")
        identity = tuple(row[column] for column in key)
        if identity in seen:
            raise UsageError(f"{path}: row {number}: the same layer and hardware as row {seen[identity]}; keep one")
        seen[identity] = number


def _scalesim(rows: Sequence[Row]) -> list[RowFigure]:
    """Cycles; where a bandwidth is stated, transfers overlap with computing and the longest of them all counts.

    For those rows the traffic is the row's own, so that the overlap rule alone is compared.
    """
    compute, theirs = scalesim_cycles(rows), _numbers(rows, "cycles_total")
    figures = []
    for number, row in enumerate(rows):
        name = f"{row['layer']} {row['array_rows']}x{row['array_cols']} {row['dataflow']}"
        if row["bw_mode"] != LIMITED:
            figures.append(_figure(number, name, "cycles without stalls", float(compute[number]), theirs[number], True))
            continue
        name += f" {row['bw_words_per_cycle']} words/cycle"
        (bandwidth,) = _numbers([row], "bw_words_per_cycle", number)
        if bandwidth <= 0:
            raise UsageError(f"row {number + 1}: bw_words_per_cycle must be above 0, not {bandwidth:g}")
        transfers = max(_numbers([row], column, number)[0] for column in TRAFFIC) / bandwidth
        ours = max(float(compute[number]), transfers)
        note = "overlap rule on the row's own traffic, each operand with the stated bandwidth"
        figures.append(_figure(number, name, "cycles with stalls", ours, theirs[number], False, note))
    return figures


def _zigzag(rows: Sequence[Row]) -> list[RowFigure]:
    """Energy without the DRAM level; arrays that are no TPU's have no counterpart."""
    stated, (hardware, origin) = zigzag_stated_pj(rows), zigzag_hardware()
    known = [i for i, row in enumerate(rows) if zigzag_comparable(row)]
    ours = dict(zip(known, zigzag_energy_pj([rows[i] for i in known], hardware).tolist(), strict=True)) if known else {}
    note = "no counterpart: only tpu_like_ws_* arrays are modelled"
    return [
        _figure(
            i,
            f"{row['layer']} {row['hardware']}",
            "pJ without DRAM",
            ours.get(i),
            stated[i],
            zigzag_in_bar(row),
            f"unit energies of {origin}" if i in ours else note,
        )
        for i, row in enumerate(rows)
    ]


def _macros(path: Path) -> list[RowFigure]:
    """TOPS/W of each published point; one row without ours for a macro that no profile stands for."""
    figures = []
    for one in compare_published(path):
        name, note = f"{one.figure.macro} {one.figure.point}", f"from {one.figure.inputs}"
        if derived := derivation(one.figure.macro):
            note += f"; {derived}"
        if one.theirs is None:
            note += "; the row states no TOPS/W of this point to compare with"
        ours = one.ours.tops_per_w
        figures.append(_figure(one.row, name, "TOPS/W", ours, one.theirs, one.theirs is not None, note))
    figures += [_figure(one.row, one.macro, "TOPS/W", None, one.theirs, False, one.why) for one in unmodelled(path)]
    return sorted(figures, key=lambda figure: figure.row)


def _figure(
    row: int, name: str, metric: str, ours: float | None, theirs: float | None, in_bar: bool, note: str = ""
) -> RowFigure:
    error = float((ours - theirs) / theirs) if ours is not None and theirs else None
    return RowFigure(row, name, metric, ours, None if theirs is None else float(theirs), in_bar, error, note)


def _numbers(rows: Sequence[Row], column: str, first: int = 0) -> FloatArray:
    values = np.empty(len(rows))
    for number, row in enumerate(rows):
        try:
            values[number] = float(row[column])
        except ValueError:
            values[number] = np.nan
        if not np.isfinite(values[number]):
            raise UsageError(f"row {first + number + 1}: {column}: expected a number, not {row[column]!r}")
    return values


_COMPARED: Mapping[str, Callable[[Sequence[Row]], list[RowFigure]]] = {"SCALE-Sim": _scalesim, "ZigZag": _zigzag}
