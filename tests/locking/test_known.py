from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.errors import SealedError
from archlock.locking.tabular.acquisition import CERTAIN, Alone, Belief
from archlock.locking.tabular.edits import LEVELS
from archlock.locking.tabular.features import pool_of
from archlock.locking.tabular.known import known
from archlock.locking.tabular.metrics import Judge
from archlock.locking.tabular.problem import Problem
from archlock.locking.tabular.protocol import Rules, bought_values, make_problem, source_bar
from archlock.locking.tabular.robust import Neighbourhood, robust
from archlock.tables import TableError, load_table
from archlock.testing import check_replay, small_table

METHODS = [(known, False), (robust, True)]


def problem_of(table, labels=48, seed=0, ablated=(), is_robust=False, threshold=None):
    rules = Rules("known", labels, is_robust, ablated=ablated)
    bar = source_bar(table, table.tasks[0], rules, threshold)
    values = bought_values(table, table.tasks, valid=False)
    return make_problem(pool_of(table), values, table.tasks[0], table.tasks[1], bar, rules, seed, table.name)


def judge_of(table, problem):
    near = table.neighbours if problem.robust else None
    return Judge.of(table.truth[problem.source], table.truth[problem.target], problem.threshold, near)


@pytest.fixture(scope="module")
def table():
    return small_table(rows=900)


@pytest.mark.parametrize(("method", "is_robust"), METHODS)
def test_unread_values_change_nothing(method, is_robust, table):
    check_replay(method, "known", robust=is_robust, labels=32, table=table)


@pytest.mark.parametrize(("method", "is_robust"), METHODS)
def test_picks_are_verified_and_budgets_kept(method, is_robust, table):
    problem = problem_of(table, is_robust=is_robust)
    proposal = method(problem)
    source = problem.labels[problem.source]
    assert all(source[index] >= problem.threshold for index in proposal.picks)
    assert all(len(read) <= 48 for read in problem.labels.values())


def test_it_locks_far_better_than_random_admissible_classes(table):
    closed = []
    for seed in range(3):
        problem = problem_of(table, seed=seed)
        closed.append(judge_of(table, problem).judge(known(problem).picks).gap_closed)
    assert np.mean(closed) > 0.6


def test_robust_picks_hold_better_after_one_edit_than_picks_made_for_the_class_alone(table):
    gaps = {}
    for method in (known, robust):
        gaps[method] = [
            judge_of(table, problem).judge(method(problem).picks).gap_closed
            for problem in (problem_of(table, seed=seed, is_robust=True) for seed in range(3))
        ]
    assert np.mean(gaps[robust]) > np.mean(gaps[known])


@pytest.mark.parametrize("part", ["predictor", "acquisition"])
def test_a_part_replaced_by_random_choices_locks_worse(table, part):
    whole, without = (
        np.mean([
            judge_of(table, problem).judge(known(problem).picks).target_percentile
            for problem in (problem_of(table, seed=seed, ablated=ablated) for seed in range(4))
        ])
        for ablated in ((), (part,))
    )  # fmt: skip
    assert whole < without


@pytest.mark.parametrize("labels", [5, 6, 9])
def test_the_smallest_budgets_still_give_five_classes(table, labels):
    problem = problem_of(table, labels=labels)
    assert len(set(known(problem).picks)) == 5
    assert all(len(read) <= labels for read in problem.labels.values())


def test_a_threshold_that_nothing_meets_still_ends(table):
    problem = problem_of(table, threshold=1e9)
    assert known(problem).notes["admissible_found"] == 0
    assert problem.remaining(problem.source) == 0


def test_a_sealed_target_is_an_error(table):
    whole = problem_of(table)
    values = bought_values(table, table.tasks, valid=False)
    sealed = Problem(
        whole.pool, whole.source, whole.target, whole.threshold, {whole.source: 20}, values, whole.rng, mode="paper"
    )
    with pytest.raises(SealedError, match=whole.target):
        known(sealed)


def belief_of(scores, read=()):
    scores = np.asarray(scores, dtype=np.float64)
    mask = np.isin(np.arange(len(scores)), read)
    return Belief(scores, np.where(mask, CERTAIN, 0.5), mask)


def test_expected_improvement_is_the_mean_of_what_is_gained():
    draws = 0.3 + 0.5 * np.random.default_rng(0).standard_normal(400_000)
    expected = np.maximum(0.1 - draws, 0).mean()
    assert Alone().improvement(belief_of([0.3]), 0.1)[0] == pytest.approx(expected, abs=2e-3)


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=8), st.floats(-3, 3))
@settings(max_examples=50, deadline=None)
def test_improvement_of_read_classes_is_exact_and_never_negative(scores, incumbent):
    belief = belief_of(scores, read=range(len(scores)))
    assert Alone().improvement(belief, incumbent) == pytest.approx(np.maximum(incumbent - belief.score, 0), abs=1e-6)
    assert (Alone().improvement(belief_of(scores), incumbent) >= 0).all()


def test_what_is_certain_about_a_neighbourhood_is_its_maximum():
    rng = np.random.default_rng(1)
    scores = rng.standard_normal(40)
    near = tuple(rng.choice(np.delete(np.arange(40), index), 4, replace=False) for index in range(40))
    estimate = Neighbourhood(near).estimate(belief_of(scores, read=range(40)))
    highest = np.array([max(scores[index], scores[members].max()) for index, members in enumerate(near)])
    # Levels are a grid, so that the maximum is known to within one step of it.
    assert np.abs(estimate - highest).max() < (np.ptp(scores) + 1) / (LEVELS - 1)


def test_more_neighbours_never_make_a_class_safer():
    belief = belief_of(np.random.default_rng(2).standard_normal(12))
    few = tuple(np.array([(i + 1) % 12]) for i in range(12))
    many = tuple(np.array([(i + 1) % 12, (i + 2) % 12, (i + 3) % 12]) for i in range(12))
    assert (Neighbourhood(many).estimate(belief) >= Neighbourhood(few).estimate(belief) - 1e-9).all()
    fewer, more = (Neighbourhood(near).improvement(belief, 0.0) for near in (few, many))
    assert (more <= fewer + 1e-9).all()


def test_the_doubt_of_a_class_is_its_worst_unread_member():
    belief = belief_of([0.0, 2.0, 1.0, 3.0], read=[3])
    exposure = Neighbourhood((np.array([1, 2, 3]), np.array([0]), np.array([0]), np.array([0])))
    index, chance = exposure.doubt(belief, 0, 0.5)
    assert index == 1
    assert chance > 0.9
    assert Neighbourhood((np.array([3]),) * 4).doubt(belief_of(np.zeros(4), read=range(4)), 0, 0.0) is None


@pytest.mark.slow
def test_it_locks_the_development_table():
    try:
        table = load_table("transnas_macro")
    except TableError as missing:
        pytest.skip(f"no table: {missing}")
    problem = problem_of(table, labels=128)
    judgement = judge_of(table, problem).judge(known(problem).picks)
    assert all(judgement.admissible)
    assert judgement.gap_closed > 0.5
