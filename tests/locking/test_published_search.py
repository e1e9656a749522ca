"""A search with the paper's parts: perceptron on pairs, ranks as fitness, aging evolution one step at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlock.config import RunSettings, load_settings
from archlock.executors import SerialExecutor
from archlock.locking.candidate import Candidate
from archlock.locking.laboratory import HardwareCost
from archlock.locking.plan import make_plan, planned_stages
from archlock.locking.rank_lock import RankLock
from archlock.locking.search import Outcome, run_search
from archlock.predictors import PanelRanking, TaskEvidence
from archlock.runs import InMemoryRun, Workshop
from archlock.seeding import torch_generator


def candidate(source: float, transfer: float) -> Candidate:
    return Candidate((0,), source, transfer, transfer, transfer, HardwareCost(1.0, 1.0, 1, 1), 0.0)


scores = st.floats(-5, 5)


class TestRankLock:
    lock = RankLock.fit([candidate(s, t) for s, t in ((1.0, 4.0), (2.0, 3.0), (3.0, 2.0), (4.0, 1.0))])

    @pytest.mark.parametrize(("source", "transfer", "fitness"), [(9, -9, 4.0), (-9, 9, -8.0), (2.5, 2.5, 2 - 4.0)])
    def test_the_fitness_is_that_of_the_paper(self, source: float, transfer: float, fitness: float) -> None:
        assert self.lock.of(candidate(source, transfer)) == -fitness
        assert self.lock.objectives(candidate(source, transfer)) == (-fitness,)

    def test_a_member_of_the_population_ties_with_itself(self) -> None:
        assert self.lock.of(candidate(4.0, 1.0)) == -(3.5 - 2 * 0.5)

    @given(scores, scores, scores, scores)
    def test_better_on_the_source_and_poorer_on_targets_is_never_a_weaker_lock(
        self, source: float, transfer: float, gain: float, fall: float
    ) -> None:
        better = candidate(source + abs(gain), transfer - abs(fall))
        assert self.lock.of(better) <= self.lock.of(candidate(source, transfer))


class TestPanelRanking:
    rng = np.random.default_rng(0)
    features = rng.integers(0, 2, (60, 8)).astype(float)
    votes = features @ rng.standard_normal((8, 2))
    evidence = (
        TaskEvidence(np.eye(4)[0], np.arange(40), votes[:40, 0], "vote"),
        TaskEvidence(np.eye(4)[1], np.arange(40), votes[:40, 1], "vote"),
    )
    model = PanelRanking.fit(features, evidence, np.random.default_rng(0), torch_generator(0, "panel"))

    def test_scores_are_shares_that_follow_the_votes_and_no_company(self) -> None:
        for task in range(2):
            share, deviation = self.model.score(self.features, np.eye(4)[task])
            assert ((share >= 0) & (share <= 1)).all()
            assert not deviation.any()
            assert np.corrcoef(share[40:], self.votes[40:, task])[0, 1] > 0.6
            np.testing.assert_allclose(self.model.score(self.features[50:], np.eye(4)[task])[0], share[50:])


@pytest.fixture(scope="module")
def published(make_settings: Callable[..., RunSettings]) -> Outcome:
    changes: dict[str, Any] = {
        "predictor": {"name": "pair-mlp", "embedding_width": 2048},
        "engine": {"name": "aging", "population": 4, "generations": 6, "step": 1, "fitness": "ranks", "robust": False},
        "labels": {"rounds": 0, "target_architectures": 0},
    }
    plan = make_plan(make_settings(**changes))
    return run_search(plan, Workshop(InMemoryRun(), SerialExecutor(), seed=1))


@pytest.mark.slow
def test_a_whole_search_buys_no_target_label_and_releases_what_keeps_the_source(published: Outcome) -> None:
    stages = {(row.task, row.stage) for row in published.ledger.counts()}
    assert not [task for task, stage in stages if stage == "label targets"]
    assert isinstance(published.knowledge.model, PanelRanking)
    assert published.choice.locked.genotype in published.candidates
    assert published.held_out.attacks[published.choice.locked.genotype]


@pytest.mark.slow
def test_targets_are_the_simulated_embeddings_themselves(published: Outcome) -> None:
    knowledge = published.knowledge
    assert knowledge.simulated.embeddings.shape == (15, 2048)
    features = knowledge.plan.space.traits(knowledge.population)
    shares = [knowledge.model.score(features, one)[0] for one in knowledge.simulated.embeddings]
    np.testing.assert_allclose(knowledge.predict(knowledge.population).transfer_mean, np.mean(shares, axis=0))


def test_the_preset_is_the_papers() -> None:
    settings = load_settings("archlock-paper")
    assert (settings.targets.simulated, settings.targets.cosine) == (15, 0.9)
    assert (settings.engine.name, settings.engine.population, settings.engine.generations) == ("aging", 10, 40)
    assert (settings.predictor.name, settings.predictor.embedding_width) == ("pair-mlp", 2048)
    assert len(settings.proxies.names) == 7
    search = next(stage for stage in planned_stages(make_plan(settings)) if stage.name == "search")
    assert search.units == 2 * 40
