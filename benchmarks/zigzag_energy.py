"""Energy of the NPU model without DRAM beside zigzag-dse 3.9.1's, on every row of a reference file.

    python benchmarks/zigzag_energy.py zigzag_npu.csv

Unit energies are those of ZigZag's own tpu_like accelerator (profile npu-tpu-like). Asked for are unflagged rows of
``tpu_like_ws_*`` that are not depthwise; the rest is listed apart. Ours is `npu_costs`, the
code that costs any network, given the rows' spatial unrolling. Of their energies one is read, that of the inputs at the
DRAM, which is not compared: it tells the kernel, which no column states. The two halves, rows taken by turns, show how
even the agreement is.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from time import perf_counter

import numpy as np

from archlock.hwcost.units.npu_reference import zigzag_comparable, zigzag_energy_pj, zigzag_in_bar, zigzag_stated_pj
from archlock.scores import FloatArray


def line(name: str, error: FloatArray) -> str:
    """Median, 95th percentile and largest error of some rows."""
    if not len(error):
        return f"{name}: no rows"
    middle, high, most = (100 * each for each in (np.median(error), np.percentile(error, 95), error.max()))
    return f"{name}: {len(error)} rows, median {middle:.3f} %, 95th percentile {high:.2f} %, most {most:.2f} %"


def main() -> None:
    """Print every row and the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    path = parser.parse_args().rows
    with path.open(newline="") as file:
        every = list(csv.DictReader(file))
    rows = [row for row in every if zigzag_comparable(row)]
    zigzag_energy_pj(rows[:1])
    start = perf_counter()
    ours = zigzag_energy_pj(rows)
    seconds = perf_counter() - start
    theirs = zigzag_stated_pj(rows)
    error = np.abs(ours / theirs - 1)
    for row, own, other, gap in zip(rows, ours, theirs, ours / theirs - 1, strict=True):
        asked = "" if zigzag_in_bar(row) else "  (not asked for)"
        print(f"{row['layer']:28}{row['hardware']:21}{own:14,.0f}{other:14,.0f} pJ{100 * gap:8.2f} %{asked}")
    asked = np.array([zigzag_in_bar(row) for row in rows], dtype=bool)
    kept = error[asked]
    print(line("asked for", kept))
    print(line("  first half", kept[::2]))
    print(line("  second half", kept[1::2]))
    print(line("flagged or depthwise", error[~asked]))
    their_s = sum(float(row["wall_s"]) for row in rows)
    print(f"{len(every) - len(rows)} rows of other hardware left out; {1e3 * seconds:.1f} ms for ours, {their_s:.0f} s")


if __name__ == "__main__":
    main()
