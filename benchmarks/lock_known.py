"""Gap closed by the known and robust methods.

    ARCHLOCK_DATA=FOLDER python benchmarks/lock_known.py TABLE [--early] [--robust] [--labels 128 ...] [--seeds 10]
        [--first-seed 0] [--ablate predictor|acquisition] [--with proxies|hardware]

``--early`` takes the columns of the shorter training, on which methods may be chosen; without it the judged values.
``--with`` adds features of NAS-Bench-201 cells to what the surrogate sees: ranks of the seven published proxies, or of
multiply-accumulates, modelled latency and modelled energy on an NPU.
``archlock bench lock`` writes the full records, and ``archlock bench predictor`` measures the predictor; this prints
one line per budget, with process seconds per trial.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from itertools import permutations
from time import process_time

import numpy as np
from scipy.stats import rankdata

from archlock.benches.nasbench201_workloads import assemble_cells
from archlock.hwcost import estimate_batch, load_hardware
from archlock.iospec import IOSpec, OutputKind
from archlock.locking.tabular.features import pool_of
from archlock.locking.tabular.kernels import EXTRA
from archlock.locking.tabular.known import known
from archlock.locking.tabular.metrics import Judge, raw_threshold
from archlock.locking.tabular.problem import Pool
from archlock.locking.tabular.protocol import Bar, Rules, make_problem
from archlock.locking.tabular.published import load_published
from archlock.locking.tabular.robust import robust
from archlock.locking.tabular.summary import Outcome, summarise
from archlock.scores import FloatArray
from archlock.tables import Table, load_table

Values = Mapping[str, FloatArray]


def lock_line(table: Table, pool: Pool, values: Values, rules: Rules, seeds: range) -> str:
    """All ordered pairs of tasks and all seeds with one budget, as one line."""
    outcomes, method, start = [], robust if rules.robust else known, process_time()
    for source, target in permutations(values, 2):
        threshold = raw_threshold(values[source])
        judge = Judge.of(values[source], values[target], threshold, table.neighbours if rules.robust else None)
        for seed in seeds:
            problem = make_problem(pool, values, source, target, Bar(threshold, threshold), rules, seed, table.name)
            judged = judge.judge(method(problem).picks)
            outcomes.append(
                Outcome(source, target, seed, judged.target_percentile, judged.random, judged.oracle,
                        float(np.mean(judged.admissible)))
            )  # fmt: skip
    seconds = (process_time() - start) / len(outcomes)
    sums = summarise(outcomes)
    without = "".join(f" without {part}" for part in rules.ablated)
    return (
        f"{table.name} {method.__name__} {rules.labels} labels{without}: "
        f"gap closed {sums.mean:.3f} {sums.interval or ''}, pooled {sums.pooled:.3f}, "
        f"positive {sums.positive:.2f}, admissible {sums.admissible:.3f}, "
        f"{sums.pairs} pairs x {sums.seeds} seeds, {seconds:.2f} s each"
    )


def proxy_columns(table: Table) -> FloatArray:
    """Ranks of the published voters on CIFAR-10; shape (classes, 7)."""
    return load_published(table).features()["voters_cifar10"]


def hardware_columns(table: Table) -> FloatArray:
    """Ranks of multiply-accumulates, latency and energy of each class's representative; shape (classes, 3)."""
    workloads = assemble_cells(table.class_genotypes, IOSpec(3, 32, 32, OutputKind.CLASSES, 10))
    cost = estimate_batch(workloads, load_hardware("npu-edge"), "npu-only")
    macs = np.array([workload.macs for workload in workloads.workloads])
    return np.stack([rankdata(column) for column in (macs, cost.latency_s, cost.energy_j)], axis=1)


COLUMNS = {"proxies": proxy_columns, "hardware": hardware_columns}


def main() -> None:
    """Print one line per budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--early", action="store_true")
    parser.add_argument("--robust", action="store_true")
    parser.add_argument("--labels", type=int, nargs="+", default=[128])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--ablate", choices=["predictor", "acquisition"])
    parser.add_argument("--with", dest="further", choices=COLUMNS, action="append", default=[])
    asked = parser.parse_args()
    table = load_table(asked.table)
    further = {EXTRA: np.hstack([COLUMNS[name](table) for name in asked.further])} if asked.further else {}
    values, pool = table.early if asked.early else table.truth, pool_of(table, further)
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    for labels in asked.labels:
        rules = Rules("known", labels, asked.robust, ablated=(asked.ablate,) if asked.ablate else ())
        print(lock_line(table, pool, values, rules, seeds), flush=True)


if __name__ == "__main__":
    main()
