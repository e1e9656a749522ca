"""The replay test: what a method proposes follows from its labels, its threshold and its seed, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from archlock.locking.tabular.problem import ABLATIONS, Problem, Proposal
from archlock.locking.tabular.published import load_published
from archlock.locking.tabular.random_picks import filled
from archlock.locking.tabular.registry import METHODS, default_method, load_method
from archlock.tables import load_table
from archlock.testing import check_replay, small_table

DATA = os.environ.get("ARCHLOCK_DATA", "")
MODES = ("known", "unknown", "paper")


def settings_of(name):
    """The mode that a method is made for; every mode for one that is made for none."""
    made_for = [(mode, robust) for mode in MODES for robust in (False, True) if default_method(mode, robust) == name]
    return made_for or [(mode, False) for mode in MODES]


CASES = [(name, *setting) for name in METHODS for setting in settings_of(name)]


@pytest.mark.parametrize(("name", "mode", "robust"), CASES)
def test_noise_in_place_of_unread_values_changes_no_pick(name, mode, robust):
    check_replay(load_method(name), mode, robust=robust)


@pytest.mark.slow
@pytest.mark.parametrize("part", ABLATIONS)
@pytest.mark.parametrize(("name", "mode", "robust"), [case for case in CASES if case[0] != "random"])
def test_noise_changes_no_pick_where_a_part_is_random_or_validation_is_bought(name, mode, robust, part):
    check_replay(load_method(name), mode, robust=robust, ablated=(part,), valid=True)


@pytest.mark.parametrize("table", ["transnas_micro", "transnas_macro"])
@pytest.mark.parametrize(("name", "mode", "robust"), [case for case in CASES if case[0] != "random"])
@pytest.mark.skipif(
    not (Path(DATA) / "transnasbench101" / "transnasbench101.npz").is_file() if DATA else True,
    reason="needs the published tables in $ARCHLOCK_DATA",
)
def test_noise_changes_no_pick_on_a_published_table_with_its_published_scores(name, mode, robust, table):
    loaded = load_table(table)
    published = load_published(loaded).features()
    check_replay(load_method(name), mode, robust=robust, table=loaded, published=published, labels=40)


@pytest.mark.slow
@pytest.mark.parametrize("table", ["nasbench201", "nasbench360"])
@pytest.mark.parametrize(("name", "mode", "robust"), [case for case in CASES if case[0] != "random"])
@pytest.mark.skipif(
    not (Path(DATA) / "nasbench360" / "nb201_nb360.npz").is_file() if DATA else True,
    reason="needs the published tables in $ARCHLOCK_DATA",
)
def test_noise_changes_no_pick_at_the_full_budget_of_the_cells(name, mode, robust, table):
    loaded = load_table(table)
    published = load_published(loaded).features()
    check_replay(load_method(name), mode, robust=robust, table=loaded, published=published, labels=128)


def test_another_seed_is_another_draw():
    drawn = []

    def watched(problem: Problem) -> Proposal:
        proposal = load_method("random")(problem)
        drawn.append(list(problem.labels[problem.source]))
        return proposal

    for seed in (0, 1):
        check_replay(watched, "paper", seed=seed)
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_replay_test_catches_a_method_that_peeks():
    def peeks(problem: Problem) -> Proposal:
        problem.read(problem.source, 0)
        column = problem._values[problem.target]
        return Proposal(tuple(int(index) for index in np.argsort(column)[:5]))

    with pytest.raises(AssertionError, match="not read"):
        check_replay(peeks, "unknown")


def test_the_replay_test_catches_randomness_from_elsewhere():
    draws = iter(np.random.default_rng(0).permutation(200).reshape(-1, 5).tolist())
    with pytest.raises(AssertionError, match="picks or readings"):
        check_replay(lambda problem: Proposal(tuple(next(draws))), "paper")


def test_every_mode_has_a_method_of_its_own_name_and_a_robust_one():
    assert [default_method(mode, robust=False) for mode in MODES] == list(MODES)
    assert [default_method(mode, robust=True) for mode in MODES] == ["robust", "robust-unknown", "robust-paper"]
    assert all(default_method(mode, robust) in METHODS for mode in MODES for robust in (False, True))


def test_missing_picks_are_filled_with_the_best_on_the_source():
    table = small_table(rows=60)

    def three(problem: Problem) -> Proposal:
        values = {index: problem.read(problem.source, index) for index in (7, 8, 9, 10, 11, 12)}
        best = sorted(values, key=lambda index: -values[index])
        picks = filled(problem, [best[-1]])
        assert picks == (best[-1], *best[:4])
        return Proposal(picks)

    check_replay(three, "paper", table=table)
