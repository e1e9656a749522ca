"""`bench predictor`: judged on classes that were never labelled."""

from __future__ import annotations

import numpy as np
import pytest

from archlock.benches.predictor import (
    PredictorTrial,
    contrast,
    predictor_trials,
    run_predictor_trial,
)
from archlock.benches.predictor_table import PUBLISHED, predictor_document, predictor_rows, predictor_text
from archlock.benches.predictors import PREDICTORS, Predictor
from archlock.benches.setting import TableChoice
from archlock.errors import UsageError
from archlock.seeding import numpy_generator


@pytest.mark.parametrize("name", PREDICTORS)
def test_a_predictor_ranks_what_it_has_not_seen(table_file, name):
    choice = TableChoice("", table_file, ("task0", "task1"))
    result = run_predictor_trial(PredictorTrial(choice, name, 60, 0))
    assert result.labels == 120
    assert set(result.taus) == {"task0", "task1"}
    assert set(result.contrasts) == {"task0/task1"}
    assert min(result.taus.values()) > 0.3
    assert min(result.contrasts.values()) > 0.3


def test_labelled_classes_are_not_judged(table_file, monkeypatch):
    """A predictor that knows its labels and nothing else is worth nothing."""

    def remembers(pool, labels, generators):
        found = {task: generators(task).standard_normal(pool.classes) for task in labels}
        for task, own in labels.items():
            found[task][list(own)] = list(own.values())
        return found

    monkeypatch.setitem(PREDICTORS, "remembers", Predictor(remembers))
    result = run_predictor_trial(PredictorTrial(TableChoice("", table_file), "remembers", 2000, 0))
    assert max(np.abs(list(result.taus.values()))) < 0.1
    assert max(np.abs(list(result.contrasts.values()))) < 0.1


def test_predictors_see_the_same_labels(table_file, monkeypatch):
    seen = []

    def watches(pool, labels, generators):
        seen.extend((tuple(own), tuple(own.values())) for own in labels.values())
        return {task: np.zeros(pool.classes) for task in labels}

    monkeypatch.setitem(PREDICTORS, "watches", Predictor(watches))
    choice = TableChoice("", table_file, ("task0", "task1"))
    result = run_predictor_trial(PredictorTrial(choice, "watches", 50, 7))
    drawn = numpy_generator(7, "bench predictor", "labels").permutation(len(choice.open()))[:50]
    assert [indices for indices, _ in seen] == [tuple(np.sort(drawn))] * 2
    assert seen[0][1] == tuple(choice.open().truth["task0"][np.sort(drawn)])
    assert set(result.taus.values()) == {0.0}  # one value for all ranks nothing


def test_a_predictor_with_a_contrast_of_its_own_is_judged_by_it(table_file, monkeypatch):
    truth = TableChoice("", table_file).open().truth

    def knows(pool, source, target, source_scores, target_scores):
        return contrast(truth["task0"], truth["task1"])

    made = Predictor(lambda pool, labels, rng: {task: np.zeros(pool.classes) for task in labels}, knows)
    monkeypatch.setitem(PREDICTORS, "knows", made)
    choice = TableChoice("", table_file, ("task0", "task1"))
    result = run_predictor_trial(PredictorTrial(choice, "knows", 50, 0))
    assert result.contrasts["task0/task1"] > 0.999
    assert result.taus == {"task0": 0.0, "task1": 0.0}


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
    assert row.tau_interval.low <= row.tau <= row.tau_interval.high
    assert row.contrast_interval.low <= row.contrast <= row.contrast_interval.high
    assert row.pair_accuracy == pytest.approx((1 + row.tau) / 2)
    text = predictor_text(results, 40)
    assert row.worst_pair in text
    assert PUBLISHED in text
    assert predictor_document(results)["published"] == PUBLISHED


def test_faults_are_told(table_file):
    with pytest.raises(UsageError, match="Did you mean 'extra-trees'"):
        predictor_trials(TableChoice("", table_file), ["extra-tree"], 40, [0])
    with pytest.raises(UsageError, match="of 3585 classes, not 3580"):
        predictor_trials(TableChoice("", table_file), ["extra-trees"], 3580, [0])
