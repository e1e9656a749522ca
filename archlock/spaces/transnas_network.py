"""The networks of TransNAS-Bench-101: stem, modules of two blocks, and the heads of its tasks (Duan et al., CVPR 2021).

The structure follows the paper and its published training code (MIT licence); every part is written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.cell import FanOutConv2d, ReLUConvNorm
from archlock.spaces.network import Network
from archlock.spaces.transnas_twins import BOTH, CHANNELS, RESOLUTION

WIDTH = 64
BLOCKS = 2
DECODER_WIDTH = 1024
DECODER_LAYERS = 6
LEAK = 0.2

MakeBlock = Callable[[int, int, int], nn.Module]
"""(ins, outs, stride) to a block."""


class DenseDecoder(StrEnum):
    """The two decoders of the benchmark's dense tasks."""

    SEGMENTATION = "segmentation"
    """Logits per pixel; any real value."""
    IMAGE = "image"
    """An image in -1 to 1, of autoencoder and surface normals."""


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, each after a ReLU and before a norm, beside a shortcut that fits the shape."""

    def __init__(self, ins: int, outs: int, stride: int) -> None:
        super().__init__()
        self.first = ReLUConvNorm(ins, outs, 3, stride, fan_out=True)
        self.second = ReLUConvNorm(outs, outs, 3, fan_out=True)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or ins != outs:
            self.shortcut = nn.Sequential(FanOutConv2d(ins, outs, 1, stride, bias=False), nn.BatchNorm2d(outs))

    def forward(self, feature_map: Tensor) -> Tensor:
        """(batch, ins, h, w) to (batch, outs, ceil(h / stride), ceil(w / stride))."""
        out: Tensor = self.shortcut(feature_map) + self.second(self.first(feature_map))
        return out


class TransNASBody(nn.Module):
    """A stem that divides the resolution by four, then modules of two blocks each.

    Args:
        code: kind of each module; 0 is none.
        make_block: a block of the searched cell or of a residual network.
        channels: input channels.
        width: channels after the stem; 64 as published.
    """

    def __init__(self, code: Sequence[int], make_block: MakeBlock, channels: int, width: int) -> None:
        super().__init__()
        first = FanOutConv2d(channels, width // 2, 3, stride=2, padding=1, bias=False)
        down = ReLUConvNorm(width // 2, width, 3, stride=2, fan_out=True)
        self.stem = nn.Sequential(first, nn.BatchNorm2d(width // 2), down)
        self.stages = nn.ModuleList()
        for module in filter(None, code):
            outs = 2 * width if module in (CHANNELS, BOTH) else width
            stride = 2 if module in (RESOLUTION, BOTH) else 1
            first_block = make_block(width, outs, stride)
            self.stages.append(nn.Sequential(first_block, *(make_block(outs, outs, 1) for _ in range(BLOCKS - 1))))
            width = outs
        self.features = width

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, channels, h, w) to (batch, features, h / 4 / 2^halvings, w / 4 / 2^halvings), rounded up."""
        feature_map: Tensor = self.stem(inputs)
        for stage in self.stages:
            feature_map = stage(feature_map)
        return feature_map


class TiledBody(nn.Module):
    """One body for every tile of a puzzle, the maps side by side: (batch, 3 x tiles, h, w) to tiles x features.

    Tiles pass one after another, so that each has its own batch statistics, as published.
    """

    def __init__(self, body: TransNASBody, tiles: int) -> None:
        super().__init__()
        self.body = body
        self.tiles = tiles
        self.features = tiles * body.features

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, tiles x channels, h, w) to (batch, tiles x features, h', w')."""
        return torch.cat([self.body(tile) for tile in inputs.chunk(self.tiles, dim=1)], dim=1)


class DecoderHead(nn.Module):
    """Convolutions and transposed convolutions from a feature map to the input's resolution.

    Where sides are not multiples of the body's reduction, the result is brought to size by bilinear interpolation.
    """

    def __init__(self, layers: Sequence[nn.Module], io: IOSpec) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.size = (io.height, io.width)

    def forward(self, feature_map: Tensor) -> Tensor:
        """(batch, features, h, w) to (batch, outputs, height, width)."""
        out: Tensor = self.layers(feature_map)
        if tuple(out.shape[2:]) == self.size:
            return out
        return functional.interpolate(out, size=self.size, mode="bilinear", align_corners=False)


def decoder_layer(ins: int, outs: int, *, up: bool = False) -> nn.Module:
    """3x3 convolution, or transposed convolution that doubles the sides; norm; leaky ReLU."""
    conv: nn.Module = nn.Conv2d(ins, outs, 3, padding=1)
    if up:
        conv = nn.ConvTranspose2d(ins, outs, 3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(outs), nn.LeakyReLU(LEAK))


def segmentation_layers(features: int, outputs: int, doublings: int) -> list[nn.Module]:
    """Eight layers for dense labels: width 1024, halved layer by layer, the last ``doublings`` of them doubling."""
    layers = [decoder_layer(features, DECODER_WIDTH)]
    width = DECODER_WIDTH
    for index in range(DECODER_LAYERS - 1):
        layers.append(decoder_layer(width, width // 2, up=index >= DECODER_LAYERS - doublings))
        width //= 2
    return [*layers, decoder_layer(width, width, up=True), nn.Conv2d(width, outputs, 3, padding=1)]


def image_layers(features: int, outputs: int, doublings: int) -> list[nn.Module]:
    """Fourteen layers for images, the later of six places doubling first, ending in a hyperbolic tangent."""
    layers = [decoder_layer(features, 1024), decoder_layer(1024, 1024)]
    width = 1024
    # (width after the place that may double, width after the layer that follows it), places from sixth to first.
    plan = ((512, 512), (256, 128), (64, 64), (32, 32), (16, 32), (16, None))
    for place, (after, then) in zip(range(DECODER_LAYERS, 0, -1), plan, strict=True):
        layers.append(decoder_layer(width, after, up=doublings >= place))
        width = after
        if then is not None:
            layers.append(decoder_layer(after, then))
            width = then
    return [*layers, nn.Conv2d(width, outputs, 3, padding=1), nn.Tanh()]


def transnas_network(
    body: TransNASBody, io: IOSpec, halvings: int, decoder: DenseDecoder = DenseDecoder.SEGMENTATION, tiles: int = 1
) -> Network:
    """A body with the head of its kind of output.

    Args:
        body: stem and modules.
        io: what the network takes and gives.
        halvings: modules of the body that halve the resolution.
        decoder: which decoder a dense output has.
        tiles: more than 1 for a puzzle, whose tiles lie in the channels.
    """
    whole = body if tiles == 1 else TiledBody(body, tiles)
    network = Network(whole, whole.features, io)
    if io.output is not OutputKind.DENSE:
        return network
    make = image_layers if decoder is DenseDecoder.IMAGE else segmentation_layers
    network.head = DecoderHead(make(whole.features, io.outputs, 2 + halvings), io)
    return network
