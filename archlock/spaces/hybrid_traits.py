"""What a hybrid network is like in a few physical figures, for predictors that must learn from few labels.

A one-hot code has a hundred columns and tells nothing of what options have in common; two stems of stride 2 at full
resolution and of stride 1 at half resolution see the same detail, and only here does that show.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from archlock.spaces.hybrid_attention import MAX_TOKENS
from archlock.spaces.hybrid_options import StageSpec, StemSpec, Style

TRAITS = (
    "colour",
    "log2 input resolution",
    "log2 stem stride",
    "log2 final side",
    "stem kernel",
    "log2 stem width",
    "log2 last width",
    "log2 widest",
    "MBConv blocks",
    "ViT blocks",
    "log2 kernel",
    "log2 expansion",
    "skips",
    "log2 finest token side",
    "group norm",
    "max pooling",
    "strided sampling",
    "max sampling",
    "log parameters",
    "log multiply-adds",
)
"""Name of each trait; sides are shares of the input's side, kernels and expansions are means over MBConv blocks."""

NOMINAL_AREA = 256
"""Input pixels at which multiply-adds are counted; only differences between networks matter."""


def traits_of(stem: StemSpec, stages: Sequence[StageSpec | None], style: Style, pooling: str) -> list[float]:
    """Traits of one network, in the order of `TRAITS`."""
    side = stem.resolution / stem.stride
    width = stem.width
    parameters = 3.0 * stem.kernel**2 * width
    macs = parameters * side**2 * NOMINAL_AREA
    finest, sampled, widest = 0.0, 0, width
    present = [stage for stage in stages if stage is not None]
    for stage in present:
        side /= stage.stride
        sampled += stage.stride > 1
        more, work = _stage_size(stage, width, side)
        parameters, macs, width = parameters + more, macs + work, stage.width
        widest = max(widest, width)
        if stage.vit_depth:
            finest = max(finest, side / stage.token_stride)
    blocks = [stage for stage in present if stage.mbconv_depth]
    return [
        float(stem.colour == "colour"),
        float(np.log2(stem.resolution)),
        float(np.log2(stem.stride)),
        float(np.log2(side)),
        float(stem.kernel),
        float(np.log2(stem.width)),
        float(np.log2(width)),
        float(np.log2(widest)),
        float(sum(stage.mbconv_depth for stage in present)),
        float(sum(stage.vit_depth for stage in present)),
        float(np.mean([np.log2(stage.kernel) for stage in blocks])) if blocks else 0.0,
        float(np.mean([np.log2(stage.expansion) for stage in blocks])) if blocks else 0.0,
        float(np.mean([stage.skip for stage in present])) if present else 0.0,
        float(np.log2(finest)) if finest else -6.0,
        float(style.norm == "group"),
        float(pooling == "max"),
        float(sampled > 0 and style.downsample == "stride"),
        float(sampled > 0 and style.downsample == "max"),
        float(np.log(parameters)),
        float(np.log(macs)),
    ]


def _stage_size(stage: StageSpec, width: int, side: float) -> tuple[float, float]:
    """Parameters and multiply-adds of a stage, norms and biases left out."""
    area = side**2 * NOMINAL_AREA
    parameters = macs = 0.0
    for _ in range(stage.mbconv_depth):
        inner = width * stage.expansion
        block = width * inner + stage.kernel**2 * inner + inner * stage.width
        parameters, macs, width = parameters + block, macs + block * area, stage.width
    tokens = min(MAX_TOKENS, max(1.0, area / stage.token_stride**2))
    for _ in range(stage.vit_depth):
        block = (4 + 2 * stage.mlp_ratio) * stage.width**2
        parameters, macs = parameters + block, macs + tokens * (block + 2 * tokens * stage.width)
    return parameters, macs
