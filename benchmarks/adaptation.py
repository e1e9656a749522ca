"""Adaptation of proxy devices to a new one, beside AdaProxy, ridge without a proxy and the unadapted proxy.

``archlock bench hardware --only adaptation`` prints the figures that the bars are about; here are the development
tables, other devices, and the coverage of the intervals.

Run: ``python benchmarks/adaptation.py TABLE.npz [--proxies a,b] [--seeds 20] [--samples 10,20,40,60] [--several]``.
Every device but the proxy is a target in turn; figures are mean Spearman over targets and seeds on the architectures
that were not measured. ``--several`` takes all devices but the target as proxies. ``--rows-of`` and ``--without`` make
the development table: HELP's devices that another table lacks, on that table's architectures. ``below`` counts targets
whose mean over seeds falls below the unadapted proxy's, and the share of single trials that do.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from archlock.benches.device_adaptation import adaptation_trials, mean_score
from archlock.hwcost.devices import LatencyTable, Method, Trial, load_table

SINGLE = ("gaussian", "gaussian-random", "adaproxy", "ridge")
SEVERAL = ("gaussian", "gaussian-random")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--proxies", default="true_vpu,rice_pixel3,true_a76")
    parser.add_argument("--samples", default="10,20,40,60")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--methods", default="")
    parser.add_argument("--several", action="store_true")
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("--rows-of", type=Path, help="keep this table's arch_index rows and take its encoding")
    parser.add_argument("--without", default="", help="leave out these devices")
    given = parser.parse_args()
    table = _table(given.table, given.rows_of, given.without.split(","))
    samples = [int(count) for count in given.samples.split(",")]
    groups = [tuple(d for d in table.devices if d != t) for t in table.devices] if given.several else [
        (proxy,) for proxy in given.proxies.split(",")
    ]  # fmt: skip
    methods = given.methods.split(",") if given.methods else SEVERAL if given.several else SINGLE
    print(f"{table.name}: {len(table)} architectures, failed {table.failed()}, seeds 0-{given.seeds - 1}")
    if given.several:
        for method in methods:
            _line("all others", method, [_trials(table, groups, method, count, given) for count in samples])
    else:
        for group in groups:
            for method in methods:
                _line(group[0], method, [_trials(table, [group], method, count, given) for count in samples])
    return 0


def _table(path: Path, rows_of: Path | None, without: Sequence[str]) -> LatencyTable:
    table = load_table(path)
    kept = [place for place, device in enumerate(table.devices) if device not in without]
    values, encoding = np.where(table.measured, table.latency_ms, -1.0)[:, kept], table.encoding
    if rows_of is not None:
        with np.load(rows_of, allow_pickle=False) as other:
            values = values[other["arch_index"]]
        encoding = load_table(rows_of).encoding
    return LatencyTable.of(table.name, [table.devices[place] for place in kept], values, encoding)


def _trials(
    table: LatencyTable, groups: Sequence[Sequence[str]], method: Method, samples: int, given: argparse.Namespace
) -> list[list[Trial]]:
    """One list per target."""
    covered = given.coverage and method.startswith("gaussian")
    return adaptation_trials(table, groups, method, samples, given.seeds, covered)


def _line(name: str, method: str, columns: Sequence[list[list[Trial]]]) -> None:
    after = [[mean_score([trial.after for trial in target]) for target in column] for column in columns]
    before = [[mean_score([trial.before for trial in target]) for target in column] for column in columns]
    below = [sum(a < b for a, b in zip(*pair, strict=True)) for pair in zip(after, before, strict=True)]
    each = [np.mean([trial.is_below() for target in column for trial in target]) for column in columns]
    covered = [mean_score([trial.covered for target in column for trial in target]) for column in columns]
    shown = "  ".join(f"{np.mean(value):.4f}" for value in after)
    unadapted = f"unadapted {np.mean(before[0]):.4f}"
    coverage = "" if not any(covered) else "  covered " + " ".join(f"{value:.3f}" for value in covered)
    print(f"{name:<12} {method:<16} {shown}  {unadapted}  below {below} of {len(after[0])} targets, "
          f"{' '.join(f'{share:.3f}' for share in each)} of trials{coverage}", flush=True)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
