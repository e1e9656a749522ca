"""Locks: what size and source score explain is none, and what was measured is what counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.locking.candidate import Candidate
from archlock.locking.knowledge import Knowledge, TaskKnowledge
from archlock.locking.laboratory import HardwareCost, Laboratory
from archlock.locking.lock import PredictedLock, measured_locks
from archlock.spaces.protocol import Genotype

EMPTY = TaskKnowledge(np.empty(0), np.empty(0, dtype=np.int64), np.empty(0))


def candidates_of(seed: int, count: int = 60, lock: float = 0.0) -> list[Candidate]:
    """Candidates whose transfer score is their log size and source score, less a lock for the first."""
    rng = np.random.default_rng(seed)
    found = []
    for index in range(count):
        parameters, macs = (int(10 ** rng.uniform(3, 5)) for _ in range(2))
        source = float(rng.uniform(0.8, 0.95))
        transfer = float(np.log(parameters) + 0.5 * np.log(macs) + 10 * source) - (lock if index == 0 else 0.0)
        cost = HardwareCost(1e-5, 1e-6, parameters, macs)
        found.append(Candidate((index,), source, transfer, transfer + 1, transfer + 2, cost, 0.0))
    return found


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_what_size_and_source_explain_is_no_lock(seed: int) -> None:
    found = candidates_of(seed)
    lock = PredictedLock.fit(found)
    assert lock.excess(found) == pytest.approx(np.zeros((60, 3)), abs=0.4)


@given(seed=st.integers(0, 1000), depth=st.floats(1, 5))
@settings(max_examples=20, deadline=None)
def test_a_lock_stands_out_by_about_its_depth(seed: int, depth: float) -> None:
    lock = PredictedLock.fit(candidates_of(seed))
    locked, *others = candidates_of(seed, lock=depth)
    assert lock.of(locked) == pytest.approx(-depth, abs=0.5)
    assert lock.of(locked) < min(lock.of(one) for one in others)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_or_equal_candidates_are_no_harm(count: int) -> None:
    lock = PredictedLock.fit(candidates_of(0, count=1) * count)
    assert np.isfinite(lock.excess(candidates_of(1))).all()


def test_a_candidate_is_judged_alike_alone_and_in_company() -> None:
    found = candidates_of(3)
    lock = PredictedLock.fit(found)
    together = lock.excess(found)
    assert np.allclose(together, [lock.excess([one])[0] for one in found])


def test_a_measured_lock_is_of_what_is_labelled_everywhere(
    knowledge: Knowledge, laboratory: Laboratory, population: tuple[Genotype, ...]
) -> None:
    costs, weights = laboratory.cost(population), knowledge.simulated.weights
    locks = measured_locks(knowledge, costs, weights)
    everywhere = set.intersection(*(set(knowledge.labels(title)) for title in (knowledge.source, *weights)))
    assert locks.keys() == everywhere
    assert len(locks) == knowledge.plan.settings.labels.target_architectures
    assert measured_locks(replace(knowledge, tasks=dict.fromkeys(knowledge.tasks, EMPTY)), costs, weights) == {}


def test_a_lower_label_is_a_stronger_measured_lock(
    knowledge: Knowledge, laboratory: Laboratory, population: tuple[Genotype, ...]
) -> None:
    costs, weights = laboratory.cost(population), knowledge.simulated.weights
    before = measured_locks(knowledge, costs, weights)
    tasks = dict(knowledge.tasks)
    for title in weights:
        labels = tasks[title].labels.copy()
        labels[0] -= 0.5
        tasks[title] = replace(tasks[title], labels=labels)
    after = measured_locks(replace(knowledge, tasks=tasks), costs, weights)
    fallen = knowledge.architectures[knowledge.tasks[next(iter(weights))].labelled[0]]
    assert after[fallen] < before[fallen]
