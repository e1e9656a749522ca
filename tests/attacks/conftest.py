from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from archlock.attacks import AttackBudget, Release
from archlock.seeding import torch_generator
from archlock.spaces.protocol import Genotype, Option, SearchSpace
from archlock.spaces.registry import load_space
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task
from archlock.training.fit import Schedule, fit

SHAPE = (3, 16, 16)
OPEN: dict[str, Option] = {
    "resolution": 1.0,
    "stem.colour": "colour",
    "stem.kernel": 3,
    "stem.stride": 1,
    "stem.width": 12,
    "norm": "batch",
    "downsample": "stride",
    "pooling": "average",
    "stage0.block": "MBConv",
    "stage0.width": 16,
    "stage0.stride": 2,
    "stage0.skip": True,
    "stage0.kernel": 3,
    "stage0.expansion": 2,
    "stage0.depth": 2,
    "stage1.block": "none",
    "stage2.block": "none",
}
CLOSED: dict[str, Option] = {**OPEN, "resolution": 0.375, "stem.colour": "luminance", "stem.stride": 4}

GenotypeOf = Callable[[dict[str, Option]], Genotype]


@pytest.fixture(scope="session")
def space() -> SearchSpace:
    return load_space("hybrid")


@pytest.fixture(scope="session")
def genotype_of(space: SearchSpace) -> GenotypeOf:
    """Canonical genotype of named options; any option not named is the first."""

    def make(options: dict[str, Option]) -> Genotype:
        assert options.keys() <= {choice.name for choice in space.choices}
        return space.canonical(
            tuple(c.options.index(options[c.name]) if c.name in options else 0 for c in space.choices)
        )

    return make


@pytest.fixture(scope="session")
def digits() -> Task:
    return load_task("digits", input_shape=SHAPE)


@pytest.fixture(scope="session")
def colours() -> Task:
    """A task that needs colour."""
    return load_task(TaskSettings(name="colours", samples=300, difficulty=0.0), input_shape=SHAPE)


@pytest.fixture(scope="session")
def budget() -> AttackBudget:
    return AttackBudget(fraction=0.5, steps=10, batch=16, learning_rates=(0.003, 0.01))


def train_release(space: SearchSpace, genotype: Genotype, task: Task, steps: int) -> Release:
    """A model trained on a task, or as it was initialised where there are no steps."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = space.build(genotype, task.io)
    if steps:
        fit(network, task, Schedule(steps), torch_generator(0, "release"))
    return Release(space, genotype, {name: value.clone() for name, value in network.state_dict().items()})


@pytest.fixture(scope="session")
def released(space: SearchSpace, genotype_of: GenotypeOf, digits: Task) -> Release:
    """An open network trained on digits."""
    return train_release(space, genotype_of(OPEN), digits, steps=100)


@pytest.fixture(scope="session")
def untrained(space: SearchSpace, genotype_of: GenotypeOf, digits: Task) -> Release:
    """The same architecture with the weights it began with."""
    return train_release(space, genotype_of(OPEN), digits, steps=0)


@pytest.fixture(scope="session")
def closed(space: SearchSpace, genotype_of: GenotypeOf, digits: Task) -> Release:
    """The naive lock: grey, at six pixels, in steps of four."""
    return train_release(space, genotype_of(CLOSED), digits, steps=100)
