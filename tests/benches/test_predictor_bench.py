"""`bench predictor`: judged on classes that were never labelled."""

from __future__ import annotations

import numpy as np
import pytest

from archlock.benches.predictor import (
    PredictorTrial,
    contrast,
    predictor_rows,
    predictor_text,
    predictor_trials,
    run_predictor_trial,
)
from archlock.benches.predictors import PREDICTORS
from archlock.benches.setting import TableChoice
from archlock.errors import UsageError
from archlock.seeding import numpy_generator


@pytest.mark.parametrize("name", PREDICTORS)
def test_a_predictor_ranks_what_it_has_not_seen(table_file, name):
    result = run_predictor_trial(PredictorTrial(TableChoice("", table_file), name, 100, 0))
    assert result.labels == 300
    assert set(result.taus) == {"task0", "task1", "task2"}
    assert set(result.contrasts) == {"task0/task1", "task0/task2", "task1/task2"}
    assert min(result.taus.values()) > 0.35
    assert min(result.contrasts.values()) > 0.3


def test_labelled_classes_are_not_judged(table_file, monkeypatch):
    """A predictor that knows its labels and nothing else is worth nothing."""

    def remembers(pool, indices, values, rng):
        mean = rng.standard_normal(pool.classes)
        mean[indices] = values
        return mean

    monkeypatch.setitem(PREDICTORS, "remembers", remembers)
    result = run_predictor_trial(PredictorTrial(TableChoice("", table_file), "remembers", 2000, 0))
    assert max(np.abs(list(result.taus.values()))) < 0.1
    assert max(np.abs(list(result.contrasts.values()))) < 0.1


def test_predictors_see_the_same_labels(table_file, monkeypatch):
    seen = []

    def watches(pool, indices, values, rng):
        seen.append((tuple(indices), tuple(values)))
        return np.zeros(pool.classes)

    monkeypatch.setitem(PREDICTORS, "watches", watches)
    choice = TableChoice("", table_file, ("task0", "task1"))
    result = run_predictor_trial(PredictorTrial(choice, "watches", 50, 7))
    drawn = numpy_generator(7, "bench predictor", "labels").permutation(len(choice.open()))[:50]
    assert [indices for indices, _ in seen] == [tuple(np.sort(drawn))] * 2
    assert seen[0][1] == tuple(choice.open().truth["task0"][np.sort(drawn)])
    assert set(result.taus.values()) == {0.0}  # one value for all ranks nothing


def test_contrast_turns_round_with_the_pair():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(2, 50))
    assert (contrast(source, target) == -contrast(target, source)).all()
    assert not contrast(source, source).any()


def test_rows_average_seeds_and_name_the_worst(table_file):
    choice = TableChoice("", table_file)
    results = [run_predictor_trial(trial) for trial in predictor_trials(choice, ["extra-trees"], 40, range(2))]
    (row,) = predictor_rows(results)
    assert row.tau == pytest.approx(np.mean([list(one.taus.values()) for one in results]))
    assert row.worst_tau == min(np.mean([one.taus[task] for one in results]) for task in results[0].taus)
    assert row.worst_pair in predictor_text(results, 40)


def test_faults_are_told(table_file):
    with pytest.raises(UsageError, match="Did you mean 'extra-trees'"):
        predictor_trials(TableChoice("", table_file), ["extra-tree"], 40, [0])
    with pytest.raises(UsageError, match="of 3585 classes, not 3580"):
        predictor_trials(TableChoice("", table_file), ["extra-trees"], 3580, [0])
