"""Units of work for the tests of executors; worker processes import this module by its bare name."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import torch
from torch import nn

from archlock.errors import ModelError
from archlock.seeding import torch_generator


@dataclass(frozen=True)
class Training:
    seed: int
    steps: int = 12


class PickyError(ModelError):
    """An archlock error whose constructor pickle cannot call."""

    def __init__(self, layer: str, size: int) -> None:
        super().__init__(f"{layer}: {size} is too large")


def square(number: int) -> int:
    return number * number


def nap(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def threads_of(_: int) -> int:
    return torch.get_num_threads()


def train_small_network(job: Training) -> list[float]:
    """A real convolutional training with convolutions, normalisation, a linear layer and momentum."""
    generator = torch_generator(job.seed, "contract")
    network = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3),
        nn.Flatten(),
        nn.Linear(288, 10),
    )
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    for _ in range(job.steps):
        inputs = torch.randn(32, 1, 8, 8, generator=generator)
        targets = torch.randint(10, (32,), generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(inputs), targets).backward()
        optimizer.step()
    return [float(value) for weight in network.parameters() for value in weight.flatten().tolist()]


def fail_on_three(number: int) -> int:
    if number == 3:
        raise ModelError("layer 3: unknown operation")
    return number


def fail_pickily(number: int) -> int:
    raise PickyError("conv", number)


def divide(number: int) -> float:
    return 1 / number


def leave(_: int) -> int:
    raise SystemExit(7)


def give_what_cannot_be_sent(_: int) -> object:
    return lambda: None


def complain_at_length(number: int) -> int:
    raise ValueError(f"line one of {number}\n\tline two \udcff")


def crash(number: int) -> int:
    if number == 1:
        os._exit(9)
    return number
