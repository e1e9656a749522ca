"""The process over classes and tasks at once: its algebra, and what tasks gain from each other."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.stats import kendalltau, multivariate_normal, spearmanr

from archlock.errors import UsageError
from archlock.locking.tabular.features import pool_of
from archlock.locking.tabular.joint_surrogate import (
    JointLabels,
    JointParameters,
    Whitened,
    fit_joint,
    joint_mean,
    negative_log_evidence,
)
from archlock.locking.tabular.kernels import grouped, matern32
from archlock.locking.tabular.predictor import (
    contrast_of_scores,
    joint_scores,
    measured_rows,
    predicted_contrast,
    predicted_scores,
)
from archlock.locking.tabular.problem import Pool
from archlock.testing import small_table

COUNT, TASKS = 18, 3


@pytest.fixture
def groups():
    return grouped(list(np.random.default_rng(0).standard_normal((4, COUNT))))


@pytest.fixture
def labels(groups):
    rng = np.random.default_rng(1)
    scores = rng.standard_normal((TASKS, COUNT)) + rng.standard_normal(COUNT)
    rows = rng.integers(1, 4, COUNT).astype(float)
    return JointLabels(scores - scores.mean(axis=1, keepdims=True), rows, groups.squared_distances(np.arange(COUNT)))


@pytest.fixture
def somewhere(labels):
    """Parameters away from the prior."""
    vector = JointParameters.prior(labels).vector()
    return vector + 0.3 * np.random.default_rng(2).standard_normal(len(vector))


def dense(own, labels):
    """The covariance of all labels written out, tasks outermost, and its smooth part."""
    squared = (np.exp(own.weights) @ labels.distances).reshape(COUNT, COUNT)
    smooth = np.kron(own.between, matern32(squared)[0] + 1e-6 * np.eye(COUNT))
    return smooth + np.kron(np.diag(np.exp(own.noise)), np.diag(1 / labels.rows)), smooth


def test_parameters_survive_the_way_through_a_vector(labels, somewhere):
    own = JointParameters.of(somewhere, TASKS)
    assert own.vector() == pytest.approx(somewhere)
    assert np.linalg.eigvalsh(own.between).min() > 0


def test_the_evidence_is_that_of_the_whole_covariance(labels, somewhere):
    def exact(vector):
        covariance, _ = dense(JointParameters.of(vector, TASKS), labels)
        return -multivariate_normal(np.zeros(TASKS * COUNT), covariance).logpdf(labels.scores.ravel())

    def less(vector):
        # The constant, and the share of noise that the numbers of rows decide, are left out.
        return negative_log_evidence(vector, labels)[0]

    prior = JointParameters.prior(labels).vector()
    assert less(somewhere) - less(prior) == pytest.approx(exact(somewhere) - exact(prior), rel=1e-6)


def test_the_gradient_is_the_derivative(labels, somewhere):
    error = check_grad(
        lambda one: negative_log_evidence(one, labels)[0], lambda one: negative_log_evidence(one, labels)[1], somewhere
    )
    assert error < 1e-3


def test_the_answer_is_the_inverse_covariance_times_the_labels(labels, somewhere):
    own = JointParameters.of(somewhere, TASKS)
    kernel = matern32((np.exp(own.weights) @ labels.distances).reshape(COUNT, COUNT))[0]
    white = Whitened.of(own, labels, kernel)
    exact = np.linalg.solve(dense(own, labels)[0], labels.scores.ravel())
    assert (white.solve()[0] / white.unit).ravel() == pytest.approx(exact, rel=1e-6, abs=1e-8)


def test_fitting_makes_the_labels_likelier(labels):
    start = JointParameters.prior(labels).vector()
    fitted = fit_joint(labels).vector()
    assert negative_log_evidence(fitted, labels)[0] < negative_log_evidence(start, labels)[0]


def test_a_class_measured_often_is_followed_more_closely():
    groups = grouped([np.arange(40.0)])
    scores = np.sin(np.arange(40.0) / 4) + 0.3 * np.random.default_rng(3).standard_normal((2, 40))
    scores[:, 20] += 3

    def at_20(rows_of_20):
        rows = np.ones(40)
        rows[20] = rows_of_20
        return joint_mean(groups, np.arange(40), scores, rows)[:, 20]

    assert (at_20(50.0) > at_20(1.0) + 0.2).all()


def noisy_tasks(noise):
    """A table of tasks that agree, each measured with noise: pool, labels of 100 classes, clean values."""
    table = small_table(rows=1200, tasks=4)
    rng, clean = np.random.default_rng(4), np.stack([table.truth[task] for task in table.tasks])
    clean = clean / clean.std(axis=1, keepdims=True) + 2 * clean.mean(axis=0) / clean.mean(axis=0).std()
    measured = clean + noise * clean.std() * rng.standard_normal(clean.shape)
    chosen = rng.permutation(len(table))[:100]
    labels = {
        task: dict(zip(chosen.tolist(), row[chosen].tolist(), strict=True))
        for task, row in zip("abcd", measured, strict=True)
    }
    rest = np.setdiff1d(np.arange(len(table)), chosen)
    return pool_of(table), labels, dict(zip("abcd", clean[:, rest], strict=True)), rest


def test_noisy_tasks_gain_from_each_other():
    pool, labels, clean, rest = noisy_tasks(noise=0.6)
    together = joint_scores(pool, labels)
    gains = [
        kendalltau(together[task][rest], clean[task]).statistic
        - kendalltau(predicted_scores(pool, labels[task])[rest], clean[task]).statistic
        for task in labels
    ]
    assert np.mean(gains) > 0.02


def test_the_contrast_of_joint_scores_points_the_right_way():
    pool, labels, clean, rest = noisy_tasks(noise=0.1)
    scores = joint_scores(pool, labels)
    guess = contrast_of_scores(pool, labels["a"], labels["b"], scores["a"], scores["b"])
    assert guess == pytest.approx(
        -contrast_of_scores(pool, labels["b"], labels["a"], scores["b"], scores["a"]), abs=1e-6
    )
    assert spearmanr(guess[rest], clean["a"] - clean["b"]).statistic > 0.3


def test_rows_of_a_class_are_counted():
    table = small_table()
    assert measured_rows(pool_of(table)).tolist() == np.bincount(table.classes).tolist()
    nowhere = Pool("x", np.zeros((3, 2), dtype=np.int64), {}, ())
    assert measured_rows(nowhere).tolist() == [1, 1, 1]


def test_equal_labels_and_a_single_task_are_no_error():
    pool = pool_of(small_table())
    one = dict(zip(range(30), np.linspace(0, 1, 30).tolist(), strict=True))
    found = joint_scores(pool, {"a": one, "same": dict.fromkeys(range(30), 2.0)})
    assert all(np.isfinite(scores).all() for scores in found.values())
    assert set(joint_scores(pool, {"a": one})) == {"a"}
    assert np.isfinite(predicted_contrast(pool, one, one)).all()


def test_tasks_labelled_elsewhere_are_told():
    pool = pool_of(small_table())
    with pytest.raises(UsageError, match="the same classes on every task"):
        joint_scores(pool, {"a": {0: 1.0, 1: 2.0}, "b": {0: 1.0, 2: 2.0}})
    for labels in ({}, {"a": {}}):
        with pytest.raises(UsageError, match="no label"):
            joint_scores(pool, labels)
