"""What a relation model is worth, measured on architectures and on tasks that it was not fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import rankdata

from archlock.errors import UsageError
from archlock.predictors.evidence import TaskEvidence
from archlock.predictors.metrics import Pairs, Reliability, log_loss, rank_correlation, reliability
from archlock.predictors.panel import PanelRanking
from archlock.predictors.relation import RelationModel
from archlock.scores import FloatArray, Score, ScoreFailed


@dataclass(frozen=True)
class SplitQuality:
    """Quality of one predictor on one kind of held-out pairs.

    Attributes:
        pair_accuracy: share of pairs in the right order, all pairs pooled.
        kendall_tau: mean over held-out groups (one task, one fold).
        calibration_error: expected calibration error of the pair probabilities.
        log_loss: nats per pair; a coin has 0.693.
        pairs: how many pairs.
        reliability: the diagram behind ``calibration_error``.
    """

    pair_accuracy: float
    kendall_tau: float
    calibration_error: float
    log_loss: float
    pairs: int
    reliability: Reliability


@dataclass(frozen=True)
class SplitReport:
    """Ours on one split, beside its baselines; a `ScoreFailed` says why one could not be had.

    Attributes:
        model: the relation model.
        vote: the proxies' vote alone, P(a beats b) = 1/2 + (share of a - share of b) / 2.
        shuffled: the relation model asked with another task's embedding.
    """

    model: SplitQuality | ScoreFailed
    vote: SplitQuality | ScoreFailed
    shuffled: SplitQuality | ScoreFailed


@dataclass(frozen=True)
class PredictorQuality:
    """Cross-validated quality of a relation model.

    Attributes:
        held_out_architectures: labels of a fold of architectures are hidden on every task.
        held_out_tasks: labels of a task are hidden altogether, and so are all labels of the fold it is judged on.
        tasks, architectures: how many were labelled.
        folds: folds of architectures.
    """

    held_out_architectures: SplitReport
    held_out_tasks: SplitReport
    tasks: int
    architectures: int
    folds: int


@dataclass(frozen=True)
class Group:
    """Predictions for the held-out architectures of one task.

    Attributes:
        utility: shape (n,); logits, or shares of votes where ``linear``.
        truth: shape (n,), higher is better.
        linear: whether P(a beats b) is 1/2 + the utilities' difference / 2 rather than its sigmoid.
    """

    utility: FloatArray
    truth: FloatArray
    linear: bool = False

    def winner_probability(self) -> FloatArray:
        """Probability given to the true winner of every pair; shape (pairs,)."""
        pairs = Pairs.of(self.truth)
        gap = self.utility[pairs.winner] - self.utility[pairs.loser]
        return np.asarray(0.5 + gap / 2 if self.linear else expit(gap))


def summarise(groups: Sequence[Group], missing: str) -> SplitQuality | ScoreFailed:
    """Quality over groups; `ScoreFailed` with the reason ``missing`` where no group has two different values."""
    usable = [group for group in groups if len(Pairs.of(group.truth)) > 0]
    if not usable:
        return ScoreFailed(missing)
    probability = np.concatenate([group.winner_probability() for group in usable])
    taus = [rank_correlation(group.utility, group.truth) for group in usable]
    diagram = reliability(probability)
    return SplitQuality(
        pair_accuracy=float(np.mean((probability > 0.5) + 0.5 * (probability == 0.5))),
        kendall_tau=float(np.mean([tau.value if isinstance(tau, Score) else 0.0 for tau in taus])),
        calibration_error=diagram.error,
        log_loss=log_loss(probability),
        pairs=len(probability),
        reliability=diagram,
    )


def evaluate(
    features: FloatArray, evidence: Sequence[TaskEvidence], rng: np.random.Generator, folds: int = 3
) -> PredictorQuality:
    """Cross-validate a relation model on the evidence at hand, by architectures and by tasks.

    Votes cost no label, so those of held-out architectures and tasks stay visible; labels do not. It takes
    ``folds * (1 + tasks)`` fits.

    Args:
        features: shape (n, f).
        evidence: as for `RelationModel.fit`; needs labels of at least two architectures.
        rng: deals the architectures into folds.
        folds: of architectures; at most as many as leave two in each.

    Raises:
        UsageError: fewer than two folds, or fewer than four labelled architectures.
    """
    labels = [item for item in evidence if item.kind == "label"]
    votes = [item for item in evidence if item.kind == "vote"]
    rows = np.unique(np.concatenate([np.empty(0, np.int64), *(item.indices for item in labels)]))
    if folds < 2 or len(rows) < 4:
        raise UsageError(f"evaluate: needs two folds and four labelled architectures, not {folds} and {len(rows)}")
    folds = min(folds, len(rows) // 2)
    fold = np.zeros(len(features), np.int64)
    fold[rows] = rng.permutation(len(rows)) % folds
    tasks = np.unique(np.stack([item.embedding for item in labels]), axis=0)
    splits = [(_keep(labels, fold != k), _keep(labels, fold == k)) for k in range(folds)]
    task_splits = [
        ([item for item in seen if not np.array_equal(item.embedding, task)],
         [item for item in held if np.array_equal(item.embedding, task)])
        for seen, held in splits
        for task in tasks
    ]  # fmt: skip
    return PredictorQuality(
        _report(features, splits, votes),
        _report(features, task_splits if len(tasks) > 1 else [], votes),
        tasks=len(tasks),
        architectures=len(rows),
        folds=folds,
    )


def evaluate_voter(model: PanelRanking, features: FloatArray, evidence: Sequence[TaskEvidence]) -> SplitReport:
    """Judge a model that learnt from votes alone on every label there is, beside the vote itself.

    Args:
        model: its utilities are shares of wins.
        features: shape (n, f).
        evidence: votes and labels of any tasks.
    """
    labels = [item for item in evidence if item.kind == "label"]
    votes = [item for item in evidence if item.kind == "vote"]
    groups = [
        Group(model.score(features[item.indices], item.embedding)[0], item.values, linear=True) for item in labels
    ]
    return SplitReport(
        summarise(groups, "no two labels of a task differ"),
        summarise([group for item in labels for group in _vote_group(item, votes)], "no votes on labelled ones"),
        ScoreFailed("it was not asked with another task's embedding"),
    )


def _keep(labels: Sequence[TaskEvidence], wanted: NDArray[np.bool_]) -> list[TaskEvidence]:
    """Evidence reduced to wanted rows of the feature matrix."""
    return [item.take(np.flatnonzero(wanted[item.indices])) for item in labels]


Splits = Sequence[tuple[Sequence[TaskEvidence], Sequence[TaskEvidence]]]


def _report(features: FloatArray, splits: Splits, votes: Sequence[TaskEvidence]) -> SplitReport:
    """Fit on the first of each split, predict the second, and gather model and baselines."""
    ours: list[Group] = []
    voted: list[Group] = []
    shuffled: list[Group] = []
    for seen, held in splits:
        model = RelationModel.fit(features, [*seen, *votes])
        known = np.unique(np.stack([item.embedding for item in seen]), axis=0)
        for item in held:
            ours.append(Group(model.score(features[item.indices], item.embedding)[0], item.values))
            other = _another(item.embedding, known)
            if other is not None:
                shuffled.append(Group(model.score(features[item.indices], other)[0], item.values))
            voted.extend(_vote_group(item, votes))
    return SplitReport(
        summarise(ours, "no two held-out values of a task differ" if splits else "no other labelled task"),
        summarise(voted, "no votes on the held-out architectures"),
        summarise(shuffled, "no other labelled task"),
    )


def _another(embedding: FloatArray, known: FloatArray) -> FloatArray | None:
    """The known task that comes after this one in order, so that each stands in for another once."""
    order = [row for row in known if tuple(row) > tuple(embedding)] + [
        row for row in known if tuple(row) < tuple(embedding)
    ]
    return order[0] if order else None


def _vote_group(item: TaskEvidence, votes: Sequence[TaskEvidence]) -> list[Group]:
    """The vote's predictions of held-out labels, where the same architectures were voted on for that task."""
    for vote in votes:
        if np.array_equal(vote.embedding, item.embedding):
            values = vote.values
            if values.min() < 0 or values.max() > 1:  # not shares: only their order can be used
                values = (rankdata(values) - 1) / max(len(values) - 1, 1)
            share = dict(zip(vote.indices.tolist(), values.tolist(), strict=True))
            shared = np.array([row in share for row in item.indices.tolist()], dtype=bool)
            utility = np.array([share[row] for row in item.indices[shared].tolist()])
            return [Group(utility, item.values[shared], linear=True)]
    return []
