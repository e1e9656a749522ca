"""Two-phase incremental training of the hybrid supernet, after H4H-NAS (2024).

Phase one trains networks without attention; phase two adds the ViT blocks and trains all. Every step follows the
sandwich rule of Yu et al. (ECCV 2020): the largest network, the smallest, and random ones share one gradient.

The space varies norms, skips and resolutions beside sizes, so that a short training does not make a random network good
as it is: what it inherits is a start for a short fine-tuning, and no score to rank networks by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from archlock.spaces.hybrid import HybridSpace
from archlock.spaces.protocol import Choice, Genotype, Option, SearchSpace
from archlock.tasks.task import Split, Task
from archlock.training.fit import one_cycle
from archlock.training.supernet import Supernet

CALIBRATION_SAMPLES = 256
SIZE_GENES = frozenset({"width", "kernel", "expansion", "depth", "vit_depth", "mlp_ratio"})
"""Genes that set the size of a tensor; resolutions, norms and skips are not among them."""


@dataclass(frozen=True)
class SupernetSchedule:
    """How long each phase is.

    Attributes:
        cnn_steps: gradient steps without attention.
        hybrid_steps: gradient steps of everything.
        batch: samples per step.
        random_networks: random networks per step, beside the largest and the smallest.
        learning_rate: peak of each phase's one-cycle schedule.
        weight_decay: decoupled.
    """

    cnn_steps: int
    hybrid_steps: int
    batch: int = 32
    random_networks: int = 2
    learning_rate: float = 0.006
    weight_decay: float = 0.01


def train_supernet(space: HybridSpace, task: Task, schedule: SupernetSchedule, generator: torch.Generator) -> Supernet:
    """A trained supernet of the hybrid space.

    Args:
        space: the hybrid space.
        task: what to train on; only its training part is read.
        schedule: how long each phase is.
        generator: gives initial weights, batches and networks.
    """
    rng = np.random.default_rng(_draw_seed(generator))
    supernet = make_supernet(space, task, generator)
    for steps, attention in ((schedule.cnn_steps, False), (schedule.hybrid_steps, True)):
        train_phase(supernet, task, schedule, steps, attention, generator, rng)
    return supernet


def make_supernet(space: HybridSpace, task: Task, generator: torch.Generator) -> Supernet:
    """An untrained supernet: as large as the largest networks with every kind of block."""
    zeros = (0,) * len(space.choices)
    covering = [sized(space, with_blocks(space, zeros, block), largest=True) for block in ("MBConv+ViT", "ViT")]
    count = min(CALIBRATION_SAMPLES, len(task.train))
    calibration = task.train.take(torch.randperm(len(task.train), generator=generator)[:count]).inputs
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_draw_seed(generator))
        return Supernet(space, task.io, covering, calibration)


def train_phase(
    supernet: Supernet,
    task: Task,
    schedule: SupernetSchedule,
    steps: int,
    attention: bool,
    generator: torch.Generator,
    rng: np.random.Generator,
) -> None:
    """Train the shared tensors in place, on networks with or without attention."""
    parameters = list(supernet.shared.values())
    optimiser = torch.optim.AdamW(parameters, lr=schedule.learning_rate, weight_decay=schedule.weight_decay)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = schedule.learning_rate * one_cycle(step / steps)
        networks = sandwich(supernet.space, rng, schedule.random_networks, attention)
        optimiser.zero_grad(set_to_none=True)
        batch = _draw_batch(task.train, schedule.batch, generator)
        for genotype in networks:
            _add_gradient(supernet, genotype, task, batch, share=1 / len(networks))
        nn.utils.clip_grad_norm_(parameters, max_norm=5.0)
        optimiser.step()


def _add_gradient(supernet: Supernet, genotype: Genotype, task: Task, batch: Split, share: float) -> None:
    """Add one network's gradient; a network whose loss is not finite adds none."""
    loss: Tensor = task.loss(supernet.forward(genotype, batch.inputs), batch.targets) * share
    if bool(torch.isfinite(loss)):
        loss.backward()


def sandwich(space: SearchSpace, rng: np.random.Generator, count: int, attention: bool) -> list[Genotype]:
    """Largest, smallest and ``count`` random networks.

    The first two always have the same plain options beside size, because shared weights that must also serve another
    norm or skip at every step were measured to learn nothing.
    """
    base = plain(space)
    biggest = sized(space, with_blocks(space, base, "MBConv+ViT" if attention else "MBConv"), largest=True)
    smallest = sized(space, with_blocks(space, base, "MBConv"), largest=False)
    drawn = [space.sample(rng) for _ in range(count)]
    return [biggest, smallest, *(genotype if attention else without_attention(space, genotype) for genotype in drawn)]


def plain(space: SearchSpace) -> Genotype:
    """First options everywhere (full resolution, colour, batch norm, skips), and stages that halve their map."""
    return tuple(
        choice.options.index(2) if choice.name.startswith("stage") and choice.name.endswith(".stride") else 0
        for choice in space.choices
    )


def with_blocks(space: SearchSpace, genotype: Genotype, block: str) -> Genotype:
    """The genotype with one kind of block in every stage; not yet canonical."""
    return tuple(
        choice.options.index(block) if choice.name.endswith(".block") else gene
        for choice, gene in zip(space.choices, genotype, strict=True)
    )


def without_attention(space: SearchSpace, genotype: Genotype) -> Genotype:
    """The canonical genotype whose ViT stages are MBConv stages."""
    genes = [_without_vit(choice, gene) for choice, gene in zip(space.choices, genotype, strict=True)]
    return space.canonical(tuple(genes))


def _without_vit(choice: Choice, gene: int) -> int:
    if choice.name.endswith(".block") and "ViT" in str(choice.options[gene]):
        return choice.options.index("MBConv")
    return gene


def sized(space: SearchSpace, genotype: Genotype, *, largest: bool) -> Genotype:
    """The canonical genotype with every gene of size at its largest or smallest option (ViT depth at least 1)."""
    return space.canonical(
        tuple(
            _extreme(choice.options, largest) if choice.name.rpartition(".")[2] in SIZE_GENES else gene
            for choice, gene in zip(space.choices, genotype, strict=True)
        )
    )


def _extreme(options: tuple[Option, ...], largest: bool) -> int:
    values = [(float(option), index) for index, option in enumerate(options) if float(option) > 0]
    return (max if largest else min)(values)[1]


def _draw_batch(split: Split, batch: int, generator: torch.Generator) -> Split:
    return split.take(torch.randperm(len(split), generator=generator)[:batch])


def _draw_seed(generator: torch.Generator) -> int:
    return int(torch.randint(2**62, (), generator=generator))
