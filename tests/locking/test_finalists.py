"""Choosing the release and its twin among trained finalists, in a whole small search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from archlock.attacks import AttackResult, Trial
from archlock.locking.baselines import BASELINES
from archlock.locking.finalists import _reached, source_floor
from archlock.locking.knowledge import Knowledge
from archlock.locking.laboratory import Laboratory
from archlock.locking.lock import PredictedLock, measured_locks
from archlock.locking.objective import Judge
from archlock.locking.ranking import for_release
from archlock.locking.search import Outcome
from archlock.locking.twin import of_size, size_mismatch
from archlock.spaces.protocol import Genotype


def result(attack: str, target: str, validation: float, test: float = 0.0) -> AttackResult:
    return AttackResult(attack, target, 1.0, 10, (Trial(0.01, validation, test),))


def test_the_floor_is_the_higher_of_tolerance_and_threshold(
    laboratory: Laboratory, make_settings: Callable[..., Any]
) -> None:
    def floor(**source: float) -> float:
        settings = make_settings(source={"tolerance": 0.01, **source})
        return source_floor(replace(laboratory.plan, settings=settings), 0.95)

    assert floor() == pytest.approx(0.94)
    assert floor(at_least=0.9) == pytest.approx(0.94)
    assert floor(at_least=0.945) == pytest.approx(0.945)


def test_attackers_reach_counts_release_and_surgery_alike_on_validation_data() -> None:
    results = [
        result("linear-probe", "a", 0.3, test=1.0),
        result("fine-tune", "a", 0.4),
        result("surgery:stem", "a", 0.8),
        result("fine-tune", "b", 0.6),
        result("surgery:stem", "b", 0.2, test=1.0),
    ]
    assert _reached(results) == pytest.approx(((0.4 + 0.6) / 2 + (0.8 + 0.6) / 2) / 2)


def test_the_release_is_admissible_and_gives_attackers_least(outcome: Outcome) -> None:
    choice, space = outcome.choice, outcome.plan.space
    verified = choice.verified
    floor = verified[choice.source_only.genotype] - outcome.plan.settings.source.tolerance
    hopeful = [model for model in choice.finalists if model.genotype in verified]
    admissible = [model for model in hopeful if verified[model.genotype] >= floor]
    assert choice.within_tolerance == bool(admissible) == (verified[choice.locked.genotype] >= floor)
    assert choice.locked in choice.finalists
    contenders = {model.genotype for model in admissible} or {choice.locked.genotype}
    assert contenders == choice.validation_attacks.keys()
    reached = {genotype: _reached(results) for genotype, results in choice.validation_attacks.items()}
    assert reached[choice.locked.genotype] == min(reached.values())
    assert all(space.canonical(genotype) == genotype for genotype in choice.validation_attacks)


def test_verification_takes_fresh_trainings_on_other_validation_samples(
    make_laboratory: Callable[..., Laboratory], outcome: Outcome
) -> None:
    laboratory = make_laboratory(outcome.plan)
    models = [outcome.choice.locked, outcome.choice.twin]
    once, more = laboratory.verify(models, 0), laboratory.verify(models, 2)
    assert once == {model.genotype: model.validation for model in models}
    assert more == laboratory.verify(models, 2)
    assert more != once


def test_finalists_were_attacked_on_no_held_out_target(outcome: Outcome) -> None:
    targets = {one.target for results in outcome.choice.validation_attacks.values() for one in results}
    chosen_by = outcome.plan.settings.targets
    assert targets == {task.title for task in chosen_by.validation + chosen_by.search}


def test_a_matched_twin_has_the_locked_models_size(outcome: Outcome) -> None:
    choice, match = outcome.choice, outcome.plan.settings.finalists.match
    locked, twin = (outcome.candidates[model.genotype].cost for model in (choice.locked, choice.twin))
    assert choice.twin.genotype != choice.locked.genotype
    sizes = (twin.parameters / locked.parameters, twin.macs / locked.macs)
    assert choice.matched == all(abs(ratio - 1) <= match for ratio in sizes)


def test_the_source_only_winner_and_the_twin_are_the_best_verified(outcome: Outcome) -> None:
    choice, judged = outcome.choice, outcome.candidates
    assert choice.source_only == outcome.baselines["source-only winner"]
    assert choice.twin.genotype in choice.verified
    chosen_for_lock = {model.genotype for model in choice.finalists}
    like = judged[choice.twin.genotype].cost
    others = {genotype: value for genotype, value in choice.verified.items() if genotype not in chosen_for_lock}
    same = [value for genotype, value in others.items() if judged[genotype].cost == like]
    assert choice.verified[choice.twin.genotype] >= max(same)
    assert set(outcome.baselines) == {"source-only winner", *BASELINES}


def test_finalists_were_measured_and_keep_the_order_of_their_measured_locks(outcome: Outcome) -> None:
    costs = {genotype: one.cost for genotype, one in outcome.candidates.items()}
    measured = measured_locks(outcome.knowledge, costs, outcome.knowledge.simulated.weights)
    finalists = [model.genotype for model in outcome.choice.finalists]
    assert set(finalists) <= measured.keys()
    locks = [measured[genotype] for genotype in finalists]
    assert locks == sorted(locks)


def test_what_misses_the_source_is_ranked_all_the_same(
    laboratory: Laboratory, knowledge: Knowledge, population: tuple[Genotype, ...]
) -> None:
    judge = Judge(laboratory, knowledge)
    judge.floor = 2.0
    judged = judge.judge(population, "search")
    assert all(one.shortfall > 0 for one in judged)
    ranked = for_release(judge, PredictedLock.fit(judged), {})
    assert [judge.labelled_shortfall(one) for one in ranked] == sorted(map(judge.labelled_shortfall, judged))
    assert len(ranked) == len(population)


def test_a_peer_is_of_the_size_that_was_asked_for_where_there_is_one(
    laboratory: Laboratory, knowledge: Knowledge, population: tuple[Genotype, ...]
) -> None:
    judge = Judge(laboratory, knowledge)
    judge.judge(population, "search")
    mismatch, peers = size_mismatch(judge, population[0]), of_size(judge, population[0])
    assert mismatch(judge.candidates[population[0]]) == 0
    assert population[0] not in {one.genotype for one in peers}
    assert len(peers) == len(judge.candidates) - 1
    assert [mismatch(one) for one in peers] == sorted(mismatch(one) for one in peers)
    matching = [one.source for one in peers if mismatch(one) == 0]
    assert matching == sorted(matching, reverse=True)
