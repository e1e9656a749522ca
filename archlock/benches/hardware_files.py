"""Whole files of the peers' rows beside ours: a line for each row, and one for each file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from archlock.benches.hardware_rows import MACROS, RowFigure
from archlock.tables.folder import data_folder

REFERENCE_FILES = (
    "scalesim_compute.csv",
    "scalesim_bandwidth_limited.csv",
    "zigzag_npu.csv",
    "zigzag_imc.csv",
    "published_cim_macros.csv",
)
"""Files of `reference_folder` that are read, where they are there."""


@dataclass(frozen=True)
class FileSummary:
    """One file of a peer, in short.

    Attributes:
        file, peer: which.
        rows: figures compared.
        compared: rows that have ours and theirs.
        in_bar: rows that the bar is about.
        equal: of those, how many are equal to the last digit.
        median, p95, largest: absolute relative error of those that count, None where there are none: the rows in the
            bar, or where no row is, all that can be compared.
        bar: what is asked of them.
        met: whether they meet it; None without a bar.
    """

    file: str
    peer: str
    rows: int
    compared: int
    in_bar: int
    equal: int
    median: float | None
    p95: float | None
    largest: float | None
    bar: str
    met: bool | None


def reference_folder(data: Path | None = None) -> Path:
    """Where the peers' rows are looked for: ``reference/hardware`` in the data folder, else beside it."""
    folder = data_folder(data)
    inside = folder / "reference" / "hardware"
    return inside if inside.is_dir() else folder.parent / "reference" / "hardware"


def summarise(file: str, peer: str, figures: Sequence[RowFigure]) -> FileSummary:
    """One line for a file; see `FileSummary`."""
    inside = [one for one in figures if one.in_bar]
    known = [one for one in inside or figures if one.relative_error is not None]
    errors = np.abs([one.relative_error for one in known if one.relative_error is not None])
    median, p95, largest = (
        (float(np.median(errors)), float(np.percentile(errors, 95)), float(errors.max()))
        if len(errors)
        else (None,) * 3
    )
    equal = sum(one.relative_error == 0 for one in inside)
    compared = sum(one.relative_error is not None for one in figures)
    bar, met = "none", None
    if inside and median is not None and p95 is not None and largest is not None:
        bar, met = {
            "SCALE-Sim": ("equal", equal == len(inside)),
            "ZigZag": ("median 2 %, p95 25 %", median <= 0.02 and p95 <= 0.25),
            MACROS: ("each 20 %", largest <= 0.2),
        }[peer]
    return FileSummary(file, peer, len(figures), compared, len(inside), equal, median, p95, largest, bar, met)


def rows_document(figures: Sequence[RowFigure]) -> list[dict[str, object]]:
    """What ``--rows --json`` prints: one object per row, in the order of the file."""
    return [asdict(one) for one in figures]


def rows_text(figures: Sequence[RowFigure]) -> str:
    """One line per row."""
    width = max(len(one.name) for one in figures)
    head = f"{'row':>4} {'':<{width}} {'metric':<21} {'ours':>16} {'theirs':>16} {'error':>8}  bar"
    lines = [
        f"{one.row:>4} {one.name:<{width}} {one.metric:<21} {_shown(one.ours):>16} {_shown(one.theirs):>16} "
        f"{_percent(one.relative_error):>8}  {'yes' if one.in_bar else 'no'}"
        for one in figures
    ]
    return "\n".join([head, *lines, *_notes(figures)])


def _notes(figures: Sequence[RowFigure]) -> Iterator[str]:
    for note in dict.fromkeys(one.note for one in figures if one.note):
        yield f"{sum(one.note == note for one in figures)} rows: {note}"


def summaries_text(summaries: Sequence[FileSummary]) -> str:
    """One line per file."""
    head = f"{'file':<31} {'rows':>5} {'in bar':>6} {'equal':>6} {'median':>8} {'p95':>8} {'largest':>8}  bar"
    lines = [
        f"{one.file:<31} {one.rows:>5} {one.in_bar:>6} {one.equal:>6} {_percent(one.median):>8} "
        f"{_percent(one.p95):>8} {_percent(one.largest):>8}  {one.bar}{_verdict(one.met)}"
        for one in summaries
    ]
    foot = "agreement with SCALE-Sim and ZigZag is agreement with a tool's arithmetic, not with silicon"
    return "\n".join([head, *lines, foot])


def _verdict(met: bool | None) -> str:
    return {None: "", True: ": met", False: ": missed"}[met]


def _shown(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:,.0f}" if abs(figure) >= 1000 else f"{figure:.4g}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"
