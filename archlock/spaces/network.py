"""What every built network looks like: a body that gives a feature map, and a head that a task decides.

Attackers, probes and pictures rely on nothing but these parts.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.iospec import IOSpec, OutputKind


class PooledHead(nn.Module):
    """Global pooling and one linear layer, for classes, labels and values."""

    def __init__(self, features: int, outputs: int, pooling: str = "average") -> None:
        super().__init__()
        self.pooling = pooling
        self.linear = nn.Linear(features, outputs)

    def pool(self, feature_map: Tensor) -> Tensor:
        """(batch, features, h, w) to (batch, features)."""
        if self.pooling == "max":
            return feature_map.amax(dim=(2, 3))
        return feature_map.mean(dim=(2, 3))

    def forward(self, feature_map: Tensor) -> Tensor:
        """(batch, features, h, w) to (batch, outputs)."""
        logits: Tensor = self.linear(self.pool(feature_map))
        return logits


class DenseHead(nn.Module):
    """One 1x1 convolution, brought to the input's resolution by bilinear interpolation."""

    def __init__(self, features: int, io: IOSpec) -> None:
        super().__init__()
        self.size = (io.height, io.width)
        self.project = nn.Conv2d(features, io.outputs, kernel_size=1)

    def forward(self, feature_map: Tensor) -> Tensor:
        """(batch, features, h, w) to (batch, outputs, height, width)."""
        return functional.interpolate(self.project(feature_map), size=self.size, mode="bilinear", align_corners=False)


class Network(nn.Module):
    """A body and a head.

    Attributes:
        body: (batch, channels, height, width) to a feature map (batch, features, h, w).
        head: feature map to outputs; see `make_head`.
        features: channels of the feature map.
        io: what the network takes and gives.
    """

    def __init__(self, body: nn.Module, features: int, io: IOSpec, pooling: str = "average") -> None:
        super().__init__()
        self.body = body
        self.features = features
        self.io = io
        self.pooling = pooling
        self.head = make_head(features, io, pooling)

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, channels, height, width) to the outputs that ``io`` names."""
        outputs: Tensor = self.head(self.body(inputs))
        return outputs

    def embed(self, inputs: Tensor) -> Tensor:
        """Pooled features, shape (batch, features)."""
        feature_map: Tensor = self.body(inputs)
        return feature_map.amax(dim=(2, 3)) if self.pooling == "max" else feature_map.mean(dim=(2, 3))


def make_head(features: int, io: IOSpec, pooling: str = "average") -> nn.Module:
    """A fresh head for a kind of output."""
    if io.output is OutputKind.DENSE:
        return DenseHead(features, io)
    return PooledHead(features, io.outputs, pooling)


def inherit(child: nn.Module, parent: Mapping[str, Tensor]) -> int:
    """Copy a parent's state dict into the child wherever name and shape agree, or a corner of the shape does.

    A tensor of the same name and rank but another size is filled in the corner that both share, which is how a
    widened or narrowed layer keeps what it learned.

    Returns:
        How many scalar values were inherited.
    """
    copied = 0
    with torch.no_grad():
        for name, target in child.state_dict().items():
            if name not in parent or parent[name].dim() != target.dim():
                continue
            corner = tuple(slice(0, min(a, b)) for a, b in zip(target.shape, parent[name].shape, strict=True))
            target[corner] = parent[name][corner].to(target.dtype)
            copied += target[corner].numel()
    return copied
