"""Gap closed by the known and robust methods, and what their surrogate predicts from uniform labels.

    ARCHLOCK_DATA=FOLDER python benchmarks/lock_known.py TABLE [--early] [--robust] [--labels 128 ...] [--seeds 10]
        [--first-seed 0] [--predictor] [--ablate predictor|acquisition]

``--early`` takes the columns of the shorter training, on which methods may be chosen; without it the judged values.
``archlock bench lock`` writes the full records; this prints one line per budget, with process seconds per trial.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from itertools import combinations, permutations
from time import process_time

import numpy as np
from scipy.stats import kendalltau, rankdata, spearmanr

from archlock.locking.tabular.features import pool_of
from archlock.locking.tabular.known import known
from archlock.locking.tabular.metrics import Judge, raw_threshold
from archlock.locking.tabular.predictor import contrast_of_scores, predicted_scores
from archlock.locking.tabular.problem import Pool
from archlock.locking.tabular.protocol import Bar, Rules, make_problem
from archlock.locking.tabular.robust import robust
from archlock.locking.tabular.summary import Outcome, summarise
from archlock.scores import FloatArray
from archlock.seeding import numpy_generator
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
        f"gap closed {sums.mean:.3f} [{sums.low:.3f}, {sums.high:.3f}], pooled {sums.pooled:.3f}, "
        f"positive {sums.positive:.2f}, admissible {sums.admissible:.3f}, "
        f"{sums.pairs} pairs x {sums.seeds} seeds, {seconds:.2f} s each"
    )


def predictor_line(table: Table, pool: Pool, values: Values, labels: int, seeds: range) -> str:
    """Kendall tau and contrast Spearman on classes that were never labelled, mean over tasks, pairs and seeds."""
    taus, contrasts = [], []
    for seed in seeds:
        drawn = numpy_generator(seed, "bench predictor", "labels").permutation(len(table))
        known_classes, rest = drawn[:labels], drawn[labels:]
        bought = {task: {int(i): float(column[i]) for i in known_classes} for task, column in values.items()}
        scores = {task: predicted_scores(pool, labelled) for task, labelled in bought.items()}
        taus += [kendalltau(scores[task][rest], values[task][rest]).statistic for task in values]
        for source, target in combinations(values, 2):
            true = rankdata(values[source][rest]) - rankdata(values[target][rest])
            predicted = contrast_of_scores(pool, bought[source], bought[target], scores[source], scores[target])
            contrasts.append(spearmanr(predicted[rest], true).statistic)
    return (
        f"{table.name} predictor, {labels} uniform labels: tau {np.mean(taus):.3f} (sd over seeds "
        f"{np.std(np.reshape(taus, (len(seeds), -1)).mean(axis=1)):.3f}), contrast {np.mean(contrasts):.3f} "
        f"({np.std(np.reshape(contrasts, (len(seeds), -1)).mean(axis=1)):.3f}), {len(seeds)} seeds"
    )


def main() -> None:
    """Print one line per budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--early", action="store_true")
    parser.add_argument("--robust", action="store_true")
    parser.add_argument("--predictor", action="store_true")
    parser.add_argument("--labels", type=int, nargs="+", default=[128])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--ablate", choices=["predictor", "acquisition"])
    asked = parser.parse_args()
    table = load_table(asked.table)
    values, pool = table.early if asked.early else table.truth, pool_of(table)
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    for labels in asked.labels:
        if asked.predictor:
            print(predictor_line(table, pool, values, labels, seeds), flush=True)
        else:
            ablated = (asked.ablate,) if asked.ablate else ()
            print(
                lock_line(table, pool, values, Rules("known", labels, asked.robust, ablated=ablated), seeds), flush=True
            )


if __name__ == "__main__":
    main()
