"""The body of a hybrid network: MBConv blocks, the stage that holds them and ViT blocks, and the stages in a row.

Submodules are named by stage and role, never by position in a flat list, so that an edited network inherits the
weights of every part that the edit left in place (`archlock.spaces.network.inherit`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from archlock.spaces.hybrid_attention import ViTStack
from archlock.spaces.hybrid_layers import ConvNorm, Stem, pool_by
from archlock.spaces.hybrid_options import StageSpec, StemSpec, Style


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
