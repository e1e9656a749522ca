from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.errors import SealedError
from archlock.locking.tabular.acquisition import expected_improvement
from archlock.locking.tabular.features import pool_of
from archlock.locking.tabular.kernels import feature_groups
from archlock.locking.tabular.metrics import Judge, raw_threshold
from archlock.locking.tabular.protocol import Rules, bought_values, make_problem, source_bar
from archlock.locking.tabular.unknown import Settings, robust_unknown, unknown
from archlock.locking.tabular.unknown_belief import (
    Outlook,
    average_task,
    chance_admissible,
    percentile_scale,
)
from archlock.locking.tabular.unknown_field import Posterior, SharedField
from archlock.testing import check_replay, small_table


def problem_of(table, labels=48, seed=0, ablated=(), threshold=None):
    rules = Rules("unknown", labels, ablated=ablated)
    bar = source_bar(table, table.tasks[0], rules, threshold)
    values = bought_values(table, table.tasks, valid=False)
    return make_problem(pool_of(table), values, table.tasks[0], table.tasks[1], bar, rules, seed, table.name)


def gap_closed(table, method, **given):
    problem = problem_of(table, **given)
    judge = Judge.of(table.truth[problem.source], table.truth[problem.target], problem.threshold)
    return judge.judge(method(problem).picks).gap_closed


@pytest.fixture(scope="module")
def table():
    return small_table(rows=900, tasks=5)


@pytest.fixture(scope="module")
def groups(table):
    return feature_groups(pool_of(table))


@pytest.mark.parametrize("labels", [8, 40])
@pytest.mark.parametrize("method", [unknown, robust_unknown])
def test_unread_values_change_nothing(method, labels, table):
    check_replay(method, "unknown", labels=labels, table=table)


def test_robust_picks_hold_better_after_one_edit_than_picks_made_for_the_class_alone():
    """Two tasks that are almost one, so that a target's own whims do not hide what edits do."""
    made = small_table(rows=400, tasks=3)
    truth = {task: made.truth["task2" if task == "task1" else task] for task in made.tasks}
    table = replace(made, truth=truth)
    judge = Judge.of(truth["task0"], truth["task1"], raw_threshold(truth["task0"]), table.neighbours)
    exposed = {
        method: np.mean([
            judge.judge(method(problem_of(table, labels=150, seed=seed)).picks).target_percentile for seed in range(2)
        ])
        for method in (unknown, robust_unknown)
    }  # fmt: skip
    assert exposed[robust_unknown] < exposed[unknown]
    assert exposed[robust_unknown] < judge.random - 0.3 * (judge.random - judge.oracle)


def test_the_target_stays_sealed_and_budgets_are_kept(table):
    problem = problem_of(table)
    proposal = unknown(problem)
    assert problem.target not in problem.labels
    with pytest.raises(SealedError):
        problem.read(problem.target, proposal.picks[0])
    assert {task: len(read) <= 48 for task, read in problem.labels.items()} == dict.fromkeys(problem.readable, True)
    assert len(problem.labels[problem.source]) == 48


def test_picks_are_verified(table):
    problem = problem_of(table)
    source, picks = problem.labels[problem.source], unknown(problem).picks
    assert all(source[index] >= problem.threshold for index in picks)


def test_it_locks_better_than_random_admissible_classes(table):
    assert np.mean([gap_closed(table, unknown, seed=seed) for seed in range(4)]) > 0.15


def test_labels_chosen_by_the_model_find_more_admissible_classes_than_random_ones(table):
    found = {
        ablated: unknown(problem_of(table, ablated=ablated)).notes["admissible_found"]
        for ablated in [(), ("acquisition",), ("predictor",)]
    }
    assert found[()] > found[("acquisition",)]
    assert found[()] > found[("predictor",)]


def test_an_unreachable_threshold_still_gives_the_best_labelled_classes(table):
    problem = problem_of(table, threshold=1e6)
    picks, source = unknown(problem).picks, problem.labels[problem.source]
    assert sorted(source.values())[-5:] == sorted(source[index] for index in picks)


def test_without_another_task_the_source_stands_for_it():
    table = small_table(rows=600, tasks=2)
    problem = problem_of(table)
    proposal = unknown(problem)
    assert set(problem.labels) == {problem.source}
    assert all(problem.labels[problem.source][index] >= problem.threshold for index in proposal.picks)


def own_budgets(table, budgets, seed=0):
    """A problem with a budget for each task; those not named are sealed."""
    rules = Rules("unknown", budgets)
    values = bought_values(table, table.tasks, valid=False)
    bar = source_bar(table, "task0", rules)
    return make_problem(pool_of(table), values, "task0", "task1", bar, rules, seed, table.name)


@given(st.integers(5, 40), st.lists(st.integers(0, 60), min_size=3, max_size=3))
@settings(max_examples=12, deadline=None)
def test_unequal_budgets_are_each_kept_and_none_stops_another(source, others):
    budgets = {"task0": source, "task1": 0} | {f"task{at}": count for at, count in enumerate(others, 2)}
    problem = own_budgets(small_table(rows=300, tasks=5), budgets)
    proposal = unknown(problem, Settings(start=6))
    read = {task: len(labels) for task, labels in problem.labels.items()}
    assert read["task0"] == source
    assert set(read) == {task for task, count in budgets.items() if count}
    assert all(0 < count <= budgets[task] for task, count in read.items())
    # A task with far more labels than the source is asked about classes that the source is never asked about.
    assert all(read[task] >= source for task in read if budgets[task] >= 2 * source)
    assert len(set(proposal.picks)) == 5


