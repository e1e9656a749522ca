"""Lock against a target that nobody may look at, with labels of the source and of other tasks that the defender owns.

The sealed target is taken for one more draw from the tasks that can be labelled. So five admissible classes are sought
that are poor on their average, by constrained expected improvement. Source and other tasks have budgets of their own:
what is more plentiful is bought first, and what it rules out costs nothing of the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from archlock.locking.tabular.kernels import Groups, feature_groups
from archlock.locking.tabular.problem import PICKS, Problem, Proposal
from archlock.locking.tabular.random_picks import filled
from archlock.locking.tabular.surrogate import Scale
from archlock.locking.tabular.unknown_belief import Outlook, average_task, chance_admissible, percentile_scale
from archlock.locking.tabular.unknown_field import Posterior, SharedField
from archlock.scores import FloatArray

RANDOM_SHARE = 0.75
"""Share of random labels where the choice of labels is ablated; the rest verifies."""


@dataclass(frozen=True)
class Settings:
    """Constants of the method, chosen on ``transnas_macro``.

    Attributes:
        start: random classes labelled on every task before anything is modelled.
        batch: classes chosen from one state of the model.
        retune: labels after which length scale and noise are estimated again.
        source_weight: weight of the source among the tasks that are averaged; every other task has 1.
        haste: with fewer source labels left than so many for each missing pick, only admissibility counts.
        percentiles: average in estimated percentiles of the pool rather than in normal scores of the labels.
    """

    start: int = 24
    batch: int = 6
    retune: int = 32
    source_weight: float = 0.5
    haste: int = 6
    percentiles: bool = True


def unknown(problem: Problem, settings: Settings | None = None) -> Proposal:
    """Five classes that are admissible on the source and poor on what the defender's tasks have in common.

    Without any other task the source itself stands for them: of the admissible classes the least good.

    Source: constrained expected improvement after Gardner et al., ICML 2014, on an average of tasks.
    """
    return UnknownSearch(problem, settings or Settings()).run()


class UnknownSearch:
    """One search: buy labels, model them, choose the next, until the source's budget is spent.

    Args:
        problem: classes, budgets, threshold.
        settings: constants.
    """

    def __init__(self, problem: Problem, settings: Settings) -> None:
        self.problem, self.settings = problem, settings
        self.others = tuple(task for task in problem.readable if task != problem.source)
        groups = self._groups()
        self._source = SharedField(groups, problem.remaining(problem.source))
        self._field = SharedField(groups, self._spare())

    def _groups(self) -> Groups:
        groups = feature_groups(self.problem.pool)
        return groups.shuffled(self.problem.rng) if "predictor" in self.problem.ablated else groups

    def run(self) -> Proposal:
        """Spend the budgets, then pick among the classes that were found admissible."""
        self._first_labels()
        outlook = self.outlook()
        while chosen := self._choose(outlook):
            for index in chosen:
                self._look(index)
            outlook = self.outlook()
        return self._propose(outlook)

    def _first_labels(self) -> None:
        budget = self.problem.remaining(self.problem.source)
        few = min(self.settings.start, budget // 4)
        count = int(budget * RANDOM_SHARE) if "acquisition" in self.problem.ablated else few
        for index in self.problem.rng.permutation(self.problem.pool.classes)[: max(count, 1)]:
            self._buy_source(int(index))
            if self._spare():
                self._buy_others(int(index))

    def outlook(self) -> Outlook:
        """What all labels so far say of every class."""
        every = self.settings.retune
        raw, bar = self._labels((self.problem.source,), self._source.rows), np.array([self.problem.threshold])
        scale = Scale.of(raw[:, 0])
        source = self._source.fit(scale(raw), every)
        met = (raw[:, 0] >= bar).astype(np.float64)
        admissible = chance_admissible(source, float(scale(bar)[0]), self._source.rows, met)
        tasks, weights = source, [self.settings.source_weight]
        if self._field.rows:
            tasks = source.beside(self._other_tasks(every))
            weights += [1.0] * len(self.others)
        mean, deviation = tasks.mean, tasks.deviation
        if self.settings.percentiles:
            mean, deviation = percentile_scale(mean, deviation)
        return Outlook(admissible, *average_task(mean, deviation, np.array(weights), admissible))

    def _other_tasks(self, every: int) -> Posterior:
        labels = self._labels(self.others, self._field.rows)
        return self._field.fit(np.stack([Scale.of(column)(column) for column in labels.T], axis=1), every)

    def _labels(self, tasks: tuple[str, ...], rows: list[int]) -> FloatArray:
        columns = [self.problem.labels[task] for task in tasks]
        return np.array([[column[row] for column in columns] for row in rows])

    def _choose(self, outlook: Outlook) -> list[int]:
        """The classes of which a label promises most; none where the source's budget is spent."""
        left = self.problem.remaining(self.problem.source)
        missing = PICKS - len(outlook.verified)
        hurry = missing > 0 and left <= self.settings.haste * missing
        value = outlook.admissible.copy() if hurry else outlook.value(PICKS)
        value[self._source.rows] = -1.0
        order = np.argsort(-value, kind="stable")[: min(1 if hurry else self.settings.batch, left)]
        return [int(index) for index in order if value[index] >= 0]

    def _look(self, index: int) -> None:
        """Buy first what is more plentiful: the others screen a class before the source verifies it, or after."""
        may_ask_others = index not in self._field.rows and self._spare() > 0
        screens = may_ask_others and self._spare() > self.problem.remaining(self.problem.source)
        met = screens or self._buy_source(index) >= self.problem.threshold
        if may_ask_others and met:
            self._buy_others(index)

    def _spare(self) -> int:
        """How many more classes can be labelled on every other task."""
        return min((self.problem.remaining(task) for task in self.others), default=0)

    def _buy_source(self, index: int) -> float:
        value = self.problem.read(self.problem.source, index)
        self._source.add(index)
        return value

    def _buy_others(self, index: int) -> None:
        for task in self.others:
            self.problem.read(task, index)
        self._field.add(index)

    def _propose(self, outlook: Outlook) -> Proposal:
        verified = outlook.verified
        best = verified[np.argsort(outlook.danger[verified], kind="stable")][:PICKS]
        return Proposal(filled(self.problem, best.tolist()), {"admissible_found": float(len(verified))})
