"""What each part of the quickstart's search adds: whole searches in which one part is replaced by random choices.

    python benchmarks/quickstart_ablations.py [--seeds 51 52 53 54 55] [--only NAME ...] [--config quickstart]

Every variant buys as many labels as the search and ends alike: finalists verified, chosen by validation attacks, with a
twin of its own. "random labels" is random search at equal labels. Attacks here have all of the target's data.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass

import numpy as np

from archlock.config import RunSettings, load_settings
from archlock.executors import Executor, make_executor
from archlock.locking.plan import make_plan
from archlock.locking.search import run_search
from archlock.report.compare import released_mean, summaries, target_rows
from archlock.runs import InMemoryRun, Workshop


@dataclass(frozen=True)
class Row:
    """One search: what attackers reach before surgery on the release, and how the release compares with its twin."""

    released: float
    fall: float
    difference: float
    source: float
    parameters: int
    within_tolerance: bool
    matched: bool


def variants(settings: RunSettings) -> dict[str, list[str]]:
    """Name to assignments; labels are counted from the settings, so that all variants buy as many."""
    labels = settings.labels
    count = labels.architectures + labels.rounds * labels.round_size
    every = [f"labels.architectures={count}", f"labels.target_architectures={count}", "labels.rounds=0"]
    return {
        "the search": [],
        "random labels": [*every, f"proxies.architectures={count}"],
        "random engine": ["engine.name=random"],
        "random simulated targets": ["targets.cosine=0.0001"],
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="quickstart")
    parser.add_argument("--seeds", type=int, nargs="+", default=[51, 52, 53, 54, 55])
    parser.add_argument("--only", nargs="+", default=[], help="variants whose name holds one of these words")
    arguments = parser.parse_args()
    with make_executor("processes", os.cpu_count() or 1) as executor:
        for name, assignments in variants(load_settings(arguments.config)).items():
            if arguments.only and not any(word in name for word in arguments.only):
                continue
            rows = []
            for seed in arguments.seeds:
                chosen = ["attacks.fractions=[1.0]", f"seed={seed}", *assignments]
                rows.append(measure(load_settings(arguments.config, chosen), executor))
                print(f"  {name}, seed {seed}: {rows[-1]}", flush=True)
            show(name, rows)


def measure(settings: RunSettings, executor: Executor) -> Row:
    """One search, attacked like any other."""
    outcome = run_search(make_plan(settings), Workshop(InMemoryRun(), executor, seed=settings.seed))
    locked, choice = outcome.choice.locked.genotype, outcome.choice
    mean = summaries(target_rows(outcome))[-1]
    return Row(
        released_mean(outcome, locked),
        mean.relative_fall.value,
        mean.locked_advantage.value - mean.twin_advantage.value,
        outcome.held_out.source_test[locked],
        outcome.candidates[locked].cost.parameters,
        choice.within_tolerance,
        choice.matched,
    )


def show(name: str, rows: list[Row]) -> None:
    """Means over seeds."""
    print(
        f"{name}: before surgery attackers reach {np.mean([row.released for row in rows]):.3f} "
        f"(fall against the twin {np.mean([row.fall for row in rows]):+.3f}), after surgery locked minus twin "
        f"{100 * np.mean([row.difference for row in rows]):+.1f} points; source test "
        f"{np.mean([row.source for row in rows]):.4f}, {np.mean([row.parameters for row in rows]):,.0f} parameters, "
        f"within tolerance {sum(row.within_tolerance for row in rows)}/{len(rows)}, twin matched "
        f"{sum(row.matched for row in rows)}/{len(rows)}",
        flush=True,
    )


if __name__ == "__main__":
    main()
