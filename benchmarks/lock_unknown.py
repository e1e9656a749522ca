"""Gap closed against a sealed target, beside what every label of the other tasks would give.

    python benchmarks/lock_unknown.py [--table transnas_macro] [--seeds 3] [--labels 128] [--ablate predictor]

The row "every label" reads the whole table of source and other tasks: the admissible classes that are lowest on the
average percentile of the others, each in units of its spread among admissible classes. It is no upper bound, because it
takes training noise at face value, where a model smooths it. Figures are printed as pairs are done,
in an order that mixes sources, so that an interrupted run says something. Intervals: bootstrap over tasks and seeds.
"""

from __future__ import annotations

import argparse
from time import process_time

import numpy as np

from archlock.locking.tabular.features import pool_of
from archlock.locking.tabular.metrics import Judge, Judgement, percentiles
from archlock.locking.tabular.problem import ABLATIONS, PICKS
from archlock.locking.tabular.protocol import Rules, answer, bought_values, make_judge, make_problem, source_bar
from archlock.locking.tabular.summary import Outcome, summarise
from archlock.locking.tabular.unknown import unknown
from archlock.seeding import numpy_generator
from archlock.tables import Table, load_table


def every_label(table: Table, judge: Judge, source: str, target: str) -> Judgement:
    """The best five by the other tasks' true percentiles."""
    met = np.flatnonzero(judge.admissible)
    others = [percentiles(table.truth[task])[met] for task in table.tasks if task not in (source, target)]
    danger = np.mean([(column - column.mean()) / column.std() for column in others], axis=0)
    return judge.judge([int(index) for index in met[np.argsort(danger, kind="stable")[:PICKS]]])


def outcome(pair: tuple[str, str], seed: int, judged: Judgement) -> Outcome:
    """One trial's figures."""
    ours, admissible = judged.target_percentile, float(np.mean(judged.admissible))
    return Outcome(*pair, seed, ours, judged.random, judged.oracle, admissible)


def line(name: str, outcomes: list[Outcome], seconds: float = 0.0) -> str:
    """One row of the table."""
    found = summarise(outcomes)
    return (
        f"{name:12} {found.pairs:3d} pairs x {found.seeds}: gap closed {found.mean:6.3f} "
        f"{found.interval or ''}, pooled {found.pooled:6.3f}, positive on {found.positive:4.0%} of pairs, "
        f"{found.admissible:6.1%} admissible, {seconds / len(outcomes):.2f} s each"
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", default="transnas_macro")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--labels", type=int, default=128)
    parser.add_argument("--ablate", action="append", choices=ABLATIONS, default=[])
    given = parser.parse_args()
    table, rules = load_table(given.table), Rules("unknown", given.labels, ablated=tuple(given.ablate))
    pool, values = pool_of(table), bought_values(table, table.tasks, valid=False)
    pairs = [(source, target) for source in table.tasks for target in table.tasks if source != target]
    numpy_generator(0, "order of pairs").shuffle(pairs)
    ours: list[Outcome] = []
    whole: list[Outcome] = []
    seconds = 0.0
    for done, pair in enumerate(pairs, 1):
        bar = source_bar(table, pair[0], rules)
        judge = make_judge(table, *pair, bar, robust=False)
        whole.append(outcome(pair, 0, every_label(table, judge, *pair)))
        for seed in range(given.seeds):
            start = process_time()
            problem = make_problem(pool, values, *pair, bar, rules, seed, table.name)
            judged = answer(unknown, problem, judge).judgement
            seconds += process_time() - start
            ours.append(outcome(pair, seed, judged))
        if done % 5 == 0 or done == len(pairs):
            print(line("unknown", ours, seconds), line("every label", whole), sep="\n", flush=True)


if __name__ == "__main__":
    main()
