"""Small models to audit, good and bad, as modules and as factories that the command line can name."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Convolutional(nn.Module):
    """Two convolutions, dropout and a linear head; (batch, channels, h, w) to (batch, classes)."""

    def __init__(self, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 12, 3, 2, 1), nn.ReLU()
        )
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(12, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self.head(self.dropout(self.body(x).mean(dim=(2, 3))))
        return logits


def _seeded(classes: int = 10, channels: int = 3) -> Convolutional:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Convolutional(classes, channels)


def good() -> nn.Module:
    """Ten classes, as digits has."""
    return _seeded()


def of_other_classes() -> nn.Module:
    """Seven classes."""
    return _seeded(classes=7)


def of_one_channel() -> nn.Module:
    """Grey pictures only."""
    return _seeded(channels=1)


def with_nan() -> nn.Module:
    """One weight is not a number."""
    network = _seeded()
    with torch.no_grad():
        network.head.weight[0, 0] = float("nan")
    return network


def in_half_precision() -> nn.Module:
    """As it was for the device."""
    return _seeded().half()


def without_parameters() -> nn.Module:
    """Pools, and gives ten numbers."""
    return nn.Sequential(nn.AdaptiveAvgPool2d((2, 5)), nn.Flatten(), nn.AdaptiveAvgPool1d(10))


def of_two_tensors() -> nn.Module:
    """Gives its logits twice."""

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = _seeded()

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.one(x), self.one(x)

    return Twice()


def that_fails() -> nn.Module:
    """Cannot be built."""
    raise RuntimeError("the weights are on another machine")


def that_draws_its_weights() -> nn.Module:
    """Other weights at every call."""
    return Convolutional()
