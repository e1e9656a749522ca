"""Locking where the target's labels may be bought: constrained expected improvement over two Gaussian processes.

A few labels are random; every further one follows from those before it. Nothing but labels and label-free features is
used, so that the same labels, seed and threshold give the same picks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from archlock.locking.tabular.acquisition import CERTAIN, Alone, Belief, BoolArray, Exposure
from archlock.locking.tabular.kernels import Groups, feature_groups
from archlock.locking.tabular.problem import PICKS, IntArray, Problem, Proposal
from archlock.locking.tabular.surrogate import Surrogate
from archlock.scores import FloatArray

FIRST_SHARE, FIRST_MOST = 8, 32
"""Random labels to begin with: an eighth of the budget, at most 32."""
RANDOM_SHARE = 0.75
"""Share of random labels where the choice of labels is ablated; the rest verifies."""
REFIT_GROWTH = 1.3
"""Length scales are fitted anew whenever a task's labels have grown by this factor."""
HASTE = 4
"""With fewer source labels left than so many for each missing admissible class, only admissibility counts."""
OPEN_PERCENTILE = 95.0
"""Until five classes are admissible, the incumbent is this percentile of all expected exposures."""


def known(problem: Problem) -> Proposal:
    """Five classes that are admissible and as poor as can be found on the target as they are.

    Raises:
        SealedError: the source or the target may not be read.
    """
    return LabelledSearch(problem, Alone()).run()


@dataclass
class TaskModel:
    """The labels of one task and the surrogate fitted to them."""

    task: str
    surrogate: Surrogate
    due: int = 0
    _belief: Belief | None = None

    def labels(self, problem: Problem) -> tuple[IntArray, FloatArray]:
        """Labelled classes and their raw values, in the order of reading; shape (n,) each."""
        read = problem.labels[self.task]
        return np.fromiter(read.keys(), np.int64, len(read)), np.fromiter(read.values(), np.float64, len(read))

    def refresh(self, problem: Problem) -> None:
        """Fit anew where enough labels have come in since the last fit."""
        count = len(problem.labels[self.task])
        if count >= self.due:
            self.due = max(int(count * REFIT_GROWTH), count + 4)
            self.surrogate.fit(*self.labels(problem), room=self.due - count)
            self._belief = None

    def buy(self, problem: Problem, index: int) -> None:
        """Read one label and update the surrogate."""
        self.surrogate.add(index, problem.read(self.task, index))
        self._belief = None

    def belief(self, problem: Problem) -> Belief:
        """What is known of the task; the same object until a label of it is bought, so that others can go by it."""
        if self._belief is None:
            self._belief = self._believed(problem)
        return self._belief

    def _believed(self, problem: Problem) -> Belief:
        indices, values = self.labels(problem)
        score, deviation = self.surrogate.mean.copy(), self.surrogate.deviation
        read = np.zeros(len(score), dtype=bool)
        score[indices], deviation[indices], read[indices] = self.surrogate.scale(values), CERTAIN, True
        return Belief(score, deviation, read)


