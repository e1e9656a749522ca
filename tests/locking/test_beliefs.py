"""Beliefs of the tabular methods against textbook formulas and against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.locking.tabular.acquisition import CERTAIN, Alone, Belief
from archlock.locking.tabular.edits import LEVELS, Edits
from archlock.locking.tabular.features import pool_of
from archlock.locking.tabular.kernels import feature_groups, matern32, squared_distances
from archlock.locking.tabular.robust import INDEPENDENT, Neighbourhood
from archlock.locking.tabular.surrogate import Scale
from archlock.locking.tabular.unknown_belief import Outlook, average_task, chance_admissible, highest_by_task
from archlock.locking.tabular.unknown_field import Posterior, SharedField
from archlock.testing import small_table

SEEDS = st.integers(0, 2**32 - 1)
GROUPS = feature_groups(pool_of(small_table(rows=150)))
CLASSES = len(GROUPS.features)


def labelled(seed, count=25, tasks=2):
    rng = np.random.default_rng(seed)
    field, rows = SharedField(GROUPS, count), rng.permutation(CLASSES)[:count].tolist()
    for row in rows:
        field.add(row)
    weights = rng.standard_normal((GROUPS.features.shape[1], tasks))
    values = GROUPS.features @ weights + 0.1 * rng.standard_normal((CLASSES, tasks))
    return field, rows, values[rows]


@settings(max_examples=15)
@given(SEEDS)
def test_a_field_is_the_gaussian_process_of_the_textbook(seed):
    """Rasmussen and Williams, eq. 2.25 and 2.26, with the mean of the labels as prior and their own scale."""
    field, rows, labels = labelled(seed)
    posterior = field.fit(labels, every=1000)
    points = GROUPS.features / np.sqrt(GROUPS.count)
    kernel = matern32(squared_distances(points, points) / field._length**2)[0]
    inner = kernel[np.ix_(rows, rows)] + field._noise * np.eye(len(rows))
    cross, centred = kernel[:, rows], labels - labels.mean(axis=0)
    np.testing.assert_allclose(
        posterior.mean, labels.mean(axis=0) + cross @ np.linalg.solve(inner, centred), rtol=1e-6, atol=1e-6
    )
    scale = (centred * np.linalg.solve(inner, centred)).mean(axis=0)
    left = 1 - np.einsum("cn,cn->c", cross, np.linalg.solve(inner, cross.T).T)
    np.testing.assert_allclose(posterior.deviation**2, np.maximum(left, 1e-9)[:, None] * scale, rtol=1e-4, atol=1e-8)
    np.testing.assert_allclose(posterior.noise**2, field._noise * scale, rtol=1e-6)


@settings(max_examples=15)
@given(SEEDS, st.floats(0.2, 5), st.floats(-3, 3))
def test_a_field_does_not_depend_on_units(seed, scale, shift):
    field, _, labels = labelled(seed)
    other, _, _ = labelled(seed)
    plain, moved = field.fit(labels, 1000), other.fit(scale * labels + shift, 1000)
    np.testing.assert_allclose(moved.mean, scale * plain.mean + shift, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(moved.deviation, scale * plain.deviation, rtol=1e-6)


@settings(max_examples=10)
@given(SEEDS)
def test_tasks_of_a_field_share_nothing_but_its_smoothness(seed):
    field, rows, labels = labelled(seed)
    both = field.fit(labels, 1000)
    alone = SharedField(GROUPS, len(rows))
    for row in rows:
        alone.add(row)
    alone._length, alone._noise, alone._due = field._length, field._noise, 1000
    alone._refactor()
    np.testing.assert_allclose(alone.fit(labels[:, :1], 1000).mean[:, 0], both.mean[:, 0], rtol=1e-6, atol=1e-8)


@given(SEEDS)
def test_posteriors_beside_each_other_keep_their_tasks(seed):
    rng = np.random.default_rng(seed)
    first, second = (
        Posterior(rng.standard_normal((9, tasks)), rng.random((9, tasks)), rng.random(tasks)) for tasks in (2, 3)
    )
    both = first.beside(second)
    assert both.mean.shape == both.deviation.shape == (9, 5)
    assert (both.mean[:, 2:] == second.mean).all()
    assert both.noise.tolist() == [*first.noise, *second.noise]


@settings(max_examples=10)
@given(SEEDS, st.floats(-1.5, 1.5))
def test_the_chance_of_being_admissible_counts_both_doubts(seed, threshold):
    rng = np.random.default_rng(seed)
    mean, deviation, noise = rng.standard_normal(6), rng.uniform(0.1, 1, 6), rng.uniform(0.1, 1)
    posterior = Posterior(mean[:, None], deviation[:, None], np.array([noise]))
    chance = chance_admissible(posterior, threshold, [2], np.array([0.0]))
    drawn = mean + deviation * rng.standard_normal((40000, 6)) + noise * rng.standard_normal((40000, 6))
    simulated = (drawn >= threshold).mean(axis=0)
    assert chance[2] == 0
    np.testing.assert_allclose(np.delete(chance, 2), np.delete(simulated, 2), atol=0.02)


@given(SEEDS, st.floats(0.1, 9))
def test_weights_of_tasks_count_by_their_ratio(seed, factor):
    rng = np.random.default_rng(seed)
    mean, deviation, admissible = rng.standard_normal((20, 3)), rng.random((20, 3)), rng.random(20)
    weights = rng.uniform(0.1, 1, 3)
    plain = average_task(mean, deviation, weights, admissible)
    np.testing.assert_allclose(average_task(mean, deviation, factor * weights, admissible), plain, rtol=1e-9)
    one = average_task(mean, deviation, np.array([0.0, 1.0, 0.0]), admissible)
    assert np.argsort(one[0]).tolist() == np.argsort(mean[:, 1]).tolist()


@given(SEEDS)
def test_a_class_that_cannot_be_admissible_is_worth_nothing(seed):
    rng = np.random.default_rng(seed)
    admissible = np.concatenate([np.zeros(3), np.ones(6), rng.uniform(0.1, 0.9, 5)])
    outlook = Outlook(admissible, rng.standard_normal(14), rng.uniform(0.1, 1, 14))
    value = outlook.value(5)
    assert (value[:3] == 0).all()
    assert (value[3:] > 0).all()
    assert outlook.verified.tolist() == list(range(3, 9))
    # The fewer that count, the lower the bar to beat, and the less a class can gain.
    assert (outlook.value(1) <= outlook.value(5) + 1e-12).all()


def belief_of(seed, classes=12):
    rng = np.random.default_rng(seed)
    read = rng.random(classes) < 0.3
    deviation = np.where(read, CERTAIN, rng.uniform(0.2, 0.8, classes))
    return rng, Belief(rng.standard_normal(classes), deviation, read)


@settings(max_examples=10)
@given(SEEDS)
def test_the_exposure_of_a_neighbourhood_is_the_mean_of_its_greatest(seed):
    rng, belief = belief_of(seed)
    near = tuple(np.sort(rng.permutation(np.delete(np.arange(12), one))[: rng.integers(0, 5)]) for one in range(12))
    spread = np.where(belief.read, belief.deviation, INDEPENDENT * belief.deviation)
    drawn = belief.score + spread * rng.standard_normal((20000, 12))
    greatest = np.stack([drawn[:, [one, *others]].max(axis=1) for one, others in enumerate(near)], axis=1)
    exposure = Neighbourhood(near)
    step = (belief.score.max() - belief.score.min() + 1) / (LEVELS - 1)
    np.testing.assert_allclose(exposure.estimate(belief), greatest.mean(axis=0), atol=step)
    incumbent = float(np.median(belief.score))
    gained = np.maximum(incumbent - greatest, 0).mean(axis=0)
    np.testing.assert_allclose(exposure.improvement(belief, incumbent), gained, atol=step)


def neighbourhoods(rng, classes=12):
    """Up to four neighbours of every class."""
    others = [rng.permutation(np.delete(np.arange(classes), one)) for one in range(classes)]
    return tuple(np.sort(them[: rng.integers(0, 5)]) for them in others)


@settings(max_examples=10)
@given(SEEDS)
def test_the_highest_of_independent_members_is_as_simulated(seed):
    rng = np.random.default_rng(seed)
    near, score, deviation = neighbourhoods(rng), rng.standard_normal(12), rng.uniform(0.4, 0.8, 12)
    drawn = score + deviation * rng.standard_normal((40000, 12))
    greatest = np.stack([drawn[:, [one, *others]].max(axis=1) for one, others in enumerate(near)], axis=1)
    mean, spread = Edits(near).highest(score, deviation)
    np.testing.assert_allclose(mean, greatest.mean(axis=0), atol=0.03)
    np.testing.assert_allclose(spread, greatest.std(axis=0), atol=0.03)


@settings(max_examples=10)
@given(SEEDS, st.floats(0.1, 50), st.floats(-90, 90))
def test_the_highest_does_not_depend_on_units_and_each_task_has_its_own(seed, scale, shift):
    rng = np.random.default_rng(seed)
    edits, mean, deviation = Edits(neighbourhoods(rng)), rng.standard_normal((12, 2)), rng.uniform(0.2, 0.8, (12, 2))
    both = highest_by_task(edits, mean, deviation)
    moved = edits.highest(scale * mean[:, 1] + shift, scale * deviation[:, 1])
    np.testing.assert_allclose(moved[0], scale * both[0][:, 1] + shift, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(moved[1], scale * both[1][:, 1], rtol=1e-3, atol=2e-3)
    np.testing.assert_array_equal(both[0][:, 0], edits.highest(mean[:, 0], deviation[:, 0])[0])


@given(SEEDS, st.floats(-1, 1))
def test_a_class_without_neighbours_doubts_its_own_label_alone(seed, incumbent):
    _, belief = belief_of(seed)
    alone, lonely = Alone(), Neighbourhood((np.array([], dtype=np.int64),) * 12)
    for one in range(12):
        first, second = alone.doubt(belief, one, incumbent), lonely.doubt(belief, one, incumbent)
        assert (first is None) == (second is None) == belief.read[one]
        if first is not None and second is not None:
            assert first[0] == second[0] == one
            assert first[1] == pytest.approx(second[1])


@given(SEEDS, st.floats(-1, 1))
def test_the_chance_of_lying_above_falls_with_the_threshold(seed, threshold):
    _, belief = belief_of(seed)
    low, high = belief.above(threshold), belief.above(threshold + 0.5)
    assert (high <= low).all()
    assert ((low >= 0) & (low <= 1)).all()
    assert set(low[belief.read]) <= {0.0, 1.0}
    assert (low[belief.read] == (belief.score[belief.read] >= threshold)).all()


@given(st.lists(st.integers(-500, 500), min_size=2, max_size=40, unique=True), st.floats(0.01, 100), st.floats(-50, 50))
def test_a_scale_follows_its_labels_into_other_units(values, factor, shift):
    labels = np.array(values, dtype=float)
    plain, moved = Scale.of(labels), Scale.of(factor * labels + shift)
    asked = np.concatenate([labels, [labels.min() - 1, labels.mean(), labels.max() + 1]])
    np.testing.assert_allclose(plain(asked), moved(factor * asked + shift), rtol=1e-3, atol=1e-3)
