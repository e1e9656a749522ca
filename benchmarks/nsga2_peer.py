"""NSGA-II on DEAP beside pymoo's on two problems of three objectives.

Run: ``python benchmarks/nsga2_peer.py cells|imc [--population 20] [--generations 10 25] [--seeds 0-9] [--cache DIR]``
where pymoo is installed (``pip install pymoo``; nothing here depends on it otherwise). Both optimisers get the same
population, evaluations and seeds. pymoo runs as its documentation has it for integers (SBX and polynomial mutation,
rounded) and as it has it for choices (mixed variables); the better one counts. Objectives are deterministic, so that
only the optimisers differ. Prints the hypervolume of everything evaluated (the reference at 1.1), and the difference
with its standard error over seeds.

``cells``: error, latency and energy of NAS-Bench-201 cells. Error is the table's validation error on CIFAR-10 after 12
epochs, latency and energy are HW-NAS-Bench's measurements on the edge GPU. Twins are merged: all cells of one function
have their mean. Objectives are percentiles over the table, which spreads its front; the hypervolume is a share of the
whole table's.

``imc``: accuracy, accuracy/latency and accuracy/energy of the in-memory-computing space, by short trainings on
CIFAR-10's pictures and the cost model. Ratios are logarithms, scaled to what the cheapest and the dearest of 300
random networks would have with all answers right and one in ten right. The hypervolume is a share of the whole box.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol

import numpy as np
from imc_evaluations import Bench
from scipy.stats import rankdata

from archlock.engines import Evaluation, make_engine
from archlock.engines.protocol import non_dominated
from archlock.scores import FloatArray
from archlock.seeding import numpy_generator
from archlock.spaces.protocol import Genotype, SearchSpace
from archlock.spaces.registry import load_space
from archlock.tables import load_table
from archlock.tables.published import load_hardware

try:
    from pymoo.algorithms.moo.nsga2 import NSGA2, RankAndCrowdingSurvival
    from pymoo.core.mixed import MixedVariableGA
    from pymoo.core.problem import ElementwiseProblem
    from pymoo.core.variable import Choice
    from pymoo.indicators.hv import HV
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling
    from pymoo.optimize import minimize
except ImportError:
    sys.exit("this benchmark runs beside pymoo: pip install pymoo")

HARDWARE = "edge-npu-cim"
REFERENCE = 1.1
CHANCE = 0.1
"""Accuracy of guessing among ten classes."""


class Problem(Protocol):
    """Three objectives of the genotypes of a space, to be minimised, about 0..1."""

    space: SearchSpace

    @property
    def whole(self) -> float:
        """Hypervolume that figures are a share of."""

    def of(self, genotype: Genotype) -> FloatArray:
        """Shape (3,)."""


class Cells:
    """Objectives of every NAS-Bench-201 cell, as percentiles 0..1 over the distinct cells."""

    def __init__(self) -> None:
        self.space = load_space("nasbench201")
        table, hardware = load_table("nasbench201"), load_hardware("cifar10")
        error = -table.column("cifar10", "early").values
        costs = [hardware.column(name, table).values for name in ("edgegpu_latency", "edgegpu_energy")]
        self.genotypes = [tuple(map(int, row)) for row in table.genotypes]
        self.scaled = ((rankdata([error, *costs], axis=1) - 1) / (len(table) - 1)).T[table.classes]
        self._rows = {genotype: row for row, genotype in enumerate(self.genotypes)}

    def of(self, genotype: Genotype) -> FloatArray:
        """Looked up."""
        return np.asarray(self.scaled[self._rows[genotype]], dtype=np.float64)

    @cached_property
    def whole(self) -> float:
        """Hypervolume of the table's own front."""
        return volume(self.scaled)


class Imc:
    """Objectives of networks of the imc space, trained for a moment and costed."""

    whole = REFERENCE**3

    def __init__(self, cache: Path | None) -> None:
        self.bench = Bench(
            Path(os.environ.get("ARCHLOCK_DATA", "data")) / "images" / "cifar10.npz", HARDWARE, {}, cache
        )
        self.space = self.bench.space
        rng = numpy_generator(0, "nsga2_peer", "scale")
        costs = np.log([self.bench.cost(self.space.sample(rng)) for _ in range(300)])
        self._best = -costs.min(axis=0)
        self._worst = np.log(CHANCE) - costs.max(axis=0)

    def of(self, genotype: Genotype) -> FloatArray:
        """Trained, once per twin class."""
        canonical = self.space.canonical(genotype)
        accuracy = self.bench.accuracy(canonical)
        ratios = np.log(max(accuracy, CHANCE / 100)) - np.log(self.bench.cost(canonical))
        return np.array([1 - accuracy, *((self._best - ratios) / (self._best - self._worst))])


def volume(values: FloatArray) -> float:
    """Hypervolume of the front of points, shape (n, 3)."""
    front = non_dominated([Evaluation((), tuple(row)) for row in np.unique(values, axis=0).tolist()])
    return float(HV(ref_point=np.full(3, REFERENCE))(np.array([one.objectives for one in front])))


