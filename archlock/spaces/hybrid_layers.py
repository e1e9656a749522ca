"""Layers that all parts of a hybrid network share, and its stem: what the network is shown, and at which detail."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from archlock.spaces.hybrid_options import StemSpec

CHANNELS_PER_GROUP = 4
MIN_SIDE = 4
REC601 = (0.299, 0.587, 0.114)


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
