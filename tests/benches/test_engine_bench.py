"""`bench engine`: the same evaluations for every engine, ranked over tasks."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from archlock.benches.engine import EngineResult, engine_rows, engine_text, engine_trials, run_engine_trial
from archlock.benches.setting import TableChoice
from archlock.engines import engine_names
from archlock.errors import UsageError


@pytest.mark.parametrize(
    "engines",
    [
        [name for name in engine_names() if name != "bayesian-gp"],
        pytest.param(["bayesian-gp"], marks=pytest.mark.slow),
    ],
    ids=["quick engines", "gaussian process"],
)
def test_every_engine_spends_the_same_and_beats_a_single_draw(table_file, engines):
    choice = TableChoice("", table_file)
    results = [run_engine_trial(trial) for trial in engine_trials([choice], 70, [0], engines)]
    assert {one.engine for one in results} == set(engines)
    assert {one.task for one in results} == {"task0", "task1", "task2"}
    assert {one.evaluations for one in results} == {70}
    table = choice.open()
    for one in results:
        assert one.best in table.truth[one.task]
        assert 0 <= one.regret < 25
        assert one.regret == pytest.approx((table.truth[one.task] > one.best).sum() * 100 / (len(table) - 1))


def test_more_evaluations_never_leave_random_search_worse(table_file):
    choice = TableChoice("", table_file, ("task0", "task1"))
    few = [run_engine_trial(trial) for trial in engine_trials([choice], 20, range(3), ["random"])]
    many = [run_engine_trial(trial) for trial in engine_trials([choice], 200, range(3), ["random"])]
    assert np.mean([one.regret for one in many]) < np.mean([one.regret for one in few])


def test_ranks_are_means_over_tasks_and_the_worst_case_is_named():
    made = [
        EngineResult("t", task, engine, 0, 10, 0.0, regret)
        for engine, regrets in {"a": (1.0, 9.0), "b": (2.0, 3.0)}.items()
        for task, regret in zip(("x", "y"), regrets, strict=True)
    ]
    first, second = engine_rows(made)
    assert {first.mean_rank, second.mean_rank} == {1.5}
    worst = {row.engine: (row.worst_regret, row.worst_task) for row in (first, second)}
    assert worst == {"a": (9.0, "t/y"), "b": (3.0, "t/y")}
    assert "t/y" in engine_text(made)


def test_unknown_engines_are_told(table_file):
    with pytest.raises(UsageError, match="Did you mean 'random'"):
        engine_trials([TableChoice("", table_file)], 10, [0], ["rndom"])


def test_without_an_extra_the_other_engines_run_and_the_rest_is_named(table_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    choice = TableChoice("", table_file, ("task0",))
    trials = engine_trials([choice], 20, [0])
    assert {one.engine for one in trials} == set(engine_names()) - {"bayesian", "bayesian-gp"}
    text = engine_text([run_engine_trial(trials[0])])
    assert text.splitlines()[-2].startswith("not run: ")
    assert "bayesian-gp" in text.splitlines()[-2]
    with pytest.raises(UsageError, match="bayesian"):
        engine_trials([choice], 20, [0], ["bayesian"])


def test_a_table_that_lacks_architectures_of_its_space_is_told(arrays, tmp_path):
    rows = np.arange(0, 4096, 3)
    part = {key: value[rows] if len(value.shape) and len(value) == 4096 else value for key, value in arrays.items()}
    np.savez(tmp_path / "part.npz", **{key: value for key, value in part.items() if key != "twins"})
    (trial,) = engine_trials([TableChoice("", tmp_path / "part.npz", ("task0",))], 40, [0], ["random"])
    with pytest.raises(UsageError, match="is not in it"):
        run_engine_trial(trial)
