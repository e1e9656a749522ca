"""Laws of Copeland's count, of ArchLock's fitness, and of widened embeddings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata

from archlock.errors import UsageError
from archlock.predictors import contrast_fitness, copeland_ranks, copeland_scores, cosine_similarity, widen
from archlock.scores import FloatArray

utilities = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=12).map(np.array)
relations = st.integers(2, 8).flatmap(
    lambda n: arrays(np.float64, (n, n), elements=st.sampled_from([0.0, 0.3, 0.5, 1]))
)


def order_of(values: FloatArray) -> FloatArray:
    """Outcomes of a relation that is a plain order."""
    return (np.sign(values[:, None] - values[None, :]) + 1) / 2


@given(utilities)
def test_ranks_of_an_order_are_its_ranks(values: FloatArray) -> None:
    np.testing.assert_allclose(copeland_ranks(order_of(values)), rankdata(-values) - 1)


@given(relations)
def test_wins_and_losses_balance(outcomes: FloatArray) -> None:
    scores = copeland_scores(outcomes)
    assert scores.mean() == pytest.approx(0.5)
    assert (scores >= 0).all()
    assert (scores <= 1).all()


@given(relations)
def test_turning_every_outcome_round_turns_the_scores_round(outcomes: FloatArray) -> None:
    np.testing.assert_allclose(copeland_scores(outcomes.T), 1 - copeland_scores(outcomes))


@given(relations)
def test_scores_follow_their_rows(outcomes: FloatArray) -> None:
    order = np.random.default_rng(0).permutation(len(outcomes))
    np.testing.assert_allclose(copeland_scores(outcomes[np.ix_(order, order)]), copeland_scores(outcomes)[order])


def test_wins_on_several_tasks_add_up() -> None:
    first, second = order_of(np.array([3.0, 2.0, 1.0])), order_of(np.array([2.0, 3.0, 1.0]))
    np.testing.assert_allclose(copeland_scores(np.stack([first, second])), [0.75, 0.75, 0.0])
    np.testing.assert_allclose(copeland_ranks(np.stack([first, second])), [0.5, 0.5, 2.0])


def test_a_relation_that_says_both_ways_says_nothing() -> None:
    np.testing.assert_allclose(copeland_scores(np.ones((3, 3))), 0.5)


@pytest.mark.parametrize("outcomes", [np.ones((2, 3)), np.full((2, 2), 1.5), np.full((2, 2), np.nan), np.ones(3)])
def test_what_is_no_relation_is_refused(outcomes: FloatArray) -> None:
    with pytest.raises(UsageError, match=r"outcomes in \[0, 1\]"):
        copeland_scores(outcomes)


def test_one_architecture_is_neither_better_nor_worse() -> None:
    np.testing.assert_allclose(copeland_scores(np.ones((1, 1))), 0.5)


def test_the_fitness_prefers_the_source_twice_as_much() -> None:
    target, source = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0])
    assert contrast_fitness(target, source).tolist() == [0.0, -1.0, -2.0]
    assert contrast_fitness(np.array([9.0]), np.array([0.0])) == 9.0, "last on the targets, first on the source"


@given(st.integers(0, 2**32 - 1))
def test_widening_keeps_every_angle_and_length(seed: int) -> None:
    rng = np.random.default_rng(seed)
    narrow = rng.standard_normal((4, 6))
    wide = widen(narrow, 32, rng)
    assert wide.shape == (4, 32)
    np.testing.assert_allclose(cosine_similarity(wide, wide), cosine_similarity(narrow, narrow), atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(wide, axis=1), np.linalg.norm(narrow, axis=1))


def test_widening_does_not_narrow() -> None:
    with pytest.raises(UsageError, match="at most 3 values"):
        widen(np.ones((2, 4)), 3, np.random.default_rng(0))
