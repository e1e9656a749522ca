"""What anyone has without the release: public architectures trained from scratch on the same data and budget."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from math import ceil

import torch
from torch import Tensor, nn

from archlock.attacks.budget import AttackBudget, AttackResult
from archlock.attacks.cost import cost_of
from archlock.attacks.method import Prepared
from archlock.attacks.trial import train_trial
from archlock.errors import UsageError, did_you_mean
from archlock.iospec import IOSpec
from archlock.seeding import derive_seed, torch_generator
from archlock.spaces.network import Network
from archlock.tasks.task import Task
from archlock.training.fit import Schedule


class _Residual(nn.Module):
    """Basic block of He et al., CVPR 2016."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs))
        self.second = nn.Sequential(nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, h, w) to (batch, outputs, h / stride, w / stride)."""
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


def resnet8(io: IOSpec, width: int = 16) -> Network:
    """ResNet-8 of 16, 32 and 64 channels: the smallest of the CIFAR family of He et al., CVPR 2016."""
    body = nn.Sequential(
        nn.Conv2d(io.channels, width, 3, 1, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        _Residual(width, width, 1),
        _Residual(width, 2 * width, 2),
        _Residual(2 * width, 4 * width, 2),
    )
    return Network(body, 4 * width, io)


def convnet3(io: IOSpec) -> Network:
    """Three 3x3 convolutions of 32, 64 and 64 channels with pooling: what a tutorial would train."""
    layers: list[nn.Module] = []
    inputs = io.channels
    for outputs, pool in ((32, True), (64, True), (64, False)):
        layers += [nn.Conv2d(inputs, outputs, 3, 1, 1), nn.BatchNorm2d(outputs), nn.ReLU()]
        layers += [nn.MaxPool2d(2, ceil_mode=True)] if pool else []
        inputs = outputs
    return Network(nn.Sequential(*layers), inputs, io)


REFERENCES: dict[str, Callable[[IOSpec], Network]] = {"resnet8": resnet8, "convnet3": convnet3}
EQUAL_SIZE = "resnet8-equal-size"
"""ResNet-8 at the width that comes nearest to a model's number of parameters."""
WIDEST = 512
DRAW = "#"
"""Between a reference's name and which draw of its first weights it begins from, where that is not the first."""


def resnet8_like(io: IOSpec, parameters: int) -> Network:
    """ResNet-8 of w, 2w and 4w channels with about as many parameters as asked for, w at most `WIDEST`."""

    def count(width: int) -> int:
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in resnet8(io, width).parameters())

    low, high = 1, WIDEST
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if count(middle) < parameters else (low, middle)
    nearest = min({max(low - 1, 1), low}, key=lambda width: (abs(count(width) - parameters), width))
    return resnet8(io, nearest)


def reference_names(tries: int = 0) -> tuple[str, ...]:
    """Public references, the one of a model's own size among them.

    The best of many tries is better than that of few, whatever is tried. A comparison is fair where both sides have as
    many, so references are drawn again, from other first weights, until there are as many as attacks.

    Args:
        tries: how many attacks the references are compared with; fewer than there are references asks for each once.
    """
    names = (*REFERENCES, EQUAL_SIZE)
    draws = max(1, ceil(tries / len(names)))
    drawn = [name if draw == 1 else f"{name}{DRAW}{draw}" for draw in range(1, draws + 1) for name in names]
    return tuple(drawn[: max(tries, len(names))])


def train_reference(
    name: str, target: Task, budget: AttackBudget, seed: int, *, like: int | None = None, count_cost: bool = False
) -> AttackResult:
    """Train a public architecture from scratch as an attacker without the release would.

    Args:
        name: one of `reference_names`; each draw has first weights of its own, and the same data and batches.
        target: task the attacker wants.
        budget: what the attacker may spend.
        seed: as for `archlock.attacks.attack`, so that the same data fraction and batches are drawn.
        like: parameters of the model that a reference of equal size is compared with.
        count_cost: trace the network and fill `AttackResult.cost`.

    Raises:
        UsageError: no reference of that name, or one of equal size without ``like``.
    """
    owned = target.fraction(budget.fraction, torch_generator(seed, "fraction", target.name, budget.fraction))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "reference", name, target.name))
        network = _build(name.partition(DRAW)[0], target.io, like)
    trials = []
    for learning_rate in budget.learning_rates:
        schedule = Schedule(budget.steps, budget.batch, learning_rate)
        trials.append(train_trial(deepcopy(network), owned, schedule, torch_generator(seed, "batches", target.name)))
    cost = cost_of(Prepared(network, owned), owned, budget) if count_cost else None
    return AttackResult(f"scratch:{name}", target.name, budget.fraction, len(owned.train), tuple(trials), cost)


def _build(name: str, io: IOSpec, like: int | None) -> Network:
    if name == EQUAL_SIZE and like is not None:
        return resnet8_like(io, like)
    if name not in REFERENCES:
        raise UsageError(f"reference {name!r} is not known.{did_you_mean(name, tuple(REFERENCES))}")
    return REFERENCES[name](io)
