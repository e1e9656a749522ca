"""Genotypes as people and files write them: ``0-3-1-2``, and a short stable id."""

from __future__ import annotations

import hashlib

from archlock.errors import SpaceError
from archlock.spaces.protocol import Genotype, SearchSpace

ID_DIGITS = 12


def format_genotype(genotype: Genotype) -> str:
    """Genes joined by dashes."""
    return "-".join(str(gene) for gene in genotype)


def parse_genotype(space: SearchSpace, text: str) -> Genotype:
    """The canonical genotype that a text such as ``0-3-1-2`` names.

    Raises:
        SpaceError: not numbers joined by dashes, or not a genotype of the space.
    """
    genes = text.strip().split("-")
    for position, gene in enumerate(genes):
        if not (gene.isascii() and gene.isdecimal()):
            raise SpaceError(
                f"{space.name}: gene {position + 1} of the genotype is {gene!r}, expected numbers joined by dashes"
            )
    return space.canonical(tuple(int(gene) for gene in genes))


def genotype_id(space: SearchSpace, genotype: Genotype) -> str:
    """Twelve hex digits that name a network of a space, the same for twins, runs and machines.

    Raises:
        SpaceError: not a genotype of the space.
    """
    text = f"{space.name}:{format_genotype(space.canonical(genotype))}"
    return hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]
