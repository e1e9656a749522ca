"""Undoing a lock with source data: impair the model on disturbed source inputs, repair it, then fine-tune.

A model locked by its weights holds its features in a narrow basin around the source; training it to keep its answers
while inputs are disturbed widens the basin again. After TransNTL (Hong et al., CVPR 2024, section 3: impairment by
disturbed source data, repair by self-distillation), on the head's answers and the labels at once.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from archlock.attacks.loot import Loot
from archlock.attacks.method import Prepared, Situation
from archlock.seeding import torch_generator
from archlock.tasks.task import Split, Task
from archlock.training.fit import Schedule, fit, in_batches

NOISE = 0.5
"""Standard deviation of the disturbance, in standard deviations of the inputs."""
SAMPLES = 1_000
"""Most source samples that the attacker owns."""


def undo(loot: Loot, situation: Situation) -> Prepared | None:
    """The released body repaired on source data, under a fresh head; needs data of the source task.

    Half of a trial's steps go to the repair.
    """
    source, budget = situation.source, situation.budget
    if source is None or loot.io is None or source.io != loot.io:
        return None
    network = loot.rebuild(source.io, situation.head_seed)
    released = loot.original()
    generator = torch_generator(situation.seed, "undo", source.name)
    lesson = repair_task(released, source, generator)
    steps = budget.steps // 2
    schedule = Schedule(max(steps, 1), budget.batch, max(budget.learning_rates))
    fit(network, lesson, schedule, generator)
    learner = loot.rebuild(situation.target.io, situation.head_seed)
    learner.body.load_state_dict(network.body.state_dict())
    return Prepared(learner, situation.target, spent_steps=steps, spent_on=network)


def repair_task(released: nn.Module, source: Task, generator: torch.Generator) -> Task:
    """The source task on disturbed inputs, half of the samples, and clean ones, labelled as the release labels them."""
    chosen = torch.randperm(len(source.train), generator=generator)[:SAMPLES]
    clean = source.train.take(chosen)
    disturbed = disturb(clean.inputs, generator)
    answers = _answers(released, clean.inputs, clean.targets)
    train = Split(torch.cat([clean.inputs, disturbed]), torch.cat([answers, answers]))
    return replace(source, train=train)


def disturb(inputs: Tensor, generator: torch.Generator) -> Tensor:
    """Noise, another contrast and another brightness per sample; shape as given."""
    spread = float(inputs.std())
    each = (len(inputs), *[1] * (inputs.dim() - 1))
    contrast = 1 + 0.5 * (2 * torch.rand(each, generator=generator) - 1)
    brightness = spread * (2 * torch.rand(each, generator=generator) - 1)
    noise = NOISE * spread * torch.randn(inputs.shape, generator=generator)
    return contrast * inputs + brightness + noise


def _answers(released: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """What the release says, where that is a class; the true targets for other kinds."""
    if targets.dtype != torch.int64:
        return targets
    with torch.no_grad():
        outputs = torch.cat([released(part) for part in in_batches(inputs)])
    return outputs.argmax(dim=1)