def ours(problem: Problem, population: int, generations: int, seed: int, name: str = "nsga2") -> FloatArray:
    """Objectives of everything that our engine asked for."""
    engine = make_engine(name, problem.space, population, numpy_generator(seed, "nsga2_peer"))
    seen: list[FloatArray] = []
    for _ in range(generations):
        asked = engine.ask(population)
        engine.tell([Evaluation(one, tuple(problem.of(one).tolist())) for one in asked])
        seen += [problem.of(one) for one in asked]
    return np.array(seen)


class IntegerProblem(ElementwiseProblem):  # type: ignore[misc]
    """An integer per gene; remembers what it evaluated."""

    def __init__(self, problem: Problem) -> None:
        last = [len(choice.options) - 1 for choice in problem.space.choices]
        super().__init__(n_var=len(last), n_obj=3, xl=0, xu=np.array(last), vtype=int)
        self.problem = problem
        self.seen: list[FloatArray] = []

    def _evaluate(self, x: FloatArray, out: dict[str, FloatArray], *args: object, **kwargs: object) -> None:
        out["F"] = self.problem.of(tuple(map(int, x)))
        self.seen.append(out["F"])


class ChoiceProblem(ElementwiseProblem):  # type: ignore[misc]
    """A choice per gene; remembers what it evaluated."""

    def __init__(self, problem: Problem) -> None:
        genes = {one.name: Choice(options=list(range(len(one.options)))) for one in problem.space.choices}
        super().__init__(vars=genes, n_obj=3)
        self.problem = problem
        self.seen: list[FloatArray] = []

    def _evaluate(self, x: dict[str, int], out: dict[str, FloatArray], *args: object, **kwargs: object) -> None:
        out["F"] = self.problem.of(tuple(int(x[choice.name]) for choice in self.problem.space.choices))
        self.seen.append(out["F"])


def peer_integers(problem: Problem, population: int, generations: int, seed: int) -> FloatArray:
    """As https://pymoo.org/customization/discrete.html has it."""
    genes = IntegerProblem(problem)
    operators = {"vtype": float, "repair": RoundingRepair()}
    algorithm = NSGA2(
        pop_size=population,
        sampling=IntegerRandomSampling(),
        crossover=SBX(prob=1.0, eta=3.0, **operators),
        mutation=PM(prob=1.0, eta=3.0, **operators),
        eliminate_duplicates=True,
    )
    minimize(genes, algorithm, ("n_eval", population * generations), seed=seed)
    return np.array(genes.seen)


def peer_choices(problem: Problem, population: int, generations: int, seed: int) -> FloatArray:
    """As https://pymoo.org/customization/mixed.html has it for several objectives: NSGA-II's survival."""
    genes = ChoiceProblem(problem)
    algorithm = MixedVariableGA(pop_size=population, survival=RankAndCrowdingSurvival())
    minimize(genes, algorithm, ("n_eval", population * generations), seed=seed)
    return np.array(genes.seen)


def random_genotypes(problem: Problem, population: int, generations: int, seed: int) -> FloatArray:
    """As many random genotypes."""
    draw = make_engine("random", problem.space, population, numpy_generator(seed, "nsga2_peer"))
    return np.array([problem.of(one) for one in draw.ask(population * generations)])


RUNNERS: dict[str, Callable[[Problem, int, int, int], FloatArray]] = {
    "DEAP (ours)": ours,
    "NSGA-III, ours": partial(ours, name="nsga3"),
    "pymoo integers": peer_integers,
    "pymoo choices": peer_choices,
    "random": random_genotypes,
}


def compare(problem: Problem, population: int, generations: int, seeds: range) -> bool:
    """Print one row per optimiser; whether ours is at least the better peer's within two standard errors."""
    shares = {
        name: np.array([volume(run(problem, population, generations, seed)) / problem.whole for seed in seeds])
        for name, run in RUNNERS.items()
    }
    ranks = dict(zip(shares, rankdata([-s.mean() for s in shares.values()]), strict=True))
    for name, found in shares.items():
        print(
            f"{population * generations:6d} {name:15} {found.mean():8.4f} {found.std(ddof=1):7.4f} "
            f"{found.min():8.4f} {ranks[name]:5.0f}",
            flush=True,
        )
    best = max(("pymoo integers", "pymoo choices"), key=lambda name: shares[name].mean())
    gap = shares["DEAP (ours)"] - shares[best]
    error = float(gap.std(ddof=1) / np.sqrt(len(gap)))
    wins = f"better in {sum(gap > 0)}/{len(gap)}"
    print(f"{population * generations:6d} ours minus {best}: {gap.mean():+.4f} ± {error:.4f}, {wins}")
    return bool(gap.mean() >= -2 * error)


def main() -> int:
    """Run and tell whether the bar is met at every budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problem", choices=["cells", "imc"])
    parser.add_argument("--population", type=int, default=20)
    parser.add_argument("--generations", type=int, nargs="+", default=[10, 25])
    parser.add_argument("--seeds", default="0-9", help="first and last")
    parser.add_argument("--cache", type=Path, help="folder for accuracies that are known")
    options = parser.parse_args()
    first, last = map(int, options.seeds.split("-"))
    problem: Problem = Cells() if options.problem == "cells" else Imc(options.cache)
    print(" evals optimiser       share of HV    sd      min  rank")
    try:
        met = [compare(problem, options.population, count, range(first, last + 1)) for count in options.generations]
    finally:
        if isinstance(problem, Imc):
            problem.bench.save()
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
