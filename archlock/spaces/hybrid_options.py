"""What is open in the hybrid space, and what a genotype says of stem and stages in plain words."""

from __future__ import annotations

from dataclasses import dataclass

from archlock.spaces.protocol import Choice, Genotype, Option

STAGES = 3

GLOBAL_CHOICES = (
    Choice("resolution", (1.0, 0.75, 0.5, 0.375)),
    Choice("stem.colour", ("colour", "luminance")),
    Choice("stem.kernel", (3, 5, 7)),
    Choice("stem.stride", (1, 2, 4)),
    Choice("stem.width", (8, 12, 16, 24)),
    Choice("norm", ("batch", "group")),
    Choice("downsample", ("stride", "average", "max")),
    Choice("pooling", ("average", "max")),
)

# A ViT depth of 1 comes first, because a gene that wakes by one step wakes at index 0 and must not wake as "off".
STAGE_CHOICES = (
    Choice("block", ("none", "MBConv", "ViT", "MBConv+ViT")),
    Choice("width", (8, 12, 16, 24, 32, 48)),
    Choice("stride", (1, 2)),
    Choice("skip", (True, False)),
    Choice("kernel", (3, 5, 7)),
    Choice("expansion", (1, 2, 4)),
    Choice("depth", (1, 2, 3)),
    Choice("vit_depth", (1, 2, 0)),
    Choice("heads", (1, 2, 4)),
    Choice("token_stride", (1, 2, 4)),
    Choice("mlp_ratio", (1, 2)),
)

STARTS = tuple(len(GLOBAL_CHOICES) + index * len(STAGE_CHOICES) for index in range(STAGES))
GLOBAL_NAMES = [choice.name for choice in GLOBAL_CHOICES]
STAGE_NAMES = [choice.name for choice in STAGE_CHOICES]
CHOICES = GLOBAL_CHOICES + tuple(
    Choice(f"stage{index}.{choice.name}", choice.options) for index in range(STAGES) for choice in STAGE_CHOICES
)
"""Every choice of the space, in the order of the genes."""


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


def specs_of(genotype: Genotype) -> tuple[StemSpec, tuple[StageSpec | None, ...], Style]:
    """A genotype, canonical or not, as options of stem and stages; an empty stage is None."""
    options = [choice.options[gene] for choice, gene in zip(CHOICES, genotype, strict=True)]
    shared = dict(zip(GLOBAL_NAMES, options, strict=False))
    stem = StemSpec(
        resolution=float(shared["resolution"]),
        colour=str(shared["stem.colour"]),
        kernel=int(shared["stem.kernel"]),
        stride=int(shared["stem.stride"]),
        width=int(shared["stem.width"]),
    )
    stages = tuple(_stage_spec(dict(zip(STAGE_NAMES, options[start:], strict=False))) for start in STARTS)
    return stem, stages, Style(norm=str(shared["norm"]), downsample=str(shared["downsample"]))


def _stage_spec(options: dict[str, Option]) -> StageSpec | None:
    block = str(options["block"])
    mbconv_depth = int(options["depth"]) if "MBConv" in block else 0
    vit_depth = int(options["vit_depth"]) if "ViT" in block else 0
    if mbconv_depth + vit_depth == 0:
        return None
    return StageSpec(
        width=int(options["width"]),
        stride=int(options["stride"]),
        mbconv_depth=mbconv_depth,
        kernel=int(options["kernel"]),
        expansion=int(options["expansion"]),
        vit_depth=vit_depth,
        heads=int(options["heads"]),
        token_stride=int(options["token_stride"]),
        mlp_ratio=int(options["mlp_ratio"]),
        skip=bool(options["skip"]),
    )
