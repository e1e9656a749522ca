"""The published perceptron on the pair: what it learns, how it is evaluated, and what it cannot promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau

from archlock.errors import UsageError
from archlock.predictors import PairEvidence, RelationMLP, RelationModel, TaskEvidence, copeland_scores
from archlock.predictors.relation_mlp import WIDTHS
from archlock.scores import FloatArray
from archlock.seeding import torch_generator

RNG = np.random.default_rng(0)
FEATURES = RNG.integers(0, 2, (120, 10)).astype(float)
EMBEDDINGS = np.eye(6)[:2] + 0.2
TRUE = FEATURES @ RNG.standard_normal((10, 1)) + FEATURES @ RNG.standard_normal((10, 2))
EVIDENCE = [TaskEvidence(e, np.arange(60), TRUE[:60, t], "vote") for t, e in enumerate(EMBEDDINGS)]


def pairs() -> list[PairEvidence]:
    rng = np.random.default_rng(1)
    return [PairEvidence.of(item, rng) for item in EVIDENCE]


def fit(seed: int = 0, epochs: int = 8) -> RelationMLP:
    return RelationMLP.fit(FEATURES, pairs(), torch_generator(seed, "test"), epochs=epochs)


MODEL = fit()


def test_the_network_is_the_published_one() -> None:
    shapes = [tuple(layer.weight.shape) for layer in MODEL.network if isinstance(layer, torch.nn.Linear)]
    assert shapes == [(128, 2 * 10 + 6), (64, 128), (32, 64), (16, 32), (1, 16)]
    assert WIDTHS == (128, 64, 32, 16)


def test_pairs_are_of_both_orders_and_never_ties() -> None:
    item = TaskEvidence(EMBEDDINGS[0], np.array([5, 7, 9]), np.array([1.0, 1.0, 2.0]), "vote")
    found = PairEvidence.of(item, np.random.default_rng(0))
    rows = sorted(zip(found.first.tolist(), found.second.tolist(), found.outcome.tolist(), strict=True))
    assert rows == [(5, 9, 0.0), (7, 9, 0.0), (9, 5, 1.0), (9, 7, 1.0)]
    assert len(PairEvidence.of(EVIDENCE[0], np.random.default_rng(0), limit=100).outcome) == 100


def test_all_pairs_at_once_are_the_pairs_one_at_a_time() -> None:
    """Splitting the first layer must not change what the network says."""
    some = FEATURES[60:70]
    whole = MODEL.outcomes(some, EMBEDDINGS[1])
    single = [[MODEL.probability(a[None], b[None], EMBEDDINGS[1])[0] for b in some] for a in some]
    np.testing.assert_allclose(whole, single, atol=1e-6)
    np.testing.assert_allclose(MODEL.outcomes(some, EMBEDDINGS[1], panel=some[:4]), whole[:, :4], atol=1e-6)


def tau(model: RelationMLP, task: int, asked: int) -> float:
    scores = copeland_scores(model.outcomes(FEATURES[60:], EMBEDDINGS[asked]))
    return float(kendalltau(scores, TRUE[60:, task]).statistic)


def test_unseen_architectures_are_ranked_on_each_task() -> None:
    assert tau(MODEL, 0, 0) > 0.6
    assert tau(MODEL, 1, 1) > 0.6
    assert tau(MODEL, 0, 0) + tau(MODEL, 1, 1) > tau(MODEL, 0, 1) + tau(MODEL, 1, 0) + 0.1


def test_it_is_not_antisymmetric_which_is_why_ours_stands_beside_it() -> None:
    there = MODEL.outcomes(FEATURES[60:], EMBEDDINGS[0])
    assert np.abs(there + there.T - 1).max() > 1e-3


def test_same_generator_same_model_and_another_one_another() -> None:
    np.testing.assert_array_equal(
        fit(epochs=1).outcomes(FEATURES, EMBEDDINGS[0]), fit(epochs=1).outcomes(FEATURES, EMBEDDINGS[0])
    )
    assert not np.array_equal(
        fit(epochs=1).outcomes(FEATURES, EMBEDDINGS[0]), fit(1, epochs=1).outcomes(FEATURES, EMBEDDINGS[0])
    )


def test_votes_that_are_split_pull_to_the_middle() -> None:
    item = PairEvidence(EMBEDDINGS[0], *np.triu_indices(40, 1), np.full(780, 0.5))
    model = RelationMLP.fit(FEATURES, [item], torch_generator(0, "split"), epochs=20)
    assert np.abs(model.outcomes(FEATURES[:40], EMBEDDINGS[0]) - 0.5).mean() < 0.05


@pytest.mark.parametrize(
    ("evidence", "message"),
    [
        ([], "at least one pair"),
        ([PairEvidence(EMBEDDINGS[0], np.array([0]), np.array([120]), np.ones(1))], "rows 0 to 120 of 120"),
        ([pairs()[0], PairEvidence(np.ones(3), np.array([0]), np.array([1]), np.ones(1))], "differ in width"),
    ],
)
def test_pairs_that_cannot_be_learnt_from_are_refused(evidence: list[PairEvidence], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RelationMLP.fit(FEATURES, evidence, torch_generator(0))


@pytest.mark.parametrize("outcome", [np.array([1.5]), np.array([np.nan]), np.ones(2)])
def test_outcomes_that_are_none_are_refused(outcome: FloatArray) -> None:
    with pytest.raises(UsageError, match="pair evidence"):
        PairEvidence(EMBEDDINGS[0], np.array([0]), np.array([1]), outcome)


def test_asking_with_other_widths_is_refused() -> None:
    with pytest.raises(UsageError, match=r"expected features \(n, 10\)"):
        MODEL.outcomes(FEATURES[:, :3], EMBEDDINGS[0])
    with pytest.raises(UsageError, match=r"embedding \(6,\)"):
        MODEL.probability(FEATURES, FEATURES, np.ones(4))


class TestOrderOfTheAntisymmetricModel:
    """Its many-task ranking must be the one that `RelationModel.score` gives task by task."""

    model = RelationModel.fit(FEATURES, [*EVIDENCE, TaskEvidence(EMBEDDINGS[0], np.arange(20), TRUE[:20, 0], "label")])

    def test_order_is_score_up_to_a_factor_per_task(self) -> None:
        ordered = self.model.order(FEATURES, EMBEDDINGS)
        assert ordered.shape == (2, 120)
        for row, embedding in zip(ordered, EMBEDDINGS, strict=True):
            mean, _ = self.model.score(FEATURES, embedding)
            factor = float(row @ mean / (row @ row))
            assert factor > 0
            np.testing.assert_allclose(factor * row, mean, atol=1e-8)

    def test_other_widths_are_refused(self) -> None:
        with pytest.raises(UsageError, match="relation model"):
            self.model.order(FEATURES, np.ones((2, 3)))
