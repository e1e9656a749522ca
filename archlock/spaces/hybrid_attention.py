"""Attention on feature maps: the ViT blocks of the hybrid space, and the pooling that keeps their tokens few."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.spaces.hybrid_layers import pool_by
from archlock.spaces.hybrid_options import StageSpec

MAX_TOKENS = 144


class ViTBlock(nn.Module):
    """Pre-norm transformer block of Dosovitskiy et al., ICLR 2021, its residual connections optional.

    Query, key and value are separate layers, so that a corner of one is never inherited as another.
    """

    def __init__(self, width: int, heads: int, mlp_ratio: int, *, skip: bool) -> None:
        super().__init__()
        self.heads = heads
        self.skip = skip
        self.norm1 = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.project = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp_in = nn.Linear(width, width * mlp_ratio)
        self.gelu = nn.GELU()
        self.mlp_out = nn.Linear(width * mlp_ratio, width)

    def split(self, tokens: Tensor) -> Tensor:
        """(batch, tokens, width) to (batch, heads, tokens, width / heads)."""
        batch, count, width = tokens.shape
        return tokens.view(batch, count, self.heads, width // self.heads).transpose(1, 2)

    def attend(self, tokens: Tensor) -> Tensor:
        """Scaled dot-product attention in plain products, so that a tracer sees each of them; shape kept."""
        query, key, value = self.split(self.query(tokens)), self.split(self.key(tokens)), self.split(self.value(tokens))
        weights = torch.softmax((query / math.sqrt(query.shape[-1])) @ key.transpose(-2, -1), dim=-1)
        out: Tensor = self.project((weights @ value).transpose(1, 2).reshape(tokens.shape))
        return out

    def forward(self, tokens: Tensor) -> Tensor:
        """(batch, tokens, width), shape kept."""
        mixed = self.attend(self.norm1(tokens))
        tokens = tokens + mixed if self.skip else mixed
        out: Tensor = self.mlp_out(self.gelu(self.mlp_in(self.norm2(tokens))))
        return tokens + out if self.skip else out


class ViTStack(nn.Module):
    """ViT blocks on a pooled map, brought back to the map's resolution.

    Positions come from a depthwise convolution (conditional positional encoding, Chu et al., ICLR 2023), so that any
    resolution works. With a skip, what the blocks change is added to the full map; without, it replaces the map. The
    pooling grows in powers of two until no more than `MAX_TOKENS` tokens are left.
    """

    def __init__(self, spec: StageSpec) -> None:
        super().__init__()
        self.token_stride = spec.token_stride
        self.skip = spec.skip
        self.position = nn.Conv2d(spec.width, spec.width, 3, padding=1, groups=spec.width)
        self.blocks = nn.ModuleList(
            ViTBlock(spec.width, spec.heads, spec.mlp_ratio, skip=spec.skip) for _ in range(spec.vit_depth)
        )

    def factor(self, height: int, width: int) -> int:
        """Pooling factor for a map of some size."""
        factor = self.token_stride
        while math.ceil(height / factor) * math.ceil(width / factor) > MAX_TOKENS:
            factor *= 2
        return factor

    def transform(self, pooled: Tensor) -> Tensor:
        """Positions and blocks; (batch, width, h, w), shape kept."""
        positions = self.position(pooled)
        tokens = (pooled + positions if self.skip else positions).flatten(2).transpose(1, 2)
        for block in self.blocks:
            tokens = block(tokens)
        out: Tensor = tokens.transpose(1, 2).reshape(pooled.shape)
        return out

    def forward(self, feature_map: Tensor) -> Tensor:
        """(batch, width, h, w), shape kept."""
        size = feature_map.shape[2:]
        pooled = pool_by(feature_map, self.factor(*size), "average")
        out = self.transform(pooled)
        if pooled.shape[2:] == size:
            return out
        if self.skip:
            return feature_map + functional.interpolate(out - pooled, size=size, mode="nearest")
        return functional.interpolate(out, size=size, mode="nearest")
