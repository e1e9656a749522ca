"""Bayesian search against random search on the imc space, under an equal number of evaluations.

Run: ``python benchmarks/imc_bayesian.py [--tasks FILE.npz...] [--engines bayesian] [--seeds 0-9]``.
An evaluation is a short training on real pictures (16 x 16, one fixed seed, the same steps for every network) and the
modelled cost on a shipped hardware profile. Both searches maximise accuracy/latency or accuracy/energy of one input;
random search is the same for both. The bar: a better incumbent after 60 evaluations in at least nine of ten seeds.
An equal incumbent, which is one network that both found, is no win. ``--at-least`` asks for an accuracy, which Bayesian
search is told as a constraint: without one the best ratio belongs to a network that knows next to nothing.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from imc_evaluations import Bench, Costs

from archlock.engines import Evaluation, make_engine
from archlock.seeding import numpy_generator
from archlock.spaces.protocol import Genotype

TASKS = ("sign_digits", "cifar10", "clothing")
OBJECTIVES = ("accuracy/latency", "accuracy/energy")
INITIAL = 10
"""Random genotypes with which Bayesian search begins, the first ones of random search; they count."""


@dataclass(frozen=True)
class Found:
    """An evaluated genotype: micro-trained validation accuracy, and accuracy per second or per joule."""

    accuracy: float
    ratio: float

    def shortfall(self, floor: float) -> float:
        """Share of the floor that the accuracy misses."""
        return max(0.0, 1 - self.accuracy / floor) if floor else 0.0


NOTHING = Found(0.0, 0.0)
"""What a search has that met no floor."""


def found(bench: Bench, genotype: Genotype, objective: str) -> Found:
    """A canonical genotype, evaluated."""
    accuracy = bench.accuracy(genotype)
    return Found(accuracy, accuracy / bench.cost(genotype)[OBJECTIVES.index(objective)])


def bayesian_incumbent(
    bench: Bench, engine_name: str, objective: str, seed: int, evaluations: int, floor: float
) -> Found:
    """Best of what the engine asked for, of those that reach the floor."""
    engine = make_engine(engine_name, bench.space, INITIAL, numpy_generator(seed, "imc_bayesian"))
    seen: list[Found] = []
    while len(seen) < evaluations:
        (genotype,) = engine.ask(1)
        seen.append(found(bench, genotype, objective))
        # The logarithm leaves the order as it is and spares models the spread of a ratio over decades. One right
        # answer in a second, or for a joule, is far below every network here.
        worth = -math.log(max(seen[-1].ratio, 1.0))
        engine.tell([Evaluation(genotype, (worth,), seen[-1].shortfall(floor))])
    bench.save()
    return max((one for one in seen if one.accuracy >= floor), key=lambda one: one.ratio, default=NOTHING)


def random_incumbent(bench: Bench, objective: str, seed: int, evaluations: int, floor: float) -> Found:
    """Best of as many random genotypes that reaches the floor, the cheapest looked at first.

    Accuracy is at most 1, so that a network which would not be the best with all answers right need not be trained:
    the incumbent is the same, and the trainings are a quarter.
    """
    drawn = make_engine("random", bench.space, INITIAL, numpy_generator(seed, "imc_bayesian")).ask(evaluations)
    best, column = NOTHING, OBJECTIVES.index(objective)

    def cost_of(genotype: Genotype) -> float:
        return bench.cost(genotype)[column]

    for genotype in sorted(drawn, key=cost_of):
        if 1 / cost_of(genotype) <= best.ratio:
            break
        new = found(bench, genotype, objective)
        if new.accuracy >= floor:
            best = max(best, new, key=lambda one: one.ratio)
    bench.save()
    return best


def gain(ours: float, theirs: float) -> float:
    """How many times better; one where neither search met the floor, and infinite where only ours did."""
    if theirs:
        return ours / theirs
    return math.inf if ours else 1.0


def compare(bench: Bench, engine: str, seeds: Sequence[int], evaluations: int, floor: float) -> bool:
    """Print one row per objective; whether the bar is met in all."""
    held = []
    for objective in OBJECTIVES:
        ratios, winners = [], []
        for seed in seeds:
            ours = bayesian_incumbent(bench, engine, objective, seed, evaluations, floor)
            theirs = random_incumbent(bench, objective, seed, evaluations, floor)
            ratios.append(gain(ours.ratio, theirs.ratio))
            winners.append((ours.accuracy, theirs.accuracy))
        wins, ties = sum(ratio > 1 for ratio in ratios), sum(ratio == 1 for ratio in ratios)
        accuracy = np.mean(winners, axis=0)
        print(
            f"{bench.name:14} {engine:12} {objective:17} {wins:2d}/{len(seeds)} "
            f"{ties:4d} {np.median(ratios):8.3f} {min(ratios):8.3f} {accuracy[0]:9.3f} {accuracy[1]:9.3f} "
            f"{len(bench.accuracies):9d}",
            flush=True,
        )
        held.append(wins >= math.ceil(0.9 * len(seeds)))
    return all(held)


def main() -> int:
    """Run, print the table, and tell whether the bar was met everywhere."""
    parser = argparse.ArgumentParser(description=__doc__)
    images = Path(os.environ.get("ARCHLOCK_DATA", "data")) / "images"
    parser.add_argument("--tasks", nargs="+", type=Path, default=[images / f"{name}.npz" for name in TASKS])
    parser.add_argument("--engines", nargs="+", default=["bayesian"])
    parser.add_argument("--seeds", default="0-9", help="first and last")
    parser.add_argument("--evaluations", type=int, default=60)
    parser.add_argument("--at-least", type=float, default=0.0, help="accuracy that an incumbent must have")
    parser.add_argument("--hardware", default="edge-npu-cim")
    parser.add_argument("--cache", type=Path, help="folder for what was evaluated")
    options = parser.parse_args()
    torch.set_num_threads(1)
    first, last = map(int, options.seeds.split("-"))
    asked = f"accuracy >= {options.at_least:g}" if options.at_least else "any accuracy"
    print(f"{options.evaluations} evaluations, seeds {options.seeds}, {options.hardware}, {asked}:")
    print(f"{'task':14} {'engine':12} {'objective':17}  wins ties   median    worst  accuracy  random's  trainings")
    held = True
    costs: Costs = {}
    for path in options.tasks:
        bench = Bench(path, options.hardware, costs, options.cache)
        for engine in options.engines:
            held &= compare(bench, engine, range(first, last + 1), options.evaluations, options.at_least)
        print(f"{bench.name}: {bench.seconds:.0f} s of one core for trainings", flush=True)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
