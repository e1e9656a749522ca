from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad
from scipy.stats import kendalltau

from archlock.errors import UsageError
from archlock.locking.tabular.cell_features import cell_graph
from archlock.locking.tabular.cell_traits import cell_traits, live_one_hot
from archlock.locking.tabular.features import one_hot
from archlock.locking.tabular.kernels import feature_groups, grouped, matern32, squared_distances
from archlock.locking.tabular.predictor import predicted_contrast, predicted_scores
from archlock.locking.tabular.problem import Pool
from archlock.locking.tabular.surrogate import Hyperparameters, Scale, Surrogate, negative_log_evidence

CELLS = np.stack(np.meshgrid(*[np.arange(4)] * 6, indexing="ij"), axis=-1).reshape(-1, 6)[::7]


def cell_pool(operations=CELLS):
    features = {"one_hot_mean": one_hot(operations)}
    return Pool("transnas_micro", operations, features, tuple(np.array([], dtype=np.int64) for _ in operations))


def surface(operations, rng, noise=0.05):
    """A made-up task: deep and well connected cells are good, up to noise."""
    graph = cell_graph(operations)
    return graph[:, 0] * 0.5 + graph[:, 1] + 0.3 * graph[:, 2] + noise * rng.standard_normal(len(operations))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40))
def test_a_scale_keeps_the_order_within_and_beyond_its_labels(values):
    scale = Scale.of(np.array(values))
    span = max(values) - min(values) + 1
    points = np.sort(np.array([*values, min(values) - span, max(values) + span]))
    scores = scale(points)
    assert np.isfinite(scores).all()
    assert (np.diff(scores)[np.diff(points) > 0] >= 0).all()
    assert scores[0] < scores[-1]


def test_a_scale_makes_tails_light_and_scores_normal():
    values = -np.exp(3 * np.random.default_rng(0).standard_normal(500))
    scores = Scale.of(values)(values)
    assert abs(scores.mean()) < 0.01
    assert abs(scores.std() - 1) < 0.05


def test_the_gradient_of_the_evidence_is_its_derivative():
    rng = np.random.default_rng(1)
    groups = grouped(list(rng.standard_normal((3, 20))))
    distances, scores = groups.squared_distances(np.arange(20)), rng.standard_normal(20)
    vector = Hyperparameters.prior(groups.count).vector() + 0.3 * rng.standard_normal(groups.count + 2)
    error = check_grad(
        lambda one: negative_log_evidence(one, scores, distances)[0],
        lambda one: negative_log_evidence(one, scores, distances)[1],
        vector,
    )
    assert error < 1e-4


def test_random_classes_are_at_squared_distance_one_in_every_group():
    groups = feature_groups(cell_pool())
    for group in range(groups.count):
        block = groups.features[:, groups.group == group]
        assert squared_distances(block, block).mean() == pytest.approx(1.0, rel=1e-6)


def test_constant_features_make_no_group():
    assert grouped([np.ones(5), np.arange(5.0)]).count == 1


def test_the_kernel_falls_from_one_and_its_slope_is_its_derivative():
    squared = np.linspace(0.1, 4, 50)
    kernel, slope = matern32(squared)
    assert matern32(np.zeros(1))[0][0] == 1
    assert (np.diff(kernel) < 0).all()
    assert slope == pytest.approx((matern32(squared + 1e-6)[0] - kernel) / 1e-6, abs=1e-4)


def test_adding_labels_one_by_one_equals_conditioning_on_all_at_once():
    rng = np.random.default_rng(2)
    values, groups = surface(CELLS, rng), feature_groups(cell_pool())
    labelled = rng.permutation(len(CELLS))[:40]
    grown, whole = Surrogate(groups), Surrogate(groups)
    grown.fit(labelled[:20], values[labelled[:20]])
    for index in labelled[20:]:
        grown.add(int(index), float(values[index]))
    whole.scale, whole.hyperparameters = grown.scale, grown.hyperparameters
    first = grown.scale(values[labelled[:20]])
    whole._condition(labelled, grown.scale(values[labelled]), float(first.mean()), 0)
    assert grown.mean == pytest.approx(whole.mean, abs=1e-6)
    assert grown.variance == pytest.approx(whole.variance, abs=1e-6)


def test_labels_make_their_neighbourhood_certain():
    rng = np.random.default_rng(3)
    values, surrogate = surface(CELLS, rng), Surrogate(feature_groups(cell_pool()))
    labelled = rng.permutation(len(CELLS))[:60]
    surrogate.fit(labelled, values[labelled])
    others = np.setdiff1d(np.arange(len(CELLS)), labelled)
    assert surrogate.variance[labelled].mean() < 0.5 * surrogate.variance[others].mean()


def test_one_label_and_equal_labels_are_no_error():
    surrogate = Surrogate(feature_groups(cell_pool()))
    surrogate.fit(np.array([3]), np.array([2.0]))
    assert np.isfinite(surrogate.mean).all()
    surrogate.fit(np.arange(6), np.full(6, 2.0))
    surrogate.add(9, 2.5)
    assert np.isfinite(surrogate.mean).all()


def test_a_hundred_labels_rank_the_cells_that_were_not_labelled():
    rng = np.random.default_rng(4)
    values = surface(CELLS, rng, noise=0.2)
    labelled = rng.permutation(len(CELLS))[:100]
    predicted = predicted_scores(cell_pool(), dict(zip(labelled.tolist(), values[labelled].tolist(), strict=True)))
    others = np.setdiff1d(np.arange(len(CELLS)), labelled)
    assert kendalltau(predicted[others], values[others]).statistic > 0.8


def test_contrast_is_antisymmetric():
    rng = np.random.default_rng(5)
    first, second = ({i: float(v) for i, v in enumerate(rng.standard_normal(30))} for _ in range(2))
    pool = cell_pool(CELLS[:200])
    assert predicted_contrast(pool, first, second) == pytest.approx(-predicted_contrast(pool, second, first))


def test_no_label_is_an_error():
    with pytest.raises(UsageError, match="no label"):
        predicted_scores(cell_pool(), {})


def test_shuffled_features_hold_the_same_rows_elsewhere():
    groups = feature_groups(cell_pool())
    shuffled = groups.shuffled(np.random.default_rng(0))
    assert not np.array_equal(shuffled.features, groups.features)
    assert np.sort(shuffled.features, axis=0) == pytest.approx(np.sort(groups.features, axis=0))


def test_dead_edges_change_no_trait():
    # Node 1 is heard by nobody, so that what its edge carries is of no matter.
    dead = np.array([[3, 0, 0, 2, 0, 0], [1, 0, 0, 2, 0, 0], [0, 0, 0, 2, 0, 0], [3, 3, 3, 3, 3, 3]])
    for features in (cell_traits(dead), live_one_hot(dead)):
        assert (features[:3] == features[0]).all()
        assert not np.array_equal(features[3], features[0])


def test_swapping_the_inner_nodes_changes_no_trait():
    # No edge joins nodes 1 and 2, so that their numbering is of no matter.
    cells = np.array([[3, 1, 0, 2, 2, 1], [1, 3, 0, 2, 1, 2], [3, 3, 3, 3, 3, 3]])
    traits = cell_traits(cells)
    assert traits[0] == pytest.approx(traits[1])


def test_an_unknown_space_has_a_group_for_every_gene():
    operations = np.random.default_rng(0).integers(0, 3, (50, 4))
    near = tuple(np.array([], dtype=np.int64) for _ in operations)
    pool = Pool("somebody's", operations, {"one_hot": one_hot(operations), "one_hot_mean": one_hot(operations)}, near)
    assert feature_groups(pool).count == 5
