"""Lock against a target that nobody may look at, with labels of the source and of other tasks that the defender owns.

The sealed target is taken for one more draw from the tasks that can be labelled. So five admissible classes are sought
that are poor on their average, by constrained expected improvement. Every task has a budget of its own: what is more
plentiful than the source's labels is bought first, and what it rules out costs nothing of the source.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from archlock.locking.tabular.edits import Edits
from archlock.locking.tabular.kernels import Groups, feature_groups
from archlock.locking.tabular.problem import PICKS, Problem, Proposal
from archlock.locking.tabular.random_picks import filled
from archlock.locking.tabular.surrogate import Scale
from archlock.locking.tabular.unknown_belief import (
    Outlook,
    average_task,
    chance_admissible,
    highest_by_task,
    percentile_scale,
)
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


def robust_unknown(problem: Problem, settings: Settings | None = None) -> Proposal:
    """Five admissible classes that are poor on what the tasks have in common, even at the best that one edit makes.

    As `unknown`, with a class as dangerous on a task as the expected maximum of itself and its neighbours there.
    """
    return UnknownSearch(problem, settings or Settings(), Edits(problem.pool.neighbours)).run()


@dataclass(frozen=True)
class Panel:
    """Tasks with equal budgets, which are labelled at the same classes.

    Attributes:
        tasks: their names.
        field: the model that they share.
        ahead: how many times the source's budget theirs is, rounded down.
    """

    tasks: tuple[str, ...]
    field: SharedField
    ahead: int


class UnknownSearch:
    """One search: buy labels, model them, choose the next, until the source's budget is spent.

    Args:
        problem: classes, budgets, threshold.
        settings: constants.
        edits: a class is as dangerous as what they make of it; None for the class as it is.
    """

    def __init__(self, problem: Problem, settings: Settings, edits: Edits | None = None) -> None:
        self.problem, self.settings, self._edits = problem, settings, edits
        groups = self._groups()
        by_budget: dict[int, list[str]] = {}
        for task in problem.readable:
            if task != problem.source:
                by_budget.setdefault(problem.remaining(task), []).append(task)
        self._source = self._panel(groups, [problem.source])
        self._panels = tuple(self._panel(groups, tasks) for tasks in by_budget.values())

    def _panel(self, groups: Groups, tasks: list[str]) -> Panel:
        budget, source = self.problem.remaining(tasks[0]), self.problem.remaining(self.problem.source)
        field = SharedField(groups, min(budget, self.problem.pool.classes))
        return Panel(tuple(tasks), field, budget // max(source, 1))

    def _groups(self) -> Groups:
        groups = feature_groups(self.problem.pool)
        return groups.shuffled(self.problem.rng) if "predictor" in self.problem.ablated else groups

    def run(self) -> Proposal:
        """Spend the budgets, then pick among the classes that were found admissible."""
        self._first_labels()
        outlook = self.outlook()
        while chosen := self._choose(self._screened(outlook)):
            for index in chosen:
                self._look(index)
            outlook = self.outlook()
        return self._propose(outlook)

    def _first_labels(self) -> None:
        """Random classes, the same for all tasks as far as their budgets go."""
        order = self.problem.rng.permutation(self.problem.pool.classes)
        panels = (self._source, *self._panels)
        counts = [self._first_share(self._left(panel)) for panel in panels]
        for place, index in enumerate(order[: max(counts)]):
            for panel, count in zip(panels, counts, strict=True):
                if place < count:
                    self._buy(panel, int(index))

    def _first_share(self, budget: int) -> int:
        if "acquisition" in self.problem.ablated:
            return max(int(budget * RANDOM_SHARE), 1)
        return max(min(self.settings.start, budget // 4), 1)

    def outlook(self) -> Outlook:
        """What all labels so far say of every class."""
        rows, every = self._source.field.rows, self.settings.retune
        raw, bar = self._labels(self._source), np.array([self.problem.threshold])
        scale = Scale.of(raw[:, 0])
        source = self._source.field.fit(scale(raw), every)
        met = (raw[:, 0] >= bar).astype(np.float64)
        admissible = chance_admissible(source, float(scale(bar)[0]), rows, met)
        tasks, weights = source, [self.settings.source_weight]
        for panel in self._panels:
            tasks = tasks.beside(self._fitted(panel, every))
            weights += [1.0] * len(panel.tasks)
        mean, deviation = tasks.mean, tasks.deviation
        if self._edits is not None:
            # In scores, since near the top percentiles of neighbours are too close for the levels of a maximum.
            mean, deviation = highest_by_task(self._edits, mean, deviation)
        if self.settings.percentiles:
            mean, deviation = percentile_scale(mean, deviation, tasks.mean)
        return Outlook(admissible, *average_task(mean, deviation, np.array(weights), admissible))

    def _fitted(self, panel: Panel, every: int) -> Posterior:
        labels = self._labels(panel)
        return panel.field.fit(np.stack([Scale.of(column)(column) for column in labels.T], axis=1), every)

    def _labels(self, panel: Panel) -> FloatArray:
        """Raw values in the order of buying; shape (rows, tasks)."""
        columns = [self.problem.labels[task] for task in panel.tasks]
        return np.array([[column[row] for column in columns] for row in panel.field.rows])

    def _screened(self, outlook: Outlook) -> Outlook:
        """The outlook after tasks with k times the source's budget were asked about the k most promising batches."""
        looked = False
        for panel in self._panels:
            count = self.settings.batch * panel.ahead if panel.ahead > 1 else 0
            for index in self._promising(outlook.value(PICKS), count):
                if self._left(panel) and index not in panel.field.rows:
                    self._buy(panel, index)
                    looked = True
        return self.outlook() if looked else outlook

    def _choose(self, outlook: Outlook) -> list[int]:
        """The classes of which a label promises most; none where the source's budget is spent."""
        left = self._left(self._source)
        missing = PICKS - len(outlook.verified)
        hurry = missing > 0 and left <= self.settings.haste * missing
        value = outlook.admissible if hurry else outlook.value(PICKS)
        return self._promising(value, min(1 if hurry else self.settings.batch, left))

    def _promising(self, value: FloatArray, count: int) -> list[int]:
        """The classes of greatest value, greatest first, of which no source label was read."""
        value = value.copy()
        value[self._source.field.rows] = -1.0
        order = np.argsort(-value, kind="stable")[:count]
        return [int(index) for index in order if value[index] >= 0]

    def _look(self, index: int) -> None:
        """Buy first what is more plentiful: other tasks screen a class before the source verifies it, or after."""
        useful = [panel for panel in self._panels if self._left(panel) and index not in panel.field.rows]
        screens = [panel for panel in useful if self._left(panel) > self._left(self._source)]
        if not screens:
            met = self._buy(self._source, index)[0] >= self.problem.threshold
            screens = useful if met else []
        for panel in screens:
            self._buy(panel, index)

    def _left(self, panel: Panel) -> int:
        """How many more classes can be labelled on every task of a panel."""
        return self.problem.remaining(panel.tasks[0])

    def _buy(self, panel: Panel, index: int) -> list[float]:
        """The labels of a class on all tasks of a panel."""
        values = [self.problem.read(task, index) for task in panel.tasks]
        panel.field.add(index)
        return values

    def _propose(self, outlook: Outlook) -> Proposal:
        verified = outlook.verified
        best = verified[np.argsort(outlook.danger[verified], kind="stable")][:PICKS]
        return Proposal(filled(self.problem, best.tolist()), {"admissible_found": float(len(verified))})
