"""Public architectures from scratch: they learn, on the very samples that an attack draws."""

from __future__ import annotations

import pytest
import torch

from archlock.attacks import REFERENCES, AttackBudget, Release, Trial, attack, reference, train_reference
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
