"""The macro space of TransNAS-Bench-101: residual networks of four to six modules (Duan et al., CVPR 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from archlock.iospec import IOSpec
from archlock.scores import FloatArray
from archlock.spaces.network import Network
from archlock.spaces.protocol import Choice, Genotype
from archlock.spaces.table import ChoiceSpace
from archlock.spaces.transnas_network import WIDTH, ResidualBlock, TransNASBody, transnas_network
from archlock.spaces.transnas_tasks import find_task
from archlock.spaces.transnas_twins import (
    BOTH,
    CHANNELS,
    DEPTHS,
    MODULES,
    RESOLUTION,
    halvings,
    is_published,
    macro_codes,
    repair,
)


class TransNASMacroSpace(ChoiceSpace):
    """3,256 skeletons; a gene is the kind of a module, and 0, at the end only, is no module.

    Not every code is a network of the benchmark: there are one to three doublings of the channels and one to four
    halvings of the resolution. Other codes stand for the published code that `repair` makes of them, so that
    every draft of an engine is a network.

    Args:
        width: channels after the stem; 64 as published.
    """

    name = "transnas_macro"
    choices = tuple(Choice(f"module{index}", MODULES) for index in range(DEPTHS[1]))

    def __init__(self, width: int = WIDTH) -> None:
        self.width = width

    @property
    def canonical_count(self) -> int:
        """Number of published codes."""
        return len(macro_codes())

    def simplify(self, genotype: Genotype) -> Genotype:
        """The published code that a draft stands for."""
        return repair(genotype)

    def active(self, genotype: Genotype) -> tuple[bool, ...]:
        """Every gene: that there is no module is a choice, too."""
        return (True,) * len(genotype)

    def sample(self, rng: np.random.Generator) -> Genotype:
        """A random published code, each as likely."""
        return macro_codes()[int(rng.integers(len(macro_codes())))]

    def mutate(self, genotype: Genotype, rng: np.random.Generator) -> Genotype:
        """A random published code that differs in one module.

        Raises:
            SpaceError: not a genotype of this space.
        """
        near = self.neighbours(genotype)
        return near[int(rng.integers(len(near)))]

    def neighbours(self, genotype: Genotype) -> tuple[Genotype, ...]:
        """Published codes that differ in one module, or have one more or one fewer at the end.

        Raises:
            SpaceError: not a genotype of this space.
        """
        centre = self.canonical(genotype)
        drafts = (
            (*centre[:place], module, *centre[place + 1 :])
            for place in range(len(centre))
            for module in range(len(MODULES))
        )
        return tuple(draft for draft in drafts if draft != centre and is_published(draft))

    def traits(self, genotypes: Sequence[Genotype]) -> FloatArray:
        """One-hot modules and what they amount to, shape (n, traits); see `macro_traits`."""
        forms = [self.canonical(genotype) for genotype in genotypes]
        extra = macro_traits(np.array(forms, dtype=np.int64).reshape(-1, len(self.choices)))
        return np.hstack([self.encode(forms), extra])

    def build_canonical(self, genotype: Genotype, io: IOSpec) -> Network:
        """The network of a canonical genotype; a dense output has the segmentation decoder."""
        return transnas_network(self._body(genotype, io.channels), io, halvings(genotype))

    def build_for(self, genotype: Genotype, task: str) -> Network:
        """The network as published for one of the benchmark's tasks, see `archlock.spaces.transnas_tasks.TASKS`.

        Raises:
            SpaceError: not a genotype of this space, or no such task.
        """
        wanted, code = find_task(task), self.canonical(genotype)
        body = self._body(code, wanted.tile_channels)
        return transnas_network(body, wanted.io, halvings(code), wanted.decoder, wanted.tiles)

    def _body(self, code: Genotype, channels: int) -> TransNASBody:
        return TransNASBody(code, ResidualBlock, channels, self.width)


def macro_traits(codes: np.ndarray) -> FloatArray:
    """What a skeleton amounts to.

    Args:
        codes: shape (n, 6), kind of each module; canonical.

    Returns:
        shape (n, 17): modules; log2 of width and of the resolution's divisor after each module (the last one's where
        there is none); log2 of last width times last divisor; mean resolution; log of weights and of multiply-adds.
    """
    width = np.cumsum(np.isin(codes, (CHANNELS, BOTH)), axis=1)
    divisor = np.cumsum(np.isin(codes, (RESOLUTION, BOTH)), axis=1)
    present = codes > 0
    before = np.hstack([np.zeros((len(codes), 1)), width[:, :-1]])
    # Of two blocks with two 3x3 convolutions each, the first convolution starts from the width before.
    weights = present * 9.0 * (2.0 ** (before + width) + 3 * 4.0**width)
    work = weights / 4.0**divisor
    depth = present.sum(axis=1)
    sums = [np.log(weights.sum(axis=1)), np.log(work.sum(axis=1))]
    mean = (divisor * present).sum(axis=1) / np.maximum(depth, 1)
    return np.column_stack([depth, width, divisor, width[:, -1] + divisor[:, -1], mean, *sums]).astype(np.float64)