@dataclass
class LabelledSearch:
    """Labels of source and target, chosen one after another.

    Attributes:
        problem: classes, budgets, threshold.
        exposure: how poor a class is on the target.
    """

    problem: Problem
    exposure: Exposure
    source: TaskModel = field(init=False)
    target: TaskModel = field(init=False)

    def __post_init__(self) -> None:
        groups = self._groups()
        self.source = TaskModel(self.problem.source, Surrogate(groups))
        self.target = TaskModel(self.problem.target, Surrogate(groups))

    def _groups(self) -> Groups:
        groups = feature_groups(self.problem.pool)
        return groups.shuffled(self.problem.rng) if "predictor" in self.problem.ablated else groups

    def run(self) -> Proposal:
        """Spend the budgets, then propose the five admissible classes of least exposure."""
        self._first_labels()
        while self._step():
            pass
        return self._propose()

    def _first_labels(self) -> None:
        problem = self.problem
        order = problem.rng.permutation(problem.pool.classes)
        for task in (problem.source, problem.target):
            budget = problem.remaining(task)
            few = max(2, min(budget // FIRST_SHARE, FIRST_MOST))
            count = int(budget * RANDOM_SHARE) if "acquisition" in problem.ablated else few
            # A sealed task has no budget; asking it once says so.
            for index in order[: max(1, min(count, budget))]:
                problem.read(task, int(index))

    def _step(self) -> bool:
        """Buy one label; False where none is left that could change the proposal."""
        for model in (self.source, self.target):
            model.refresh(self.problem)
        source, target = self.source.belief(self.problem), self.target.belief(self.problem)
        admissible = self._admissible(source)
        incumbent = self._incumbent(admissible, target)
        open_classes = self._open(source, admissible == 1, target, incumbent)
        if not open_classes.any():
            return False
        gain = admissible * self._gain(source, admissible, target, incumbent)
        index = int(np.argmax(np.where(open_classes, gain, -1.0)))
        self._buy_for(index, source, float(admissible[index]), target, incumbent)
        return True

    def _admissible(self, source: Belief) -> FloatArray:
        """Probability of every class that it is admissible, exactly 0 or 1 where its source label has been read."""
        threshold = float(self.source.surrogate.scale(np.array([self.problem.threshold]))[0])
        chance = np.clip(source.above(threshold), CERTAIN, 1 - CERTAIN)
        indices, values = self.source.labels(self.problem)
        chance[indices] = values >= self.problem.threshold
        return chance

    def _incumbent(self, admissible: FloatArray, target: Belief) -> float:
        """Exposure that a class must beat: the fifth least of those known to be admissible."""
        exposure = self.exposure.estimate(target)
        met = np.sort(exposure[admissible == 1])
        return float(met[PICKS - 1] if len(met) >= PICKS else np.percentile(exposure, OPEN_PERCENTILE))

    def _open(self, source: Belief, met: BoolArray, target: Belief, incumbent: float) -> BoolArray:
        """Classes of which a label can still be bought that matters; shape (classes,)."""
        problem = self.problem
        verifiable = ~source.read if problem.remaining(problem.source) else np.zeros_like(source.read)
        if not problem.remaining(problem.target):
            return verifiable
        for index in np.flatnonzero(met):
            verifiable[index] |= self.exposure.doubt(target, int(index), incumbent) is not None
        return verifiable

    def _gain(self, source: Belief, admissible: FloatArray, target: Belief, incumbent: float) -> FloatArray:
        """Expected improvement; all equal while admissible classes are missing and the budget is nearly spent."""
        missing = PICKS - int((admissible == 1).sum())
        if missing > 0 and self.problem.remaining(self.problem.source) <= HASTE * missing:
            return (~source.read).astype(np.float64)
        return self.exposure.improvement(target, incumbent)

    def _buy_for(self, index: int, source: Belief, admissible: float, target: Belief, incumbent: float) -> None:
        """Buy the label most likely to rule a class out, weighed by what is left of each budget."""
        problem = self.problem
        doubt = self.exposure.doubt(target, index, incumbent)
        source_left, target_left = problem.remaining(problem.source), problem.remaining(problem.target)
        may_ask_source = not source.read[index] and source_left > 0
        if (
            doubt is None
            or not target_left
            or (may_ask_source and (1 - admissible) * source_left >= doubt[1] * target_left)
        ):
            self.source.buy(problem, index)
        else:
            self.target.buy(problem, doubt[0])

    def _propose(self) -> Proposal:
        source, target = self.source.belief(self.problem), self.target.belief(self.problem)
        admissible = self._admissible(source)
        exposure = self.exposure.estimate(target)
        # Classes known to be admissible by exposure; where they are fewer than five, the likeliest ones after them.
        order = np.lexsort((np.where(admissible == 1, exposure, 0.0), -admissible))
        found = int((admissible == 1).sum())
        return Proposal(tuple(map(int, order[:PICKS])), {"admissible_found": float(found)})
