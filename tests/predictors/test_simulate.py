import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.errors import UsageError
from archlock.predictors import cosine_similarity, nearest, simulate_targets


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 300), st.integers(0, 20), st.floats(-1, 1), st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_simulated_targets_lie_exactly_at_the_stated_cosine_and_norm(width, count, cosine, seed, scale):
    embedding = scale * (np.random.default_rng(seed).standard_normal(width) + 0.01)
    simulated = simulate_targets(embedding, count, cosine, np.random.default_rng(seed))
    assert simulated.shape == (count, width)
    np.testing.assert_allclose(np.linalg.norm(simulated, axis=1), np.linalg.norm(embedding), rtol=1e-9)
    np.testing.assert_allclose(cosine_similarity(simulated, embedding[None])[:, 0], cosine, atol=1e-9)


def test_directions_are_spread_evenly_around_the_embedding():
    embedding = np.array([3.0, 0.0, 0.0, 0.0])
    simulated = simulate_targets(embedding, 4000, 0.9, np.random.default_rng(0))
    across = simulated[:, 1:] / np.linalg.norm(simulated[:, 1:], axis=1, keepdims=True)
    assert np.abs(across.mean(axis=0)).max() < 0.05
    np.testing.assert_allclose(across.T @ across / 4000, np.eye(3) / 3, atol=0.03)


def test_same_generator_seed_gives_the_same_targets_and_another_seed_others():
    embedding = np.arange(1.0, 9.0)
    first, again, other = (simulate_targets(embedding, 15, 0.9, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_nearest_is_no_further_than_any_other_row(many, rows, seed):
    rng = np.random.default_rng(seed)
    simulated, library = rng.standard_normal((many, 5)), rng.standard_normal((rows, 5))
    similarity = cosine_similarity(simulated, library)
    chosen = nearest(simulated, library)
    np.testing.assert_allclose(similarity[np.arange(many), chosen], similarity.max(axis=1))


def test_nearest_finds_the_family_a_target_was_simulated_from():
    library = np.random.default_rng(3).standard_normal((6, 50))
    for row in range(6):
        simulated = simulate_targets(library[row], 15, 0.9, np.random.default_rng(row))
        assert set(nearest(simulated, library)) == {row}


@pytest.mark.parametrize(
    ("embedding", "count", "cosine"),
    [(np.ones(4), 3, 1.1), (np.zeros(4), 3, 0.9), (np.ones(1), 3, 0.9), (np.ones(4), -1, 0.9), (np.ones(4), 1, np.nan)],
)
def test_impossible_requests_are_refused(embedding, count, cosine):
    with pytest.raises(UsageError, match="simulated targets"):
        simulate_targets(embedding, count, cosine, np.random.default_rng(0))


def test_nearest_refuses_an_empty_library():
    with pytest.raises(UsageError, match="nearest"):
        nearest(np.ones((2, 3)), np.ones((0, 3)))
