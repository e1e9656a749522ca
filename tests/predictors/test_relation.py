import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from archlock.errors import UsageError
from archlock.predictors import RelationModel, TaskEvidence

RNG = np.random.default_rng(0)
FEATURES = RNG.integers(0, 2, (300, 12)).astype(float)
EMBEDDINGS = np.eye(4)[:3] + 0.5
TRUE = FEATURES @ RNG.standard_normal((12, 1)) + 0.5 * FEATURES @ RNG.standard_normal((12, 3))
LABELLED = [RNG.choice(200, 50, replace=False) for _ in EMBEDDINGS]


def labels(noise: float = 0.1) -> list[TaskEvidence]:
    rng = np.random.default_rng(1)
    return [
        TaskEvidence(embedding, rows, TRUE[rows, task] + noise * rng.standard_normal(len(rows)), "label")
        for task, (embedding, rows) in enumerate(zip(EMBEDDINGS, LABELLED, strict=True))
    ]


MODEL = RelationModel.fit(FEATURES, labels())
features = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).normal(size=(5, 12)) * 2)
embeddings = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).standard_normal(4))


@settings(max_examples=25, deadline=None)
@given(features, features, embeddings)
def test_relation_is_antisymmetric_and_even_with_itself(first, second, embedding):
    forward = MODEL.probability(first, second, embedding)
    backward = MODEL.probability(second, first, embedding)
    np.testing.assert_allclose(forward + backward, 1.0, atol=1e-12)
    np.testing.assert_allclose(MODEL.probability(first, first, embedding), 0.5)


@settings(max_examples=25, deadline=None)
@given(features, embeddings)
def test_relation_has_no_cycles(architectures, embedding):
    """Kolmogorov's criterion: going round a to b to c to a is as likely as going round the other way."""
    a, b, c = (architectures[[i]] for i in range(3))
    forth = [MODEL.probability(x, y, embedding) for x, y in ((a, b), (b, c), (c, a))]
    back = [MODEL.probability(y, x, embedding) for x, y in ((a, b), (b, c), (c, a))]
    np.testing.assert_allclose(np.prod(forth), np.prod(back), rtol=1e-6)
    assert not (np.array(forth) > 0.5).all()


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(40)), embeddings)
def test_scores_do_not_depend_on_the_order_or_company_of_candidates(order, embedding):
    mean, deviation = MODEL.score(FEATURES[:40], embedding)
    again, same = MODEL.score(FEATURES[list(order)], embedding)
    np.testing.assert_allclose(again, mean[list(order)], atol=1e-10)
    np.testing.assert_allclose(same, deviation[list(order)], atol=1e-10)
    np.testing.assert_allclose(MODEL.score(FEATURES[:1], embedding)[0], mean[:1], atol=1e-10)


@settings(max_examples=3, deadline=None)
@given(st.permutations(range(3)), st.floats(-50, 50), st.floats(0.1, 10))
def test_fit_ignores_the_order_of_evidence_and_each_metric_s_unit(order, shift, scale):
    evidence = labels()
    changed = [
        TaskEvidence(e.embedding, e.indices, shift + scale * e.values, e.kind) for e in (evidence[i] for i in order)
    ]
    again = RelationModel.fit(FEATURES, changed).score(FEATURES[200:], EMBEDDINGS[1])[0]
    np.testing.assert_allclose(again, MODEL.score(FEATURES[200:], EMBEDDINGS[1])[0], atol=0.02)


def test_unseen_architectures_are_ranked_on_each_task():
    for task, embedding in enumerate(EMBEDDINGS):
        mean, _ = MODEL.score(FEATURES[200:], embedding)
        assert kendalltau(mean, TRUE[200:, task]).statistic > 0.75


