"""The offline probe: a small convolutional network trained on pictures it makes itself, with nothing downloaded.

The pictures vary in independent factors (orientation, frequency, pattern, colour), and the probe learns to tell all
of them, so that its filters answer to the things that tell tasks apart.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.predictors.threads import one_thread
from archlock.seeding import torch_generator

SIZE = 24
"""Rows and columns of the probe's input, pixels."""
WIDTHS = (24, 32, 48, 64)
KERNELS = (5, 3, 3, 3)
STRIDES = (2, 2, 1, 1)
FACTORS = {"orientation": 8, "frequency": 3, "pattern": 5, "colour": 6}
"""Factor to number of its classes."""


class Pictures(NamedTuple):
    """Pictures (n, 3, SIZE, SIZE), standardised, and their factors' classes (n, factors), int64."""

    inputs: Tensor
    factors: Tensor


def make_pictures(count: int, generator: torch.Generator) -> Pictures:
    """Pictures of independent random factors: a pattern, turned, scaled, coloured, over noise."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, 1, 1, generator=generator)

    factors = torch.stack([torch.randint(k, (count,), generator=generator) for k in FACTORS.values()], dim=1)
    orientation, frequency, pattern, colour = (factors[:, i, None, None] for i in range(4))
    axis = torch.linspace(-1, 1, SIZE)
    rows, columns = axis[None, :, None] + uniform(-0.5, 0.5), axis[None, None, :] + uniform(-0.5, 0.5)
    angle = torch.pi * (orientation + uniform(-0.3, 0.3)) / FACTORS["orientation"]
    along = columns * angle.cos() + rows * angle.sin()
    across = rows * angle.cos() - columns * angle.sin()
    pace = 4.0 * 1.8**frequency * uniform(0.9, 1.1)
    wave, cross = torch.sin(pace * along), torch.sin(pace * across)
    radius = (along**2 + 0.3 * across**2).sqrt()
    drawn = torch.stack(
        [wave, torch.tanh(4 * wave), wave * cross, torch.tanh(6 * (1 - pace * radius / 3)), torch.sign(along) * wave]
    )[pattern[:, 0, 0], torch.arange(count)]
    hue = torch.eye(3)[colour[:, 0, 0] % 3] * torch.where(colour[:, 0] < 3, 1.0, -1.0)
    tint = 0.5 + 0.5 * hue[:, :, None, None] * uniform(0.5, 1.0)[:, None]
    noise = 0.3 * torch.randn(count, 3, SIZE, SIZE, generator=generator)
    pictures = drawn[:, None] * tint * uniform(0.5, 1.5)[:, None] + 0.3 * hue[:, :, None, None] + noise
    return Pictures(standardise(pictures), factors)


def standardise(pictures: Tensor) -> Tensor:
    """Zero mean and unit variance over all pixels of all pictures."""
    return (pictures - pictures.mean()) / pictures.std().clamp_min(1e-6)


class Probe(nn.Module):
    """Four convolutions; (n, 3, SIZE, SIZE) to a feature map (n, WIDTHS[-1], SIZE / 4, SIZE / 4)."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        plan = zip((3, *WIDTHS[:-1]), WIDTHS, KERNELS, STRIDES, strict=True)
        self.layers = nn.ModuleList(nn.Conv2d(a, b, k, stride, padding=k // 2) for a, b, k, stride in plan)
        with torch.no_grad():
            for weight in self.parameters():
                if weight.dim() > 1:
                    weight.normal_(0.0, (2 / weight[0].numel()) ** 0.5, generator=generator)
                else:
                    weight.zero_()

    def forward(self, inputs: Tensor) -> Tensor:
        """Pictures to the feature map after the last rectifier."""
        features = inputs
        for layer in self.layers:
            features = functional.relu(layer(features))
        return features


@lru_cache(maxsize=4)
def train_probe(seed: int = 0, steps: int = 150) -> Probe:
    """A probe trained to tell all factors of made pictures, kept for the life of the process; do not change it.

    Args:
        seed: of the weights, the pictures and their order.
        steps: of Adam with 64 fresh pictures each.
    """
    with one_thread():
        return _train(torch_generator(seed, "probe"), steps)


def _train(generator: torch.Generator, steps: int) -> Probe:
    probe = Probe(generator)
    heads = [nn.Parameter(torch.zeros(k, WIDTHS[-1])) for k in FACTORS.values()]
    optimiser = torch.optim.Adam([*probe.parameters(), *heads], lr=4e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        batch = make_pictures(64, generator)
        pooled = probe(batch.inputs).mean(dim=(2, 3))
        losses = [functional.cross_entropy(pooled @ head.T, batch.factors[:, i]) for i, head in enumerate(heads)]
        optimiser.zero_grad()
        torch.stack(losses).sum().backward()
        optimiser.step()
        schedule.step()
    return probe.requires_grad_(False).eval()
