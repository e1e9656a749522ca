"""Public architectures from scratch: they learn, on the very samples that an attack draws."""

from __future__ import annotations

import pytest
import torch

from archlock.attacks import (
    REFERENCES,
    AttackBudget,
    Release,
    Trial,
    attack,
    reference,
    reference_names,
    train_reference,
)
from archlock.attacks import run as attack_run
from archlock.errors import UsageError
from archlock.iospec import IOSpec, OutputKind
from archlock.tasks.task import Task
from archlock.training.fit import Schedule


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_learns_digits(name: str, digits: Task) -> None:
    result = train_reference(name, digits, AttackBudget(1.0, 60, 32, (0.01,)), seed=0)
    assert result.attack == f"scratch:{name}"
    assert not result.is_surgery
    assert result.value > 0.8


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize(
    "io", [IOSpec(1, 8, 8, OutputKind.CLASSES, 3), IOSpec(3, 16, 20, OutputKind.DENSE, 1)], ids=["classes", "dense"]
)
def test_a_reference_fits_every_shape(name: str, io: IOSpec) -> None:
    shape = REFERENCES[name](io)(torch.zeros(2, *io.input_shape)).shape
    assert shape == ((2, 3) if io.output is OutputKind.CLASSES else (2, 1, 16, 20))


def test_a_reference_repeats(colours: Task, budget: AttackBudget) -> None:
    first, second = (train_reference("convnet3", colours, budget, seed=1) for _ in range(2))
    assert first == second
    assert first != train_reference("convnet3", colours, budget, seed=2)


def test_a_reference_meets_the_data_of_an_attack(
    released: Release, colours: Task, budget: AttackBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[tuple[torch.Tensor, int]] = []

    def noted(network: torch.nn.Module, task: Task, schedule: Schedule, generator: torch.Generator) -> Trial:
        met.append((task.train.inputs, generator.initial_seed()))
        return Trial(schedule.learning_rate, 0.0, 0.0)

    monkeypatch.setattr(attack_run, "train_trial", noted)
    monkeypatch.setattr(reference, "train_trial", noted)
    attack(released, "fine-tune", colours, budget, seed=4)
    train_reference("resnet8", colours, budget, seed=4)
    assert len(met) == 4
    assert all(torch.equal(inputs, met[0][0]) and seed == met[0][1] for inputs, seed in met)


def test_an_unknown_reference_suggests_the_nearest(colours: Task, budget: AttackBudget) -> None:
    with pytest.raises(UsageError, match="Did you mean 'resnet8'"):
        train_reference("resnet18", colours, budget, 0)


def test_references_have_as_many_tries_as_they_are_compared_with() -> None:
    three = ("resnet8", "convnet3", "resnet8-equal-size")
    assert reference_names() == reference_names(2) == reference_names(3) == three
    assert reference_names(5) == (*three, "resnet8#2", "convnet3#2")
    for tries in range(3, 40):
        assert len(set(reference_names(tries))) == tries
        assert reference_names(tries) == reference_names(40)[:tries]


def test_a_further_draw_has_other_weights_and_the_same_data(
    colours: Task, budget: AttackBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[tuple[torch.Tensor, torch.Tensor, int]] = []

    def noted(network: torch.nn.Module, task: Task, schedule: Schedule, generator: torch.Generator) -> Trial:
        first = next(network.parameters()).detach().clone()
        met.append((first, task.train.inputs, generator.initial_seed()))
        return Trial(schedule.learning_rate, 0.0, 0.0)

    monkeypatch.setattr(reference, "train_trial", noted)
    for name in ("resnet8", "resnet8#2", "resnet8#3", "resnet8-equal-size#2"):
        assert train_reference(name, colours, budget, seed=4, like=70_000).attack == f"scratch:{name}"
    weights, inputs, seeds = zip(*met[::2], strict=True)  # one of the two learning rates
    assert all(torch.equal(each, inputs[0]) for each in inputs)
    assert len(set(seeds)) == 1
    assert len({float(each.sum()) for each in weights}) == 4
