"""The seam between networks and everything that searches them: a table of choices and a build function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from archlock.iospec import IOSpec
from archlock.scores import FloatArray
from archlock.spaces.network import Network

Genotype = tuple[int, ...]
Option = str | int | float | bool


@dataclass(frozen=True)
class Choice:
    """One open decision: a gene's name and the options its integer indexes.

    Raises:
        ValueError: no options, or one given twice.
    """

    name: str
    options: tuple[Option, ...]

    def __post_init__(self) -> None:
        if not self.options or len(set(map(repr, self.options))) != len(self.options):
            raise ValueError(f"choice {self.name!r} needs distinct options, not {self.options}")


@runtime_checkable
class SearchSpace(Protocol):
    """Which networks exist.

    A genotype is a tuple of ints, one per choice, each an index into that choice's options. Two genotypes that build
    the same network (inactive genes, isomorphic graphs) share one canonical form; `canonical` is idempotent, and
    `sample`, `mutate`, `crossover` and `neighbours` return canonical genotypes only. All randomness comes from the
    generator passed in. Implementations run the contract suite of `archlock.testing`.
    """

    @property
    def name(self) -> str:
        """Registered name."""

    @property
    def choices(self) -> tuple[Choice, ...]:
        """One choice per gene, in genotype order."""

    def sample(self, rng: np.random.Generator) -> Genotype:
        """A random canonical genotype."""

    def mutate(self, genotype: Genotype, rng: np.random.Generator) -> Genotype:
        """A canonical genotype that differs from the given one."""

    def crossover(self, first: Genotype, second: Genotype, rng: np.random.Generator) -> Genotype:
        """A canonical child whose genes each come from a parent."""

    def neighbours(self, genotype: Genotype) -> tuple[Genotype, ...]:
        """Distinct canonical genotypes one gene away; the genotype itself is not among them."""

    def canonical(self, genotype: Genotype) -> Genotype:
        """The one form that all genotypes of the same network share.

        Raises:
            SpaceError: not a genotype of this space.
        """

    def build(self, genotype: Genotype, io: IOSpec) -> Network:
        """The network, freshly initialised from torch's global generator.

        Raises:
            SpaceError: not a genotype of this space.
        """

    def encode(self, genotypes: Sequence[Genotype]) -> FloatArray:
        """Fixed-width numeric features of canonical forms; shape (n, features)."""

    def traits(self, genotypes: Sequence[Genotype]) -> FloatArray:
        """Features for predictors that learn from few labels, shape (n, traits); twins have equal traits.

        Unlike `encode` they may map different networks to one point; a space without better ones returns `encode`.
        """

    def describe(self, genotype: Genotype) -> dict[str, Option]:
        """Choice name to chosen option, inactive genes left out."""
