"""Small networks and the reference folder that the hardware tests share."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from archlock.hwcost import Hardware, Workload, load_hardware, trace


class Attention(nn.Module):
    """One head-split self-attention written with plain matrix products."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        batch, count, width = tokens.shape
        split = self.qkv(tokens).reshape(batch, count, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        query, key, value = split.unbind(0)
        scores = (query @ key.transpose(-2, -1)).softmax(dim=-1)
        return self.out((scores @ value).transpose(1, 2).reshape(batch, count, width))


class SmallHybrid(nn.Module):
    """Stem, depthwise block with a skip, attention with a skip, classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.pointwise = nn.Conv2d(16, 16, 1)
        self.norm = nn.LayerNorm(16)
        self.attention = Attention(16, 2)
        self.head = nn.Linear(16, 10)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.stem(images)
        maps = maps + self.pointwise(torch.nn.functional.gelu(self.depthwise(maps)))
        tokens = torch.nn.functional.avg_pool2d(maps, 2).flatten(2).transpose(1, 2)
        tokens = tokens + self.attention(self.norm(tokens))
        return self.head(tokens.mean(dim=1))


class PlainConvs(nn.Module):
    """A chain of convolutions and a classifier: no operand is computed during the inference."""

    def __init__(self, widths: tuple[int, ...] = (8, 16)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((3, *widths), widths, strict=False):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1], 10)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.body(images).mean(dim=(2, 3)))


@pytest.fixture(scope="session")
def hybrid() -> Workload:
    return trace(SmallHybrid(), (1, 3, 16, 16))


@pytest.fixture(scope="session")
def plain() -> Workload:
    return trace(PlainConvs(), (1, 3, 16, 16))


@pytest.fixture(scope="session")
def system() -> Hardware:
    return load_hardware("edge-npu-cim")


@pytest.fixture(scope="session")
def scalesim_rows() -> list[dict[str, str]]:
    """Rows of the reference file beside the data folder."""
    data = os.environ.get("ARCHLOCK_DATA")
    path = Path(data or "").parent / "reference" / "hardware" / "scalesim_compute.csv"
    if not data or not path.is_file():
        pytest.skip("ARCHLOCK_DATA has no sibling reference/hardware/scalesim_compute.csv")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def zoo() -> SimpleNamespace:
    """The small networks' classes."""
    return SimpleNamespace(Attention=Attention, SmallHybrid=SmallHybrid, PlainConvs=PlainConvs)
