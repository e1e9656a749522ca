"""A search space as one table of choices, one rule for what is active, and one build function.

Everything else that `archlock.spaces.protocol.SearchSpace` asks for follows from these three, so that a new space is
one file: derive from `ChoiceSpace`, give ``name`` and ``choices``, and write `active` and `build_canonical`.
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from archlock.errors import SpaceError
from archlock.iospec import IOSpec
from archlock.scores import FloatArray
from archlock.spaces.network import Network
from archlock.spaces.protocol import Choice, Genotype, Option

CROSSOVER_TRIES = 16


class ChoiceSpace(ABC):
    """Base class of spaces that are a table of choices.

    The canonical form of a genotype is `simplify` followed by index 0 in every gene that is not `active`. Subclasses
    promise that neither changes a canonical form; the contract suite of `archlock.testing` checks it.
    """

    name: str
    choices: tuple[Choice, ...]

    @abstractmethod
    def active(self, genotype: Genotype) -> tuple[bool, ...]:
        """Which genes of a simplified genotype have any effect on the network; one per choice."""

    @abstractmethod
    def build_canonical(self, genotype: Genotype, io: IOSpec) -> Network:
        """The network of a canonical genotype, freshly initialised from torch's global generator."""

    def simplify(self, genotype: Genotype) -> Genotype:
        """The same network told in its simplest options, for example a block of depth 0 as no block."""
        return genotype

    @property
    def genotype_count(self) -> int:
        """Number of genotypes in the table, twins counted separately."""
        return math.prod(len(choice.options) for choice in self.choices)

    def check(self, genotype: Genotype) -> Genotype:
        """The genotype as a tuple of plain ints.

        Raises:
            SpaceError: wrong length, a gene that is not an int, or an index outside its options.
        """
        if len(genotype) != len(self.choices):
            raise SpaceError(f"{self.name}: a genotype has {len(self.choices)} genes, not {len(genotype)}")
        return tuple(self._check_gene(gene, choice) for gene, choice in zip(genotype, self.choices, strict=True))

    def _check_gene(self, gene: int, choice: Choice) -> int:
        last = len(choice.options) - 1
        try:
            index = operator.index(gene)
        except TypeError:
            raise SpaceError(
                f"{self.name}: gene {choice.name!r} must be an int from 0 to {last}, not {gene!r}"
            ) from None
        if not 0 <= index <= last:
            raise SpaceError(f"{self.name}: gene {choice.name!r} must be an int from 0 to {last}, not {index}")
        return index

    def canonical(self, genotype: Genotype) -> Genotype:
        """The one form that all genotypes of the same network share.

        Raises:
            SpaceError: not a genotype of this space.
        """
        simple = self.simplify(self.check(genotype))
        return tuple(gene if on else 0 for gene, on in zip(simple, self.active(simple), strict=True))

    def build(self, genotype: Genotype, io: IOSpec) -> Network:
        """The network, freshly initialised from torch's global generator.

        Raises:
            SpaceError: not a genotype of this space.
        """
        return self.build_canonical(self.canonical(genotype), io)

    def sample(self, rng: np.random.Generator) -> Genotype:
        """A random canonical genotype: every gene uniform, then made canonical."""
        return self.canonical(self._random_genes(rng))

    def _random_genes(self, rng: np.random.Generator) -> Genotype:
        sizes = [len(choice.options) for choice in self.choices]
        return tuple(rng.integers(sizes).tolist())

    def mutate(self, genotype: Genotype, rng: np.random.Generator) -> Genotype:
        """A canonical genotype that differs in one active gene, and in the genes that this wakes, drawn at random.

        Raises:
            SpaceError: not a genotype of this space, or the space holds no other network.
        """
        parent = self.canonical(genotype)
        mask = self.active(parent)
        # Waking genes must not all wake at index 0, so sleeping ones take random options before the change.
        draft = tuple(
            gene if on else filler for gene, on, filler in zip(parent, mask, self._random_genes(rng), strict=True)
        )
        for position in rng.permutation(np.flatnonzero(mask)):
            for option in rng.permutation(len(self.choices[position].options)):
                child = self.canonical((*draft[:position], int(option), *draft[position + 1 :]))
                if option != parent[position] and child != parent:
                    return child
        raise SpaceError(f"{self.name}: no other network can be reached by mutation")

    def crossover(self, first: Genotype, second: Genotype, rng: np.random.Generator) -> Genotype:
        """A canonical child whose genes each come from a parent.

        A gene that sleeps in one parent is taken from the other. Where making the child canonical leaves a gene that
        neither parent has, the mix is drawn again, and after some tries the child is the first parent.

        Raises:
            SpaceError: not genotypes of this space.
        """
        mother, father = self.canonical(first), self.canonical(second)
        mother_on, father_on = np.array(self.active(mother)), np.array(self.active(father))
        for _ in range(CROSSOVER_TRIES):
            coin = rng.random(len(mother)) < 0.5
            take_mother = np.where(mother_on == father_on, coin, mother_on)
            child = self.canonical(tuple(int(gene) for gene in np.where(take_mother, mother, father)))
            if all(gene in pair for gene, pair in zip(child, zip(mother, father, strict=True), strict=True)):
                return child
        return mother

    def neighbours(self, genotype: Genotype) -> tuple[Genotype, ...]:
        """Distinct canonical genotypes one gene away; the genotype itself is not among them.

        Raises:
            SpaceError: not a genotype of this space.
        """
        centre = self.canonical(genotype)
        found: dict[Genotype, None] = {}
        for position, on in enumerate(self.active(centre)):
            for option in range(len(self.choices[position].options) if on else 0):
                found[self.canonical((*centre[:position], option, *centre[position + 1 :]))] = None
        found.pop(centre, None)
        return tuple(found)

    def encode(self, genotypes: Sequence[Genotype]) -> FloatArray:
        """One-hot features of canonical forms, an inactive gene all zeros; shape (n, sum of option counts).

        Raises:
            SpaceError: not genotypes of this space.
        """
        forms = [self.canonical(genotype) for genotype in genotypes]
        widths = [len(choice.options) for choice in self.choices]
        starts = np.concatenate([[0], np.cumsum(widths)[:-1]])
        features = np.zeros((len(forms), sum(widths)), dtype=np.float64)
        if forms:
            columns = np.array(forms) + starts
            active = np.array([self.active(form) for form in forms], dtype=np.float64)
            np.put_along_axis(features, columns, active, axis=1)
        return features

    def traits(self, genotypes: Sequence[Genotype]) -> FloatArray:
        """As `encode`, where a space knows nothing better; shape (n, traits)."""
        return self.encode(genotypes)

    def describe(self, genotype: Genotype) -> dict[str, Option]:
        """Choice name to chosen option, inactive genes left out.

        Raises:
            SpaceError: not a genotype of this space.
        """
        form = self.canonical(genotype)
        rows = zip(self.choices, form, self.active(form), strict=True)
        return {choice.name: choice.options[gene] for choice, gene, on in rows if on}
