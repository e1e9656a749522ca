"""The one training loop: AdamW on a one-cycle schedule, batches drawn from a generator that the caller gives."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from archlock.tasks.task import Split, Task

EVALUATION_BATCH = 256
EVALUATION_PIXELS = 2**18
"""Pixels of a batch at most, 256 pictures of 32x32: as many of 224x224 take gigabytes, and longer than five at once."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes:
        steps: gradient steps.
        batch: samples per step; a smaller data set is used whole.
        learning_rate: peak of the one-cycle schedule.
        weight_decay: decoupled, on matrices and kernels only.
    """

    steps: int
    batch: int = 32
    learning_rate: float = 0.01
    weight_decay: float = 0.01


@dataclass(frozen=True)
class Fitted:
    """What a training gave.

    Attributes:
        validation: the task's metric on its validation part, after the last step.
        losses: training loss of each step.
        diverged: a loss was not finite; training stopped there.
    """

    validation: float
    losses: tuple[float, ...]
    diverged: bool = False


def fit(network: nn.Module, task: Task, schedule: Schedule, generator: torch.Generator) -> Fitted:
    """Train in place the parameters that require gradients, and leave the network in evaluation mode.

    Args:
        network: (batch, channels, height, width) to outputs.
        task: what to train on; its test part is not touched.
        schedule: how long and how fast.
        generator: draws the batches.
    """
    network.train()
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(_groups(parameters, schedule.weight_decay), lr=schedule.learning_rate, fused=True)
    losses: list[float] = []
    for step, batch in enumerate(_batches(task.train, schedule, generator)):
        for group in optimiser.param_groups:
            group["lr"] = schedule.learning_rate * one_cycle(step / schedule.steps)
        loss = task.loss(network(batch.inputs), batch.targets)
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            break
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, max_norm=5.0, foreach=True)
        optimiser.step()
    network.eval()
    return Fitted(evaluate(network, task, task.validation), tuple(losses), not math.isfinite(losses[-1]))


def evaluate(network: nn.Module, task: Task, split: Split) -> float:
    """The task's metric over a split, in evaluation mode; outputs that are not finite count as zeros."""
    # Double precision, in which the error of a diverged regression is large instead of infinite.
    return task.metric(predict(network, split.inputs).double(), split.targets, split.groups)


def predict(network: nn.Module, inputs: Tensor) -> Tensor:
    """Outputs in evaluation mode, without gradients; the network's mode is left as it was."""
    training = network.training
    network.eval()
    with torch.inference_mode():
        outputs = torch.cat([network(part) for part in in_batches(inputs)])
    network.train(training)
    return torch.nan_to_num(outputs, nan=0.0, posinf=0.0, neginf=0.0)


def in_batches(inputs: Tensor) -> tuple[Tensor, ...]:
    """Parts for a pass without gradients, (n, channels, height, width) each, as large as the two limits allow."""
    parts: tuple[Tensor, ...] = inputs.split(max(1, at_once(inputs, EVALUATION_BATCH)))
    return parts


def at_once(inputs: Tensor, most: int) -> int:
    """How many of the inputs (n, channels, height, width) `EVALUATION_PIXELS` allow, at most ``most``; may be none."""
    return min(most, EVALUATION_PIXELS // inputs.shape[2:].numel())


def one_cycle(progress: float, warm_up: float = 0.2) -> float:
    """Share of the peak learning rate: linear up, then cosine down to zero (Smith and Topin, 2018)."""
    if progress < warm_up:
        return (progress + 0.01) / (warm_up + 0.01)
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


def _batches(split: Split, schedule: Schedule, generator: torch.Generator) -> Iterator[Split]:
    """``schedule.steps`` batches, epoch after epoch in fresh order; a last part that is too small is passed over."""
    batch = min(schedule.batch, len(split))
    drawn = 0
    while drawn < schedule.steps:
        order = torch.randperm(len(split), generator=generator)
        for indices in order.split(batch):
            if len(indices) < batch or drawn == schedule.steps:
                break
            drawn += 1
            yield split.take(indices)


def _groups(parameters: list[nn.Parameter], weight_decay: float) -> list[dict[str, object]]:
    """Biases, norms and other vectors are not decayed."""
    groups: list[dict[str, object]] = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]
