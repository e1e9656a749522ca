"""Laws of the vote, and its agreement with a count of every pair."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlock.errors import UsageError
from archlock.proxies import pairwise_votes, vote, voting
from archlock.scores import ScoreBatch

Batches = Mapping[str, ScoreBatch]


@st.composite
def batches(draw: st.DrawFn) -> dict[str, ScoreBatch]:
    """Few distinct values, so that ties are common; some scores failed."""
    count = draw(st.integers(1, 8))
    found = {}
    for number in range(draw(st.integers(1, 5))):
        values = np.array(draw(st.lists(st.integers(-2, 2), min_size=count, max_size=count)), dtype=np.float64)
        known = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)), dtype=bool)
        reasons = tuple("" if fine else "degenerate" for fine in known)
        found[f"proxy{number}"] = ScoreBatch(values, known, reasons, better=draw(st.sampled_from(["higher", "lower"])))
    return found


def share(batches: Batches, first: int, second: int) -> float:
    """Votes of the first against the second, one proxy after another."""
    votes = []
    for batch in batches.values():
        sign = 1 if batch.better == "higher" else -1
        mine, other = (sign * batch.values[i] if batch.known[i] else -np.inf for i in (first, second))
        votes.append(1.0 if mine > other else 0.0 if mine < other else 0.5)
    return float(np.mean(votes))


@given(batches())
def test_votes_are_what_a_count_of_every_pair_gives(given_batches: Batches) -> None:
    count = len(next(iter(given_batches.values())).values)
    shares = np.array([[share(given_batches, a, b) for b in range(count)] for a in range(count)])
    outcome = np.where(np.isclose(shares, 0.5), 0.5, (shares > 0.5).astype(float))
    np.testing.assert_allclose(pairwise_votes(given_batches, shares=True), shares)
    np.testing.assert_array_equal(pairwise_votes(given_batches), outcome)
    others = (outcome.sum(axis=1) - 0.5) / (count - 1) if count > 1 else np.array([0.5])
    np.testing.assert_allclose(vote(given_batches), others)


@given(batches())
def test_antisymmetry(given_batches: Batches) -> None:
    for shares in (False, True):
        outcome = pairwise_votes(given_batches, shares)
        np.testing.assert_allclose(outcome + outcome.T, 1)
    assert vote(given_batches).mean() == pytest.approx(0.5)


@given(batches())
def test_only_the_order_of_scores_counts(given_batches: Batches) -> None:
    """Increasing transformations, a reversed direction with reversed values, and values of failed scores."""
    changed = {
        name: ScoreBatch(np.exp(3 * batch.values) + 7, batch.known, batch.reasons, "other unit", batch.better)
        for name, batch in given_batches.items()
    }
    flipped = {
        name: ScoreBatch(
            np.where(batch.known, -batch.values, np.nan),
            batch.known,
            batch.reasons,
            better="lower" if batch.better == "higher" else "higher",
        )
        for name, batch in given_batches.items()
    }
    for other in (changed, flipped):
        np.testing.assert_array_equal(vote(other), vote(given_batches))


@given(batches(), st.randoms(use_true_random=False))
def test_the_order_of_candidates_and_proxies_does_not_matter(given_batches: Batches, random: object) -> None:
    count = len(next(iter(given_batches.values())).values)
    order = np.random.default_rng(count).permutation(count)
    moved = {
        name: ScoreBatch(batch.values[order], batch.known[order], batch.reasons, batch.unit, batch.better)
        for name, batch in reversed(given_batches.items())
    }
    np.testing.assert_array_equal(vote(moved), vote(given_batches)[order])


@given(batches())
def test_chunks_do_not_change_the_result(given_batches: Batches) -> None:
    whole = vote(given_batches)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(voting, "_CHUNK_ENTRIES", 3)
        np.testing.assert_array_equal(vote(given_batches), whole)


def known_batch(values: np.ndarray) -> ScoreBatch:
    return ScoreBatch(values, np.ones(len(values), dtype=bool), ("",) * len(values))


def test_unanimous_proxies_give_the_rank() -> None:
    values = np.random.default_rng(0).permutation(50).astype(float)
    np.testing.assert_allclose(vote({"a": known_batch(values), "b": known_batch(values**3)}), values / 49)


def test_a_cycle_of_three_is_a_tie() -> None:
    orders = {"a": [3.0, 2, 1], "b": [1, 3, 2], "c": [2, 1, 3]}
    np.testing.assert_allclose(vote({name: known_batch(np.array(order)) for name, order in orders.items()}), 0.5)


def test_twenty_thousand_candidates_stay_small() -> None:
    generator = np.random.default_rng(0)
    many = {str(proxy): known_batch(generator.normal(size=20_000)) for proxy in range(3)}
    tracemalloc.start()
    scores = vote(many)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert scores.shape == (20_000,)
    assert peak < 100e6  # the matrix itself would take 400 MB as bytes
    best = max(share(many, int(scores.argmax()), other) for other in range(5))
    assert best > 0.5


def test_wrong_batches() -> None:
    with pytest.raises(UsageError, match="at least one proxy"):
        vote({})
    with pytest.raises(UsageError, match="lengths"):
        pairwise_votes({"a": known_batch(np.zeros(2)), "b": known_batch(np.zeros(3))})
