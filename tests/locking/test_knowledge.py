"""What a search knows after its labels, from a small real laboratory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from archlock.attacks import edits
from archlock.locking.knowledge import Knowledge, SimulatedTargets, learn
from archlock.locking.laboratory import Laboratory
from archlock.spaces.protocol import Genotype
from archlock.tasks.ledger import Ledger


def test_every_task_has_its_votes_and_the_labels_that_were_paid_for(knowledge: Knowledge) -> None:
    assert {title: (len(known.votes), len(known.labels)) for title, known in knowledge.tasks.items()} == {
        "digits": (10, 8),
        "textures(samples=90)": (10, 5),
        "colours(samples=90)": (10, 5),
    }


def test_predictions_are_finite_and_ordered(knowledge: Knowledge, population: tuple[Genotype, ...]) -> None:
    found = knowledge.predict(population)
    for column in (found.source, found.transfer_mean, found.transfer_worst):
        assert column.shape == (10,)
        assert np.isfinite(column).all()
    assert (found.transfer_worst >= found.transfer_mean - 1e-12).all()


def test_a_prediction_does_not_depend_on_its_company(knowledge: Knowledge, population: tuple[Genotype, ...]) -> None:
    together = knowledge.predict(population)
    alone = [knowledge.predict([genotype]) for genotype in population]
    assert together.source == pytest.approx([float(one.source[0]) for one in alone])
    assert together.transfer_mean == pytest.approx([float(one.transfer_mean[0]) for one in alone])


def test_predicted_source_is_in_raw_units_and_follows_the_labels(knowledge: Knowledge) -> None:
    labels = knowledge.tasks["digits"].labels
    predicted = knowledge.predict(knowledge.population[: len(labels)]).source
    assert labels.min() <= predicted.min()
    assert predicted.max() <= labels.max()
    assert spearmanr(predicted, labels).statistic > 0.5


def test_caution_lowers_the_source_and_raises_the_transfer_score(
    laboratory: Laboratory, knowledge: Knowledge, population: tuple[Genotype, ...]
) -> None:
    settings = laboratory.plan.settings
    wary = settings.model_copy(update={"engine": settings.engine.model_copy(update={"uncertainty": 0.5})})
    careful = replace(knowledge, plan=replace(laboratory.plan, settings=wary)).predict(population)
    unafraid = knowledge.predict(population)
    assert (careful.source <= unafraid.source).all()
    assert (careful.transfer_mean > unafraid.transfer_mean).all()


def test_the_best_label_is_the_fitted_curves_not_the_luckiest_ones(knowledge: Knowledge) -> None:
    labels = knowledge.tasks["digits"].labels
    assert np.median(labels) < knowledge.best_source_label <= labels.max()


def test_simulated_targets_share_out_the_library(knowledge: Knowledge) -> None:
    simulated = knowledge.simulated
    assert simulated.embeddings.shape[0] == 15
    assert set(simulated.stands_for) == {"textures(samples=90)", "colours(samples=90)"}
    assert sum(simulated.stands_for.values()) == pytest.approx(1)
    assert sum(simulated.weights.values()) == pytest.approx(1)
    source = knowledge.embeddings["digits"]
    cosines = simulated.embeddings @ source / np.linalg.norm(simulated.embeddings, axis=1) / np.linalg.norm(source)
    assert cosines == pytest.approx(0.9, abs=1e-6)


def test_no_library_task_is_left_without_weight() -> None:
    assert SimulatedTargets(np.zeros((1, 2)), {"a": 1.0, "b": 0.0}).weights == {"a": 0.75, "b": 0.25}


def test_the_ledger_holds_every_label_that_was_bought(
    laboratory: Laboratory, knowledge: Knowledge, population: tuple[Genotype, ...]
) -> None:
    fresh = Laboratory(laboratory.plan, laboratory.workshop, Ledger())
    assert learn(fresh, population).predict(population).source == pytest.approx(knowledge.predict(population).source)
    rows = {(row.task, row.stage): row.readings for row in fresh.ledger.counts()}
    assert rows["digits", "label source"] == 8
    assert rows["colours(samples=90)", "label targets"] == 5
    assert rows["textures(samples=90)", "score proxies"] == 10
    assert {task for task, _ in rows} == {"digits", "colours(samples=90)", "textures(samples=90)"}


def test_two_architectures_are_enough_to_go_on(laboratory: Laboratory, population: tuple[Genotype, ...]) -> None:
    """A tight budget may leave no more."""
    known = learn(laboratory, population[:2])
    assert np.isfinite(known.predict(population).transfer_mean).all()


def test_edited_genotypes_can_be_predicted(laboratory: Laboratory, knowledge: Knowledge) -> None:
    space = laboratory.plan.space
    edited = [g for genotype in knowledge.population for g in edits(space, genotype).values()]
    assert edited
    assert np.isfinite(knowledge.predict(edited).transfer_mean).all()
