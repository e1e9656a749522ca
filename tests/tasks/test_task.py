"""Metrics, losses and data fractions of a task."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from archlock.errors import TaskError
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Split, Task


def loaded(name: str) -> Task:
    return load_task(TaskSettings(name=name, samples=60))


def perfect(task: Task) -> torch.Tensor:
    targets = task.test.targets
    if targets.dtype == torch.int64:
        return torch.nn.functional.one_hot(targets, task.io.outputs).float() * 40
    return (targets - 0.5) * 80 if task.metric_name == "macro F1" else targets


@pytest.mark.parametrize("name", ["shapes", "presence", "darcy"])
def test_a_perfect_answer_scores_one_and_loses_nothing(name: str) -> None:
    task = loaded(name)
    assert task.metric(perfect(task), task.test.targets) == pytest.approx(1.0)
    assert float(task.loss(perfect(task), task.test.targets)) == pytest.approx(0.0, abs=1e-6)
    assert task.metric(torch.zeros_like(perfect(task)), task.test.targets) < 0.9


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_macro_f1_agrees_with_scikit_learn(seed: int) -> None:
    task, generator = loaded("presence"), torch.Generator().manual_seed(seed)
    outputs = torch.randn(50, 4, generator=generator)
    targets = (torch.rand(50, 4, generator=generator) > 0.6).float()
    expected = f1_score(targets.numpy(), (outputs > 0).numpy(), average="macro", zero_division=1.0)
    assert task.metric(outputs, targets) == pytest.approx(expected)


@settings(deadline=None)
@given(share=st.floats(0.01, 1), seed=st.integers(0, 50))
def test_a_fraction_keeps_every_class_and_leaves_the_other_parts(share: float, seed: int) -> None:
    task = loaded("shapes")
    part = task.fraction(share, torch.Generator().manual_seed(seed))
    assert len(part.train) == max(round(share * len(task.train)), 6)
    assert set(part.train.targets.tolist()) == set(range(6))
    assert part.test is task.test
    rows = {tuple(row) for row in task.train.inputs.flatten(1)[:, :20].tolist()}
    assert {tuple(row) for row in part.train.inputs.flatten(1)[:, :20].tolist()} <= rows


@pytest.mark.parametrize("share", [0, -0.1, 1.5])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(TaskError, match="fraction"):
        loaded("shapes").fraction(share, torch.Generator())


def test_a_task_refuses_samples_that_do_not_fit() -> None:
    task = loaded("shapes")
    with pytest.raises(TaskError, match="labels run from"):
        _with_test(task, Split(task.test.inputs, task.test.targets + 1))
    with pytest.raises(TaskError, match="inputs have shape"):
        _with_test(task, Split(task.test.inputs[..., :5], task.test.targets))
    with pytest.raises(TaskError, match="NaN"):
        _with_test(task, Split(task.test.inputs * float("nan"), task.test.targets))


def _with_test(task: Task, test: Split) -> Task:
    return Task(task.name, task.kind, task.io, task.train, task.validation, test)


def test_another_validation_part_is_drawn_from_the_training_part_and_the_test_part_stays() -> None:
    task = load_task("textures")
    other = task.revalidated(torch.Generator().manual_seed(3))
    assert (len(other.train), len(other.validation)) == (len(task.train), len(task.validation))
    assert torch.equal(other.test.inputs, task.test.inputs)

    def rows(*splits: Split) -> set[bytes]:
        return {one.numpy().tobytes() for split in splits for one in split.inputs}

    assert rows(other.validation) <= rows(task.train)
    assert rows(other.train, other.validation) == rows(task.train, task.validation)
    assert not rows(other.train) & rows(other.validation)
    assert rows(other.validation) != rows(task.revalidated(torch.Generator().manual_seed(4)).validation)
