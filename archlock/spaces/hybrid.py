"""The hybrid space: edge-size networks of convolution and attention stages, after the space of H4H-NAS (2024).

Three stages follow a stem; each is MBConv blocks, ViT blocks, both in that order, or nothing. Stem, resolutions,
sampling, norm, pooling and residual connections are open too, since they decide what a network can be taught later.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from archlock.iospec import IOSpec
from archlock.scores import FloatArray
from archlock.spaces.hybrid_blocks import HybridBody
from archlock.spaces.hybrid_options import (
    CHOICES,
    GLOBAL_CHOICES,
    GLOBAL_NAMES,
    STAGE_CHOICES,
    STAGE_NAMES,
    STAGES,
    STARTS,
    specs_of,
)
from archlock.spaces.hybrid_traits import traits_of
from archlock.spaces.network import Network
from archlock.spaces.protocol import Genotype
from archlock.spaces.table import ChoiceSpace

NONE, MBCONV, VIT, BOTH = range(4)
WITHOUT_VIT = {NONE: NONE, MBCONV: MBCONV, VIT: NONE, BOTH: MBCONV}
MBCONV_GENES = frozenset({"kernel", "expansion", "depth"})
VIT_GENES = frozenset({"vit_depth", "heads", "token_stride", "mlp_ratio"})

DOWNSAMPLE, STEM_WIDTH, POOLING = (GLOBAL_NAMES.index(name) for name in ("downsample", "stem.width", "pooling"))
BLOCK, WIDTH, STRIDE, DEPTH, VIT_DEPTH = map(STAGE_NAMES.index, ("block", "width", "stride", "depth", "vit_depth"))
STEM_WIDTHS, STAGE_WIDTHS = GLOBAL_CHOICES[STEM_WIDTH].options, STAGE_CHOICES[WIDTH].options
STRIDED_BLOCKS = GLOBAL_CHOICES[DOWNSAMPLE].options.index("stride")
STRIDE_ONE, DEPTH_ONE = STAGE_CHOICES[STRIDE].options.index(1), STAGE_CHOICES[DEPTH].options.index(1)
VIT_OFF = STAGE_CHOICES[VIT_DEPTH].options.index(0)


def _is_active(name: str, block: int, skip_matters: bool) -> bool:
    """Whether one gene of a stage has any effect under some block type."""
    if name in MBCONV_GENES:
        return block in (MBCONV, BOTH)
    if name in VIT_GENES:
        return block in (VIT, BOTH)
    return name == "block" or (block != NONE and (name != "skip" or skip_matters))


GLOBAL_MASK = tuple(name != "downsample" for name in GLOBAL_NAMES)
STAGE_MASKS = {
    (block, skip_matters): tuple(_is_active(name, block, skip_matters) for name in STAGE_NAMES)
    for block in (NONE, MBCONV, VIT, BOTH)
    for skip_matters in (False, True)
}


class HybridSpace(ChoiceSpace):
    """MBConv and ViT stages with open stem, resolutions, sampling, norm, pooling and skips.

    Twins: an empty stage has no other gene; ViT depth 0 is no ViT; a skip that no block can make is no gene; the way
    of down-sampling is no gene where nothing is down-sampled.
    """

    name = "hybrid"
    choices = CHOICES

    def simplify(self, genotype: Genotype) -> Genotype:
        """ViT depth 0 told as a block without ViT."""
        genes = list(genotype)
        for start in STARTS:
            if genes[start + VIT_DEPTH] == VIT_OFF:
                genes[start + BLOCK] = WITHOUT_VIT[genes[start + BLOCK]]
        return tuple(genes)

    def active(self, genotype: Genotype) -> tuple[bool, ...]:
        """Which genes have any effect on the network; one per choice."""
        mask = list(GLOBAL_MASK)
        strided_blocks = genotype[DOWNSAMPLE] == STRIDED_BLOCKS
        width = STEM_WIDTHS[genotype[STEM_WIDTH]]
        for start in STARTS:
            block, ins, sampled = genotype[start + BLOCK], width, genotype[start + STRIDE] != STRIDE_ONE
            if block != NONE:
                width = STAGE_WIDTHS[genotype[start + WIDTH]]
                mask[DOWNSAMPLE] |= sampled
            # The first MBConv keeps its input's shape, or a later block does.
            keeps_shape = ins == width and not (sampled and strided_blocks)
            skip_matters = block in (VIT, BOTH) or genotype[start + DEPTH] != DEPTH_ONE or keeps_shape
            mask += STAGE_MASKS[block, skip_matters]
        return tuple(mask)

    def build_canonical(self, genotype: Genotype, io: IOSpec) -> Network:
        """The network of a canonical genotype."""
        return build_hybrid(genotype, io)

    def traits(self, genotypes: Sequence[Genotype]) -> FloatArray:
        """A few physical figures of each network, shape (n, traits); see `archlock.spaces.hybrid_traits`."""
        return np.array([self._traits(self.canonical(genotype)) for genotype in genotypes], dtype=np.float64)

    def _traits(self, genotype: Genotype) -> list[float]:
        return traits_of(*specs_of(genotype), str(GLOBAL_CHOICES[POOLING].options[genotype[POOLING]]))

    @property
    def canonical_count(self) -> int:
        """Number of canonical genotypes, counted stage by stage without listing them."""
        from archlock.spaces.hybrid_count import count_canonical

        return count_canonical(STAGES)


def build_hybrid(genotype: Genotype, io: IOSpec) -> Network:
    """The network of any genotype, canonical or not, freshly initialised from torch's global generator."""
    stem, stages, style = specs_of(genotype)
    body = HybridBody(stem, stages, style, io.channels)
    pooling = str(GLOBAL_CHOICES[POOLING].options[genotype[POOLING]])
    return Network(body, body.features, io, pooling)
