"""Parting samples into train, validation and test, for any labels and any fold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.errors import TaskError
from archlock.tasks.samples import Parts, Samples, carve, fold_of_each, folded, make_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import TaskKind

CLASS_SIZES = st.lists(st.integers(5, 40), min_size=3, max_size=6)


def labelled(sizes: list[int], seed: int = 0) -> Samples:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    inputs = np.arange(len(labels), dtype=np.float32).reshape(-1, 1, 1, 1)
    return Samples(inputs, labels, TaskKind.CLASSIFICATION, tuple(f"class {index}" for index in range(len(sizes))))


@settings(deadline=None)
@given(sizes=CLASS_SIZES, seed=st.integers(0, 99), fold=st.integers(0, 4))
def test_the_parts_are_disjoint_and_together_everything(sizes: list[int], seed: int, fold: int) -> None:
    samples = labelled(sizes, seed)
    parts = folded(samples, TaskSettings(name="any", seed=seed, fold=fold))
    together = np.concatenate([parts.train, parts.validation, parts.test])
    assert sorted(together.tolist()) == list(range(sum(sizes)))


@settings(deadline=None)
@given(sizes=CLASS_SIZES, seed=st.integers(0, 99))
def test_every_fold_has_its_share_of_every_class(sizes: list[int], seed: int) -> None:
    samples = labelled(sizes, seed)
    folds = fold_of_each(samples, TaskSettings(name="any", seed=seed))
    for label, size in enumerate(sizes):
        counts = np.bincount(folds[samples.targets == label], minlength=5)
        assert counts.max() - counts.min() <= 1
        assert counts.min() >= size // 5
    assert np.ptp(np.bincount(folds, minlength=5)) <= 1


@settings(deadline=None)
@given(sizes=CLASS_SIZES, share=st.integers(2, 6))
def test_turning_the_validation_part_visits_every_sample_once(sizes: list[int], share: int) -> None:
    samples, named = labelled(sizes), TaskSettings(name="any")
    everyone = np.arange(sum(sizes))
    turns = [carve(everyone, samples, named, share=share, turn=turn)[1] for turn in range(share)]
    assert sorted(np.concatenate(turns).tolist()) == everyone.tolist()


def test_the_seed_shuffles_the_folds() -> None:
    samples = labelled([20, 20, 20])
    first, other = (folded(samples, TaskSettings(name="any", seed=seed)).test for seed in (0, 1))
    assert set(first.tolist()) != set(other.tolist())


def test_small_classes_and_small_data_are_refused_by_name() -> None:
    with pytest.raises(TaskError, match="any: class 'class 1' has 4 samples, at least 5 are needed"):
        make_task(labelled([20, 4, 20]), TaskSettings(name="any"))
    with pytest.raises(TaskError, match="any: 14 samples are too few"):
        make_task(labelled([7, 7]), TaskSettings(name="any"))


def test_inputs_that_are_not_finite_are_refused() -> None:
    samples = labelled([10, 10])
    samples.inputs[3] = np.inf
    with pytest.raises(TaskError, match="NaN or infinite"):
        make_task(samples, TaskSettings(name="any"))


def test_given_parts_are_kept() -> None:
    parts = Parts(np.arange(0, 20), np.arange(20, 25), np.arange(25, 30))
    task = make_task(labelled([15, 15]), TaskSettings(name="any"), parts)
    assert (len(task.train), len(task.validation), len(task.test)) == (20, 5, 5)
    assert float(task.train.inputs.flatten().diff().min()) > 0, "the order is kept"
