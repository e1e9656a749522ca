"""``bench engine``: every engine on every tabulated task with the same number of evaluations.

The question of NAS-Bench-360: does what finds good networks for CIFAR find them elsewhere, too?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import rankdata

from archlock.benches.setting import TableChoice
from archlock.engines import Evaluation, check_engine, engine_names, make_engine, optimise
from archlock.errors import UsageError
from archlock.executors.protocol import Executor
from archlock.locking.tabular.metrics import percentiles
from archlock.seeding import numpy_generator
from archlock.spaces.protocol import Genotype
from archlock.spaces.registry import load_space
from archlock.tables import Table
from archlock.tasks.ledger import Ledger

STAGE = "bench engine"
POPULATION = 20
"""Genotypes that an engine keeps, and that it is asked for at a time."""

TABLES = ("nasbench360", "transnas_micro", "transnas_macro")
"""Tables that hold every tabulated task once; the tasks of nasbench201 are in nasbench360."""


@dataclass(frozen=True)
class EngineTrial:
    """One engine on one task with one seed."""

    choice: TableChoice
    task: str
    engine: str
    evaluations: int
    seed: int


@dataclass(frozen=True)
class EngineResult:
    """What an engine found.

    Attributes:
        table, task, engine, seed: which trial.
        evaluations: labels read; fewer than asked for where the engine had nothing new to ask.
        best: raw value of the best architecture found.
        regret: percentile points from it to the best of the table.
    """

    table: str
    task: str
    engine: str
    seed: int
    evaluations: int
    best: float
    regret: float


def engine_trials(
    choices: Sequence[TableChoice], evaluations: int, seeds: Sequence[int], engines: Sequence[str] = ()
) -> list[EngineTrial]:
    """Every task of every table with every engine and seed; of all engines those whose extras are installed.

    Raises:
        UsageError: an unknown engine, table or task, a named engine without its extra, or too few evaluations.
    """
    for name in engines:
        check_engine(name)
    if evaluations < 1 or not seeds:
        raise UsageError(f"expected at least one evaluation and one seed, not {evaluations} and {len(seeds)}")
    chosen = engines or [name for name in engine_names() if _can_be_made(name)]
    return [
        EngineTrial(choice, task, engine, evaluations, seed)
        for choice in choices
        for task in choice.tasks_in_play(at_least=1)
        for engine in chosen
        for seed in seeds
    ]


def _can_be_made(name: str) -> bool:
    try:
        check_engine(name)
    except UsageError:
        return False
    return True


def run_engine_trial(trial: EngineTrial) -> EngineResult:
    """One trial in this process.

    Raises:
        UsageError: the table lacks an architecture of its space.
    """
    table = trial.choice.open()
    space, ledger = load_space(table.space), Ledger()
    lookup = {tuple(genotype): int(table.classes[row]) for row, genotype in enumerate(table.genotypes.tolist())}
    values = table.truth[trial.task]

    def evaluate(asked: Sequence[Genotype]) -> list[Evaluation]:
        return [Evaluation(genotype, (-_read(ledger, table, trial.task, lookup, genotype),)) for genotype in asked]

    rng = numpy_generator(trial.seed, STAGE, table.name, trial.task, trial.engine)
    engine = make_engine(trial.engine, space, min(POPULATION, trial.evaluations), rng)
    full, rest = divmod(trial.evaluations, POPULATION)
    for count, generations in ((POPULATION, full), (rest, 1)):
        for _ in optimise(engine, evaluate, count, generations) if count else ():
            pass
    found = [lookup[_genotype(entry.subject)] for entry in ledger.entries]
    best = max(found, key=lambda index: float(values[index]))
    ranked = percentiles(values)
    regret = float(ranked.max() - ranked[best])
    return EngineResult(table.name, trial.task, trial.engine, trial.seed, len(found), float(values[best]), regret)


def _read(ledger: Ledger, table: Table, task: str, lookup: Mapping[Genotype, int], genotype: Genotype) -> float:
    if genotype not in lookup:
        raise UsageError(f"table {table.name}: architecture {genotype} of space {table.space!r} is not in it")
    subject = "-".join(map(str, genotype))
    return ledger.read(task, subject, STAGE, lambda: float(table.truth[task][lookup[genotype]]))


def _genotype(subject: str) -> Genotype:
    return tuple(int(gene) for gene in subject.split("-"))


def run_engines(work: Sequence[EngineTrial], executor: Executor) -> Iterator[tuple[int, EngineResult]]:
    """Run trials; yields (position, result) as they end."""
    yield from executor.map(run_engine_trial, work)


@dataclass(frozen=True)
class EngineRow:
    """An engine over all tasks.

    Attributes:
        engine: its name.
        mean_rank: mean over tasks of its rank by mean regret, 1 the best, ties averaged.
        mean_regret: percentile points, mean over tasks and seeds.
        worst_regret, worst_task: the task with the greatest mean regret.
    """

    engine: str
    mean_rank: float
    mean_regret: float
    worst_regret: float
    worst_task: str


def engine_rows(results: Sequence[EngineResult]) -> list[EngineRow]:
    """Engines from the best mean rank to the worst."""
    tasks = list(dict.fromkeys((one.table, one.task) for one in results))
    engines = list(dict.fromkeys(one.engine for one in results))
    regret = np.array([
        [np.mean([one.regret for one in results if (one.table, one.task) == task and one.engine == engine])
         for task in tasks]
        for engine in engines
    ])  # fmt: skip
    ranks = rankdata(regret, axis=0).mean(axis=1)
    worst = regret.argmax(axis=1)
    rows = [
        EngineRow(
            engine, float(ranks[at]), float(regret[at].mean()), float(regret[at].max()), "/".join(tasks[worst[at]])
        )
        for at, engine in enumerate(engines)
    ]
    return sorted(rows, key=lambda row: row.mean_rank)


def engine_document(results: Sequence[EngineResult]) -> dict[str, object]:
    """What ``--json`` prints."""
    rows = [asdict(row) for row in engine_rows(results)]
    return {"engines": rows, "trials": [asdict(one) for one in results]}


def engine_text(results: Sequence[EngineResult]) -> str:
    """The table as text."""
    tasks, seeds = {(one.table, one.task) for one in results}, {one.seed for one in results}
    most = max(one.evaluations for one in results)
    head = f"{len(tasks)} tasks, {len(seeds)} seeds, {most} evaluations each; regret in percentile points of the table"
    lines = [head, f"{'engine':<10} {'mean rank':>9} {'mean regret':>11} {'worst':>7}  on"]
    lines += [
        f"{row.engine:<10} {row.mean_rank:>9.2f} {row.mean_regret:>11.2f} {row.worst_regret:>7.2f}  {row.worst_task}"
        for row in engine_rows(results)
    ]
    run = {one.engine for one in results}
    if left := [name for name in engine_names() if name not in run]:
        lines.append(f"not run: {', '.join(left)}")
    return "\n".join([*lines, "bought is what is judged (table optimisation)"])