def test_a_task_is_served_better_by_its_own_embedding_than_by_another_s():
    own = [kendalltau(MODEL.score(FEATURES[200:], EMBEDDINGS[t])[0], TRUE[200:, t]).statistic for t in range(3)]
    other = [kendalltau(MODEL.score(FEATURES[200:], EMBEDDINGS[t - 1])[0], TRUE[200:, t]).statistic for t in range(3)]
    assert np.mean(own) > np.mean(other) + 0.05


def test_same_evidence_gives_the_same_model():
    again = RelationModel.fit(FEATURES, labels())
    np.testing.assert_array_equal(again.score(FEATURES, EMBEDDINGS[0])[0], MODEL.score(FEATURES, EMBEDDINGS[0])[0])


def test_uncertainty_is_larger_where_nothing_was_seen():
    _, near = MODEL.score(FEATURES[LABELLED[0]], EMBEDDINGS[0])
    _, far = MODEL.score(FEATURES[:50] + 5 * RNG.standard_normal((50, 12)), EMBEDDINGS[0])
    assert np.median(near) < 0.7 * np.median(far)
    assert (near > 0).all()


def test_votes_help_when_they_are_right_and_are_distrusted_when_they_are_noise():
    few = [e.take(np.arange(12)) for e in labels()]
    right = [TaskEvidence(e, np.arange(120), TRUE[:120, t], "vote") for t, e in enumerate(EMBEDDINGS)]
    noise = [TaskEvidence(e, np.arange(120), RNG.standard_normal(120), "vote") for e in EMBEDDINGS]

    def tau(evidence: list[TaskEvidence]) -> float:
        model = RelationModel.fit(FEATURES, evidence)
        return float(
            np.mean([kendalltau(model.score(FEATURES[200:], e)[0], TRUE[200:, t])[0] for t, e in enumerate(EMBEDDINGS)])
        )

    alone = tau(few)
    assert tau(few + right) > alone + 0.05
    assert tau(few + noise) > alone - 0.15


def test_votes_alone_are_enough_to_rank():
    model = RelationModel.fit(FEATURES, [TaskEvidence(EMBEDDINGS[0], np.arange(100), TRUE[:100, 0], "vote")])
    assert kendalltau(model.score(FEATURES[200:], EMBEDDINGS[0])[0], TRUE[200:, 0]).statistic > 0.75


def test_heavier_evidence_pulls_harder():
    values = TRUE[:60, 0]
    pair = [TaskEvidence(EMBEDDINGS[0], np.arange(60), v, "label", w) for v, w in ((values, 5.0), (-values, 0.2))]
    model = RelationModel.fit(FEATURES, pair)
    assert kendalltau(model.score(FEATURES[:60], EMBEDDINGS[0])[0], values).statistic > 0.5


def test_scoring_is_fast_enough_for_a_search():
    many = np.tile(FEATURES, (34, 1))
    start = time.process_time()
    mean, _ = MODEL.score(many, EMBEDDINGS[0])
    assert len(mean) / (time.process_time() - start) > 20_000


@pytest.mark.parametrize(
    ("evidence", "message"),
    [
        ([], "at least two"),
        ([TaskEvidence(EMBEDDINGS[0], np.array([0, 300]), np.ones(2), "label")], "rows 0 to 300 of 300"),
        ([labels()[0], TaskEvidence(np.ones(7), np.arange(2), np.ones(2), "label")], "differ in width"),
    ],
)
def test_evidence_that_cannot_be_learnt_from_is_refused(evidence, message):
    with pytest.raises(UsageError, match=message):
        RelationModel.fit(FEATURES, evidence)


@pytest.mark.parametrize("values", [np.array([1.0, np.nan]), np.array([np.inf, 0.0])])
def test_evidence_that_is_not_finite_is_refused(values):
    with pytest.raises(UsageError, match="NaN or infinite"):
        TaskEvidence(EMBEDDINGS[0], np.arange(2), values, "label")


def test_scoring_other_widths_is_refused():
    with pytest.raises(UsageError, match=r"expected features \(n, 12\)"):
        MODEL.score(np.ones((2, 3)), EMBEDDINGS[0])
