"""How many distinct networks the hybrid space holds: twins counted once, nothing listed."""

from __future__ import annotations

import math
from collections import Counter

from archlock.spaces.hybrid import MBCONV_GENES, VIT_GENES
from archlock.spaces.hybrid_options import GLOBAL_CHOICES, STAGE_CHOICES

OPTIONS = {choice.name: choice.options for choice in (*GLOBAL_CHOICES, *STAGE_CHOICES)}
MBCONV_SHAPES = math.prod(len(OPTIONS[name]) for name in MBCONV_GENES - {"depth"})
VIT_SHAPES = math.prod(len(OPTIONS[name]) - (name == "vit_depth") for name in VIT_GENES)
FREE_GLOBALS = math.prod(
    len(choice.options) for choice in GLOBAL_CHOICES if choice.name not in ("stem.width", "downsample")
)


def count_canonical(stages: int) -> int:
    """Canonical genotypes of a hybrid space of some number of stages.

    Walks the stages with the number of ways to arrive at each (width, anything down-sampled yet), because only these
    two decide which genes of the next stage and of the stem are active.
    """
    styles = [_count_of_style(stages, str(style)) for style in OPTIONS["downsample"]]
    kept = styles[0][False]
    return FREE_GLOBALS * (kept + sum(style[True] for style in styles))


def _count_of_style(stages: int, style: str) -> dict[bool, int]:
    """Ways to fill the stages under one way of down-sampling, by whether anything is down-sampled."""
    ways = Counter({(int(width), False): 1 for width in OPTIONS["stem.width"]})
    for _ in range(stages):
        following = Counter(ways)
        for (ins, sampled), count in ways.items():
            for width in map(int, OPTIONS["width"]):
                for stride in map(int, OPTIONS["stride"]):
                    keeps_shape = ins == width and (stride == 1 or style != "stride")
                    following[width, sampled or stride > 1] += count * _stage_forms(keeps_shape)
        ways = following
    return {flag: sum(count for (_, sampled), count in ways.items() if sampled is flag) for flag in (False, True)}


def _stage_forms(keeps_shape: bool) -> int:
    """Canonical forms of a stage of given width and stride: MBConv, ViT, or both."""
    skips = len(OPTIONS["skip"])
    depths = len(OPTIONS["depth"])
    shallow = skips if keeps_shape else 1
    return MBCONV_SHAPES * (shallow + (depths - 1) * skips) + VIT_SHAPES * skips * (1 + MBCONV_SHAPES * depths)
