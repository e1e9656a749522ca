"""Blocks of the hybrid CNN/ViT space: stem, MBConv, ViT, and the stage that holds them.

Submodules are named by stage and role, never by position in a flat list, so that an edited network inherits the
weights of every part that the edit left in place (`archlock.spaces.network.inherit`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS_PER_GROUP = 4
MAX_TOKENS = 144
MIN_SIDE = 4
REC601 = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class StemSpec:
    """Options of the stem; ``resolution`` is a share of the input's side."""

    resolution: float
    colour: str
    kernel: int
    stride: int
    width: int


@dataclass(frozen=True)
class StageSpec:
    """Options of one stage that is not empty.

    Attributes:
        mbconv_depth: MBConv blocks, 0 for none.
        vit_depth: ViT blocks, 0 for none.
        token_stride: pooling before attention, in pixels of the stage's map.
        skip: whether residual connections are made where shapes match.
    """

    width: int
    stride: int
    mbconv_depth: int
    kernel: int
    expansion: int
    vit_depth: int
    heads: int
    token_stride: int
    mlp_ratio: int
    skip: bool


@dataclass(frozen=True)
class Style:
    """Options that all stages share: ``batch`` or ``group`` norm, and ``stride``, ``average`` or ``max`` sampling."""

    norm: str
    downsample: str


