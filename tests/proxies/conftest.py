"""Small networks of the three families, and batches for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

BATCH = 8


def conv_unit(inputs: int, outputs: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Residual(nn.Module):
    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = inputs + self.body(inputs)
        return outputs


class Attention(nn.Module):
    """Tokens in, tokens out: (batch, tokens, width), with a functional GELU in its MLP."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = self.qkv(self.norm(tokens)).chunk(3, dim=-1)
        tokens = tokens + self.project(functional.scaled_dot_product_attention(query, key, value))
        outputs: Tensor = tokens + self.narrow(functional.gelu(self.wide(tokens)))
        return outputs


class Tokens(nn.Module):
    def forward(self, feature_map: Tensor) -> Tensor:
        return feature_map.flatten(2).transpose(1, 2)


class MeanToken(nn.Module):
    def forward(self, tokens: Tensor) -> Tensor:
        return tokens.mean(dim=1)


def cnn() -> nn.Module:
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 5))
    return nn.Sequential(conv_unit(3, 8), Residual(conv_unit(8, 8, groups=8)), conv_unit(8, 12, stride=2), *head)


def vit() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 16, 4, 4), Tokens(), Attention(16), Attention(16), MeanToken(), nn.Linear(16, 5))


def hybrid() -> nn.Module:
    stem = (conv_unit(3, 8, stride=2), nn.Conv2d(8, 16, 1), nn.BatchNorm2d(16), nn.Hardswish(inplace=True))
    return nn.Sequential(*stem, Tokens(), nn.Dropout(0.1), Attention(16), MeanToken(), nn.Linear(16, 5))


FAMILIES: dict[str, Callable[[], nn.Module]] = {"cnn": cnn, "vit": vit, "hybrid": hybrid}


@dataclass(frozen=True)
class Case:
    network: nn.Module
    inputs: Tensor
    targets: Tensor

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(outputs, targets)


def make_case(family: str, seed: int = 0, double: bool = True) -> Case:
    torch.manual_seed(seed)
    network = FAMILIES[family]()
    inputs, targets = torch.randn(BATCH, 3, 12, 12), torch.randint(0, 5, (BATCH,))
    return Case(network.double(), inputs.double(), targets) if double else Case(network, inputs, targets)


@pytest.fixture(autouse=True)
def _quiet_torch() -> Iterator[None]:
    """Tiny networks are slower on many threads; and every test starts from one seed."""
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(params=list(FAMILIES))
def case(request: pytest.FixtureRequest) -> Case:
    """A float64 network of each family, so that references agree to many digits."""
    return make_case(request.param)


@pytest.fixture(scope="session")
def new_case() -> Callable[..., Case]:
    return make_case
