import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from archlock.errors import UsageError
from archlock.predictors import RelationModel, TaskEvidence, evaluate
from archlock.predictors.metrics import Pairs, log_loss, pair_accuracy, rank_correlation, reliability
from archlock.scores import Score, ScoreFailed

RNG = np.random.default_rng(5)
FEATURES = RNG.standard_normal((60, 8))
EMBEDDINGS = np.eye(3)
TRUE = FEATURES @ RNG.standard_normal((8, 1)) + FEATURES @ RNG.standard_normal((8, 3))
LABELS = [
    TaskEvidence(e, np.arange(60), TRUE[:, t] + 0.5 * RNG.standard_normal(60), "label")
    for t, e in enumerate(EMBEDDINGS)
]
values = arrays(np.float64, st.integers(2, 20), elements=st.integers(-5, 5).map(float))


@settings(deadline=None)
@given(values)
def test_perfect_reversed_and_constant_predictions(truth):
    if np.ptp(truth) == 0:
        assert isinstance(pair_accuracy(truth, truth), ScoreFailed)
        assert isinstance(rank_correlation(truth, truth), ScoreFailed)
        return
    got = [pair_accuracy(predicted, truth) for predicted in (truth, -truth, np.zeros_like(truth))]
    assert [score.value for score in got if isinstance(score, Score)] == [1.0, 0.0, 0.5]
    tau = rank_correlation(truth, truth)
    assert isinstance(tau, Score)
    assert tau.value == pytest.approx(1.0)
    assert isinstance(rank_correlation(np.zeros_like(truth), truth), ScoreFailed)


@given(values)
def test_pairs_put_the_winner_first_and_leave_ties_out(truth):
    pairs = Pairs.of(truth)
    assert (truth[pairs.winner] > truth[pairs.loser]).all()
    assert len(pairs) == sum(a != b for i, a in enumerate(truth) for b in truth[:i])


def test_reliability_of_honest_boastful_and_coin_probabilities():
    rng = np.random.default_rng(0)
    favourite = rng.uniform(0.5, 1.0, 40_000)
    won = rng.random(40_000) < favourite
    honest = np.where(won, favourite, 1 - favourite)
    boastful = np.where(won, 0.999, 0.001)
    assert reliability(honest).error < 0.02
    assert reliability(boastful).error == pytest.approx(0.25, abs=0.02)
    assert reliability(np.full(10, 0.5)).error == 0.0
    assert log_loss(honest) < log_loss(np.full(10, 0.5)) < log_loss(boastful)


@pytest.mark.parametrize("bad", [np.empty(0), np.array([1.2]), np.array([np.nan])])
def test_reliability_refuses_what_is_no_probability(bad):
    with pytest.raises(UsageError, match="reliability"):
        reliability(bad)


def test_cross_validation_reports_the_model_beside_its_baselines():
    votes = [
        TaskEvidence(e, np.arange(60), (RNG.random(60) + (TRUE[:, t] > 0)) / 2, "vote")
        for t, e in enumerate(EMBEDDINGS)
    ]
    quality = evaluate(FEATURES, [*LABELS, *votes], np.random.default_rng(0), folds=3)
    seen, unseen = quality.held_out_architectures, quality.held_out_tasks
    for report in (seen.model, seen.vote, seen.shuffled, unseen.model, unseen.vote, unseen.shuffled):
        assert not isinstance(report, ScoreFailed)
        assert report.pairs == 3 * 3 * 190
    assert seen.model.pair_accuracy > max(seen.vote.pair_accuracy, seen.shuffled.pair_accuracy)
    assert seen.model.pair_accuracy > unseen.model.pair_accuracy > 0.5
    assert seen.model.log_loss < 0.6
    assert seen.model.calibration_error < 0.12
    assert (quality.tasks, quality.architectures, quality.folds) == (3, 60, 3)


def test_one_task_without_votes_says_why_there_are_no_baselines():
    quality = evaluate(FEATURES, LABELS[:1], np.random.default_rng(0), folds=2)
    assert isinstance(quality.held_out_tasks.model, ScoreFailed)
    assert quality.held_out_architectures.vote == ScoreFailed("no votes on the held-out architectures")
    assert quality.held_out_architectures.shuffled == ScoreFailed("no other labelled task")


def test_evaluation_needs_labels():
    with pytest.raises(UsageError, match="four labelled"):
        evaluate(FEATURES, [], np.random.default_rng(0))


def test_probabilities_on_unseen_architectures_beat_a_coin_and_are_honest_under_heavy_noise():
    rng = np.random.default_rng(2)
    noisy = [
        TaskEvidence(e, np.arange(40), TRUE[:40, t] + 4 * rng.standard_normal(40), "label")
        for t, e in enumerate(EMBEDDINGS)
    ]
    model = RelationModel.fit(FEATURES, noisy)
    chances = []
    for task, embedding in enumerate(EMBEDDINGS):
        mean, _ = model.score(FEATURES[40:], embedding)
        pairs = Pairs.of(TRUE[40:, task] + 4 * rng.standard_normal(20))
        chances.append(1 / (1 + np.exp(mean[pairs.loser] - mean[pairs.winner])))
    assert log_loss(np.concatenate(chances)) < log_loss(np.full(1, 0.5))
    assert reliability(np.concatenate(chances), bins=4).error < 0.12