def make_norm(kind: str, channels: int) -> nn.Module:
    """Batch norm, or group norm of four channels a group (one would be constant on a 1x1 map)."""
    if kind == "group":
        return nn.GroupNorm(max(1, channels // CHANNELS_PER_GROUP), channels)
    return nn.BatchNorm2d(channels)


def pool_by(feature_map: Tensor, factor: int, kind: str) -> Tensor:
    """Pool a map (batch, channels, h, w) by a factor, sides rounded up, a side never below 1."""
    if factor == 1:
        return feature_map
    kernel = (min(factor, feature_map.shape[2]), min(factor, feature_map.shape[3]))
    if kind == "max":
        return functional.max_pool2d(feature_map, kernel, ceil_mode=True)
    return functional.avg_pool2d(feature_map, kernel, ceil_mode=True)


class ConvNorm(nn.Module):
    """Convolution with same padding, norm, and ReLU unless it is linear."""

    def __init__(
        self, ins: int, outs: int, kernel: int, norm: str, *, stride: int = 1, groups: int = 1, linear: bool = False
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(ins, outs, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
        self.norm = make_norm(norm, outs)
        self.activation = nn.Identity() if linear else nn.ReLU()

    def forward(self, feature_map: Tensor) -> Tensor:
        """(batch, ins, h, w) to (batch, outs, ceil(h / stride), ceil(w / stride))."""
        out: Tensor = self.activation(self.norm(self.conv(feature_map)))
        return out


class Stem(nn.Module):
    """Resize the input to a share of its side, keep its colour or only its luminance, and convolve."""

    def __init__(self, spec: StemSpec, channels: int, norm: str) -> None:
        super().__init__()
        self.resolution = spec.resolution
        self.luminance = spec.colour == "luminance"
        self.conv = ConvNorm(1 if self.luminance else channels, spec.width, spec.kernel, norm, stride=spec.stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, channels, height, width) to the first feature map."""
        out: Tensor = self.conv(resize(to_luminance(inputs) if self.luminance else inputs, self.resolution))
        return out


def to_luminance(inputs: Tensor) -> Tensor:
    """(batch, channels, h, w) to (batch, 1, h, w): Rec. 601 luma of three channels, the mean of any other number."""
    if inputs.shape[1] == 1:
        return inputs
    if inputs.shape[1] != len(REC601):
        return inputs.mean(dim=1, keepdim=True)
    red, green, blue = inputs.unbind(dim=1)
    return (REC601[0] * red + REC601[1] * green + REC601[2] * blue).unsqueeze(1)


def resize(inputs: Tensor, share: float) -> Tensor:
    """Bilinear resize to a share of each side, to no fewer than four pixels and never more than there are."""
    height, width = (max(min(side, MIN_SIDE), round(side * share)) for side in inputs.shape[2:])
    if (height, width) == tuple(inputs.shape[2:]):
        return inputs
    return functional.interpolate(inputs, size=(height, width), mode="bilinear", align_corners=False)


class MBConv(nn.Module):
    """Inverted bottleneck of Sandler et al., CVPR 2018; without the expansion where its ratio is 1."""

    def __init__(self, ins: int, spec: StageSpec, norm: str, *, stride: int, skip: bool) -> None:
        super().__init__()
        inner = ins * spec.expansion
        self.expand = ConvNorm(ins, inner, 1, norm) if spec.expansion > 1 else None
        self.depthwise = ConvNorm(inner, inner, spec.kernel, norm, stride=stride, groups=inner)
        self.project = ConvNorm(inner, spec.width, 1, norm, linear=True)
        self.skip = skip

    def forward(self, feature_map: Tensor) -> Tensor:
        """(batch, ins, h, w) to (batch, width, h / stride, w / stride)."""
        inner = feature_map if self.expand is None else self.expand(feature_map)
        out: Tensor = self.project(self.depthwise(inner))
        return feature_map + out if self.skip else out


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


class Stage(nn.Module):
    """Down-sampling, MBConv blocks (or one convolution where there are none), then ViT blocks.

    A residual connection is made only where shapes match, never by projection: a block that changes width or
    resolution has none.
    """

    def __init__(self, ins: int, spec: StageSpec, style: Style) -> None:
        super().__init__()
        self.pool_factor = 1 if style.downsample == "stride" else spec.stride
        self.pool_kind = style.downsample
        stride = spec.stride if style.downsample == "stride" else 1
        if spec.mbconv_depth:
            first_skips = spec.skip and first_block_matches(ins, spec, style)
            blocks = [MBConv(ins, spec, style.norm, stride=stride, skip=first_skips)]
            for _ in range(spec.mbconv_depth - 1):
                blocks.append(MBConv(spec.width, spec, style.norm, stride=1, skip=spec.skip))
            self.mbconv = nn.ModuleList(blocks)
        else:
            self.embed = ConvNorm(ins, spec.width, 3, style.norm, stride=stride)
        self.vit = ViTStack(spec) if spec.vit_depth else None

    def forward(self, feature_map: Tensor) -> Tensor:
        """(batch, ins, h, w) to (batch, width, h / stride, w / stride)."""
        feature_map = pool_by(feature_map, self.pool_factor, self.pool_kind)
        for block in self.mbconv if hasattr(self, "mbconv") else [self.embed]:
            feature_map = block(feature_map)
        return feature_map if self.vit is None else self.vit(feature_map)


def first_block_matches(ins: int, spec: StageSpec, style: Style) -> bool:
    """Whether the first MBConv of a stage keeps its input's shape, and so can have a residual connection."""
    return ins == spec.width and (spec.stride == 1 or style.downsample != "stride")


class HybridBody(nn.Module):
    """Stem and stages; an empty stage is left out, the names of the others stay."""

    def __init__(self, stem: StemSpec, stages: tuple[StageSpec | None, ...], style: Style, channels: int) -> None:
        super().__init__()
        self.stem = Stem(stem, channels, style.norm)
        self.stages = nn.ModuleDict()
        width = stem.width
        for index, spec in enumerate(stages):
            if spec is not None:
                self.stages[str(index)] = Stage(width, spec, style)
                width = spec.width
        self.features = width

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, features, h, w)."""
        feature_map: Tensor = self.stem(inputs)
        if self.training:
            # Depthwise gradients are a fifth faster this way on CPUs; inference keeps a plain graph for tracers.
            feature_map = feature_map.contiguous(memory_format=torch.channels_last)
        for stage in self.stages.values():
            feature_map = stage(feature_map)
        return feature_map
