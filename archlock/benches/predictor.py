"""``bench predictor``: how well a few uniform labels predict the rest of a table.

Judged on classes that were never labelled: Kendall tau on each task, and Spearman of the contrast (source rank minus
target rank) on each pair. Beside it the vote of the published proxies, which needs no label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import kendalltau, rankdata, spearmanr

from archlock.benches.predictors import Labels, load_predictor
from archlock.benches.setting import Setting, TableChoice, open_setting
from archlock.errors import UsageError
from archlock.executors.protocol import Executor
from archlock.locking.tabular.problem import IntArray
from archlock.proxies.voting import vote
from archlock.scores import FloatArray
from archlock.seeding import numpy_generator
from archlock.tasks.ledger import Ledger

STAGE = "bench predictor"
VOTE = "published-vote"


@dataclass(frozen=True)
class PredictorTrial:
    """One predictor with one seed on all tasks in play."""

    choice: TableChoice
    predictor: str
    labels: int
    seed: int


@dataclass(frozen=True)
class PredictorResult:
    """Figures of one trial.

    Attributes:
        predictor, seed: which trial.
        taus: task to Kendall tau on the classes that were never labelled.
        contrasts: ``source/target`` to Spearman of the contrast on the same classes; either direction is the same.
        labels: how many labels were read in all.
    """

    predictor: str
    seed: int
    taus: Mapping[str, float]
    contrasts: Mapping[str, float]
    labels: int


def predictor_trials(
    choice: TableChoice, predictors: Sequence[str], labels: int, seeds: Sequence[int]
) -> list[PredictorTrial]:
    """Every predictor with every seed, and the published vote where the table has proxies.

    Raises:
        UsageError: an unknown predictor, table or task, or more labels than leave classes to judge.
    """
    for name in predictors:
        load_predictor(name)
    table = choice.open()
    choice.tasks_in_play()
    if not 2 <= labels <= len(table) - 10:
        raise UsageError(f"labels: expected 2 to {len(table) - 10} of {len(table)} classes, not {labels}")
    voted = (VOTE,) if open_setting(choice).published.voters(table.tasks[0]) else ()
    return [PredictorTrial(choice, name, labels, seed) for name in (*predictors, *voted) for seed in seeds]


def run_predictor_trial(trial: PredictorTrial) -> PredictorResult:
    """One trial in this process. The same seed labels the same classes for every predictor and task."""
    setting = open_setting(trial.choice)
    tasks, ledger = trial.choice.tasks_in_play(), Ledger()
    drawn = numpy_generator(trial.seed, STAGE, "labels").permutation(len(setting.table))
    indices, rest = np.sort(drawn[: trial.labels]), np.sort(drawn[trial.labels :])
    labels = {} if trial.predictor == VOTE else {task: _read(setting, task, indices, ledger) for task in tasks}
    predicted = _scores(trial, setting, tasks, labels)
    truth = {task: setting.table.truth[task][rest] for task in tasks}
    taus = {task: _agreement(kendalltau, predicted[task][rest], truth[task]) for task in tasks}
    contrasts = {}
    for source, target in combinations(tasks, 2):
        guess = _contrast(trial, setting, (source, target), labels, predicted)[rest]
        contrasts[f"{source}/{target}"] = _agreement(spearmanr, guess, contrast(truth[source], truth[target]))
    return PredictorResult(trial.predictor, trial.seed, taus, contrasts, len(ledger.entries))


def _read(setting: Setting, task: str, indices: IntArray, ledger: Ledger) -> dict[int, float]:
    column = setting.table.truth[task]

    def read(index: int) -> float:
        return ledger.read(task, str(index), STAGE, lambda: float(column[index]))

    return {int(index): read(int(index)) for index in indices}


def _scores(
    trial: PredictorTrial, setting: Setting, tasks: Sequence[str], labels: Mapping[str, Labels]
) -> Mapping[str, FloatArray]:
    if trial.predictor == VOTE:
        return {task: vote(setting.published.voters(task)) for task in tasks}

    def generator(task: str) -> np.random.Generator:
        return numpy_generator(trial.seed, STAGE, trial.predictor, task)

    return load_predictor(trial.predictor).scores(setting.pool, labels, generator)


def _contrast(
    trial: PredictorTrial,
    setting: Setting,
    pair: tuple[str, str],
    labels: Mapping[str, Labels],
    predicted: Mapping[str, FloatArray],
) -> FloatArray:
    """Predicted contrast of all classes: the predictor's own where it has one."""
    own = None if trial.predictor == VOTE else load_predictor(trial.predictor).contrast
    source, target = pair
    if own is None:
        return contrast(predicted[source], predicted[target])
    return own(setting.pool, labels[source], labels[target], predicted[source], predicted[target])


def contrast(source: FloatArray, target: FloatArray) -> FloatArray:
    """Source rank minus target rank of each class; shape (n,)."""
    return np.asarray(rankdata(source) - rankdata(target), dtype=np.float64)


def _agreement(correlation: Callable[..., Any], predicted: FloatArray, truth: FloatArray) -> float:
    """A rank correlation; none, 0, where one side gives every class the same value and so ranks nothing."""
    if np.ptp(predicted) == 0 or np.ptp(truth) == 0:
        return 0.0
    return float(correlation(predicted, truth).statistic)


def run_predictors(work: Sequence[PredictorTrial], executor: Executor) -> Iterator[tuple[int, PredictorResult]]:
    """Run trials; yields (position, result) as they end."""
    yield from executor.map(run_predictor_trial, work)