def test_a_larger_budget_screens_before_the_source_is_asked(table):
    plenty = {"task0": 30, "task1": 0, "task2": 200, "task3": 8, "task4": 200}
    problem = own_budgets(table, plenty)
    unknown(problem)
    source = set(problem.labels["task0"])
    assert problem.labels["task2"].keys() == problem.labels["task4"].keys()
    assert len(problem.labels["task2"]) > 100
    assert len(problem.labels["task2"].keys() - source) > 80
    assert 0 < len(problem.labels["task3"]) <= 8


def test_equal_budgets_label_the_other_tasks_at_the_same_classes(table):
    problem = problem_of(table)
    unknown(problem)
    _, *others = (list(problem.labels[task]) for task in problem.readable)
    assert others[0] == others[1] == others[2]


def test_more_labels_of_the_other_tasks_lock_better(table):
    def closed(count, seed):
        budgets = {"task0": 48, "task1": 0} | dict.fromkeys(("task2", "task3", "task4"), count)
        problem = own_budgets(table, budgets, seed)
        judge = Judge.of(table.truth["task0"], table.truth["task1"], problem.threshold)
        return judge.judge(unknown(problem).picks).gap_closed

    few, many = (np.mean([closed(count, seed) for seed in range(4)]) for count in (0, 150))
    assert many > few


def test_a_target_that_is_like_the_other_tasks_is_locked_far_better():
    table = small_table(rows=900, tasks=4)
    problem = problem_of(table)
    alike = table.truth[table.tasks[2]] + table.truth[table.tasks[3]]
    judge = Judge.of(table.truth[problem.source], alike, problem.threshold)
    assert judge.judge(unknown(problem).picks).gap_closed > 0.5


def test_a_field_updated_label_by_label_equals_one_factored_at_once(groups):
    rng = np.random.default_rng(3)
    rows = rng.permutation(len(groups.features))[:30].tolist()
    labels = rng.standard_normal((30, 2))
    one_by_one, at_once = SharedField(groups, 30), SharedField(groups, 30)
    for row in rows[:20]:
        one_by_one.add(row)
    one_by_one.fit(labels[:20], every=1000)
    for row in rows:
        at_once.add(row)
    for row in rows[20:]:
        one_by_one.add(row)
    at_once._length, at_once._noise, at_once._due = one_by_one._length, one_by_one._noise, 1000
    at_once._refactor()
    for first, second in zip(
        vars(one_by_one.fit(labels, 1000)).values(), vars(at_once.fit(labels, 1000)).values(), strict=True
    ):
        np.testing.assert_allclose(first, second, atol=1e-7)


def test_a_field_is_surest_at_its_labels_and_follows_them(groups):
    rows = np.random.default_rng(0).permutation(len(groups.features))[:60].tolist()
    labels = groups.features[:, :1] + groups.features[:, 1:2] * 2
    field = SharedField(groups, 60)
    for row in rows:
        field.add(row)
    posterior = field.fit(labels[rows], every=10)
    others = np.setdiff1d(np.arange(len(groups.features)), rows)
    assert posterior.deviation[rows].mean() < posterior.deviation[others].mean()
    assert np.corrcoef(posterior.mean[others, 0], labels[others, 0])[0, 1] > 0.7


@given(st.integers(0, 2**32 - 1), st.floats(-2, 2), st.floats(0.1, 5))
@settings(max_examples=30, deadline=None)
def test_the_average_task_does_not_depend_on_units(seed, shift, scale):
    rng = np.random.default_rng(seed)
    mean, deviation = rng.standard_normal((40, 3)), rng.random((40, 3)) + 0.1
    weights, admissible = np.array([0.5, 1.0, 1.0]), rng.random(40)
    plain = average_task(mean, deviation, weights, admissible)
    moved = average_task(scale * mean + shift, scale * deviation, weights, admissible)
    np.testing.assert_allclose(plain, moved, rtol=1e-6, atol=1e-6)


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.01, 3))
@settings(max_examples=50, deadline=None)
def test_expected_improvement_is_positive_and_at_least_what_the_mean_promises(incumbent, mean, deviation):
    gain = expected_improvement(incumbent, np.array([mean]), np.array([deviation]))[0]
    assert gain >= max(incumbent - mean, 0) - 1e-9
    worse = expected_improvement(incumbent, np.array([mean + 0.5]), np.array([deviation]))[0]
    assert worse <= gain + 1e-12


def test_percentiles_keep_the_order_and_the_range():
    mean = np.random.default_rng(1).standard_normal((300, 2))
    expected, spread = percentile_scale(mean, np.full_like(mean, 0.3), mean)
    assert (expected.min(), expected.max()) == (0, 100)
    assert (spread > 0).all()
    assert (np.diff(expected[np.argsort(mean[:, 0]), 0]) >= 0).all()


def test_what_was_read_is_certain_and_the_rest_is_not():
    posterior = Posterior(np.array([[3.0], [-3.0], [0.0]]), np.full((3, 1), 0.1), np.array([0.2]))
    chance = chance_admissible(posterior, 0.0, [1], np.array([1.0]))
    assert chance[1] == 1.0
    assert 0.99 < chance[0] < 1.0
    assert chance[2] == pytest.approx(0.5)


def test_before_any_class_is_verified_only_admissibility_counts():
    outlook = Outlook(np.array([0.1, 0.6, 0.3]), np.array([-9.0, 0.0, 1.0]), np.ones(3))
    assert int(np.argmax(outlook.value(5))) == 1
