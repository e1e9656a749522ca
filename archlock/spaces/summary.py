"""What there is to tell of a search space or a genotype, as plain records for printing and JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch

from archlock.iospec import IOSpec
from archlock.spaces.protocol import Choice, Genotype, Option, SearchSpace
from archlock.spaces.text import format_genotype, genotype_id


@dataclass(frozen=True)
class SpaceSummary:
    """A space's table and size.

    Attributes:
        name: registered name.
        choices: one per gene.
        genotypes: combinations of options, twins counted separately.
        networks: canonical genotypes; None where the space cannot count them.
    """

    name: str
    choices: tuple[Choice, ...]
    genotypes: int
    networks: int | None

    @property
    def size_text(self) -> str:
        """The size in one phrase."""
        genotypes = f"{self.genotypes:.3g} genotypes"
        return genotypes if self.networks is None else f"{genotypes}, {self.networks:.3g} distinct networks"

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class GenotypeSummary:
    """One network of a space.

    Attributes:
        space: name of the space.
        id: short stable id, the same for twins.
        genotype: canonical genotype as text.
        options: choice name to chosen option, inactive genes left out.
        parameters: trainable values of the network built for one input and output.
    """

    space: str
    id: str
    genotype: str
    options: dict[str, Option]
    parameters: int

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return asdict(self)


def summarise_space(space: SearchSpace) -> SpaceSummary:
    """Name, table and size of a space."""
    genotypes = math.prod(len(choice.options) for choice in space.choices)
    return SpaceSummary(space.name, space.choices, genotypes, getattr(space, "canonical_count", None))


def summarise_genotype(space: SearchSpace, genotype: Genotype, io: IOSpec) -> GenotypeSummary:
    """Options and parameter count of one genotype, built without memory for its weights.

    Raises:
        SpaceError: not a genotype of the space.
    """
    form = space.canonical(genotype)
    with torch.device("meta"):
        parameters = sum(parameter.numel() for parameter in space.build(form, io).parameters())
    return GenotypeSummary(
        space.name, genotype_id(space, form), format_genotype(form), space.describe(form), parameters
    )
