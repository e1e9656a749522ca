"""Lock against a target that nobody may look at, with labels of the source and of other tasks that the defender owns.

The sealed target is taken for one more draw from the tasks that can be labelled. So five admissible classes are sought
that close most of the gap on the average of the others, each in units of its own spread among admissible classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

from archlock.locking.tabular.problem import PICKS, Problem, Proposal
from archlock.locking.tabular.random_picks import filled
from archlock.locking.tabular.unknown_field import Posterior, SharedField, coordinates
from archlock.scores import FloatArray


@dataclass(frozen=True)
class Settings:
    """Constants of the method, chosen on ``transnas_macro``.

    Attributes:
        start: random classes labelled on every task before anything is modelled.
        batch: classes chosen from one state of the model.
        retune: labels after which length scale and noise are estimated again.
        source_weight: weight of the source among the tasks that are averaged.
        caution: power of the probability of being admissible in the choice of what to label.
        ranks: measure the others in estimated percentiles rather than in normal scores of the labels.
    """

    start: int = 24
    batch: int = 4
    retune: int = 16
    source_weight: float = 0.5
    caution: float = 1.0
    ranks: bool = True


@dataclass(frozen=True)
class Belief:
    """What is believed of every class, shape (classes,) each.

    Attributes:
        admissible: probability that the source label meets the threshold; 0 or 1 where it was read.
        danger: expected transfer score, lower is the better lock.
        deviation: its standard deviation.
    """

    admissible: FloatArray
    danger: FloatArray
    deviation: FloatArray


class UnknownSearch:
    """One search: buy, model, choose, until the budgets are spent."""

    def __init__(self, problem: Problem, settings: Settings) -> None:
        self.problem, self.settings = problem, settings
        self.others = tuple(task for task in problem.readable if task != problem.source)
        points = coordinates(problem.pool)
        self._source, self._field = SharedField(points), SharedField(points)
        self._tuned = [0, 0]

    def run(self) -> Proposal:
        """Spend the budgets, then pick among the classes that were found admissible."""
        source = self.problem.source
        start = min(self.settings.start, self.problem.remaining(source), self._spare())
        for index in self.problem.rng.permutation(self.problem.pool.classes)[:start]:
            self._buy_source(int(index))
            self._buy_others(int(index))
        belief = self.believe()
        while self.problem.remaining(source) and (chosen := self._choose(belief)):
            for index in chosen:
                self._look(index)
            belief = self.believe()
        return self._propose(belief)

    def believe(self) -> Belief:
        """Fit both models to all labels so far."""
        raw = self._labels((self.problem.source,), self._source.rows)
        scores, bar = normal_scores(raw[:, 0], self.problem.threshold)
        source = self._fit(self._source, scores[:, None], 0)
        spread = np.hypot(source.deviation[:, 0], source.noise[0])
        admissible = norm.cdf((source.mean[:, 0] - bar) / spread)
        admissible[self._source.rows] = raw[:, 0] >= self.problem.threshold
        parts, weights = [source], [self.settings.source_weight]
        if self.others and self._field.rows:
            labels = self._labels(self.others, self._field.rows)
            scores = np.stack([normal_scores(column)[0] for column in labels.T], axis=1)
            parts.append(self._fit(self._field, scores, 1))
            weights += [1.0] * len(self.others)
        mean, deviation = np.hstack([p.mean for p in parts]), np.hstack([p.deviation for p in parts])
        if self.settings.ranks:
            mean, deviation = percentile_scale(mean, deviation)
        return Belief(admissible, *averaged(mean, deviation, np.array(weights), admissible))

    def _fit(self, field: SharedField, labels: FloatArray, which: int) -> Posterior:
        if len(field.rows) >= self._tuned[which] + self.settings.retune or not self._tuned[which]:
            field.tune(labels)
            self._tuned[which] = len(field.rows)
        return field.posterior(labels)

    def _labels(self, tasks: tuple[str, ...], rows: list[int]) -> FloatArray:
        return np.array([[self.problem.labels[task][row] for task in tasks] for row in rows])

    def _choose(self, belief: Belief) -> list[int]:
        """The classes whose next label promises most: likely admissible, and likely better than the fifth best found."""
        verified = [row for row in self._source.rows if belief.admissible[row] == 1]
        value = belief.admissible**self.settings.caution
        if verified:
            danger = np.sort(belief.danger[verified])
            value = value * expected_improvement(danger[min(PICKS, len(danger)) - 1], belief.danger, belief.deviation)
        value[self._source.rows] = -1.0
        order = np.argsort(-value, kind="stable")[: min(self.settings.batch, self.problem.remaining(self.problem.source))]
        return [int(index) for index in order if value[index] >= 0]

    def _look(self, index: int) -> None:
        """Buy first what is more plentiful: others screen a class before the source verifies it, or after."""
        seen = index in set(self._field.rows)
        if not seen and self._spare() > self.problem.remaining(self.problem.source):
            self._buy_others(index)
        elif self._buy_source(index) >= self.problem.threshold and not seen and self._spare():
            self._buy_others(index)

    def _spare(self) -> int:
        """How many more classes can be labelled on every other task."""
        return min((self.problem.remaining(task) for task in self.others), default=0)

    def _buy_source(self, index: int) -> float:
        value = self.problem.read(self.problem.source, index)
        self._source.add([index])
        return value

    def _buy_others(self, index: int) -> None:
        for task in self.others:
            self.problem.read(task, index)
        if self.others:
            self._field.add([index])

    def _propose(self, belief: Belief) -> Proposal:
        verified = [row for row in self._source.rows if belief.admissible[row] == 1]
        best = sorted(verified, key=lambda row: (belief.danger[row], row))[:PICKS]
        return Proposal(filled(self.problem, best), {"admissible classes found": float(len(verified))})


def lock_unknown(problem: Problem, settings: Settings | None = None) -> Proposal:
    """Five classes that are admissible on the source and poor on what the defender's other tasks have in common.

    Source: constrained expected improvement after Gardner et al., ICML 2014, on an average of tasks.
    """
    return UnknownSearch(problem, settings or Settings()).run()


def normal_scores(values: FloatArray, bar: float | None = None) -> tuple[FloatArray, float]:
    """Normal scores of values by rank, and where a raw bar falls among them; shape (n,)."""
    scores = norm.ppf((rankdata(values) - 0.5) / len(values))
    order = np.argsort(values, kind="stable")
    if bar is None or bar <= values[order[0]]:
        return scores, float(scores.min())
    if bar > values[order[-1]]:
        return scores, float(scores.max()) + 0.5
    return scores, float(np.interp(bar, values[order], scores[order]))


def percentile_scale(mean: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Beliefs in estimated percentiles of the pool, 0 to 100, in place of normal scores; shape (classes, tasks) each."""
    grid = np.linspace(0, 100, len(mean))
    moved = [np.zeros_like(mean) for _ in range(3)]
    for task in range(mean.shape[1]):
        ordered = np.sort(mean[:, task])
        for out, step in zip(moved, (0.0, 1.0, -1.0), strict=True):
            out[:, task] = np.interp(mean[:, task] + step * deviation[:, task], ordered, grid)
    return moved[0], np.maximum(moved[1] - moved[2], 1e-3) / 2


def averaged(
    mean: FloatArray, deviation: FloatArray, weights: FloatArray, admissible: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Weighted average over tasks, each in units of its spread among probably admissible classes; shape (classes,)."""
    share = admissible / admissible.sum() if admissible.sum() > 0 else np.full(len(mean), 1 / len(mean))
    centre = share @ mean
    spread = np.sqrt(share @ (mean - centre) ** 2) + 1e-9
    part = weights / weights.sum()
    return ((mean - centre) / spread) @ part, np.sqrt((deviation / spread) ** 2 @ part**2)


def expected_improvement(best: float, mean: FloatArray, deviation: FloatArray) -> FloatArray:
    """How far below ``best`` a class is expected to fall, rises counted as zero; shape (classes,)."""
    z = (best - mean) / deviation
    return np.asarray(deviation * (z * norm.cdf(z) + norm.pdf(z)), dtype=np.float64)
