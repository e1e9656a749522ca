"""What the spaces of four-node cells share: a table of canonical forms, literal builds, path features."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from archlock.iospec import IOSpec
from archlock.scores import FloatArray
from archlock.spaces.cell import EDGES, NONE, SKIP, live_edges
from archlock.spaces.network import Network
from archlock.spaces.protocol import Genotype
from archlock.spaces.table import ChoiceSpace

PATHS = ((3,), (0, 4), (1, 5), (0, 2, 5))
"""Edges of each way from the first node to the last."""


class CellSpace(ChoiceSpace):
    """Cells of four nodes, few enough that the canonical form of every one can be listed.

    A network is built as its genotype says, edges without effect included, because that is what the published
    tables counted and trained. Twins of one canonical form begin from one seed with equal weights. Engines see
    canonical genotypes only.
    """

    @property
    @abstractmethod
    def forms(self) -> Mapping[Genotype, Genotype]:
        """Canonical form of every genotype."""

    @cached_property
    def twins(self) -> Mapping[Genotype, tuple[Genotype, ...]]:
        """Every genotype of each canonical form, in order."""
        found: dict[Genotype, list[Genotype]] = {}
        for genotype, form in self.forms.items():
            found.setdefault(form, []).append(genotype)
        return {form: tuple(members) for form, members in found.items()}

    @property
    def canonical_count(self) -> int:
        """Number of cells up to isomorphism."""
        return len(self.twins)

    def simplify(self, genotype: Genotype) -> Genotype:
        """The twin that stands for all."""
        return self.forms[genotype]

    def build(self, genotype: Genotype, io: IOSpec) -> Network:
        """The network of exactly this genotype, freshly initialised from torch's global generator.

        Raises:
            SpaceError: not a genotype of this space.
        """
        return self.build_canonical(self.check(genotype), io)

    def neighbours(self, genotype: Genotype) -> tuple[Genotype, ...]:
        """Canonical genotypes with a twin that is one edge away from a twin of this one; never the genotype itself.

        A relation that is symmetric, as the edit of one gene of a canonical form would not be: an edge that wakes
        another one has no effect alone.

        Raises:
            SpaceError: not a genotype of this space.
        """
        centre = self.canonical(genotype)
        found = {
            self.forms[(*twin[:edge], operation, *twin[edge + 1 :])]
            for twin in self.twins[centre]
            for edge, choice in enumerate(self.choices)
            for operation in range(len(choice.options))
        }
        return tuple(sorted(found - {centre}))

    def traits(self, genotypes: Sequence[Genotype]) -> FloatArray:
        """Operations, ways through the cell and sizes, shape (n, traits); see `cell_traits`."""
        forms = [self.canonical(genotype) for genotype in genotypes]
        extra = cell_traits(np.array(forms, dtype=np.int64).reshape(-1, len(EDGES)), len(self.choices[0].options))
        return np.hstack([self.encode(forms), extra])


def cell_traits(cells: np.ndarray, operations: int) -> FloatArray:
    """What a cell computes, beside the operation of each edge.

    Args:
        cells: shape (n, 6), operation of each edge; canonical forms.
        operations: how many operations there are.

    Returns:
        shape (n, traits): the number of ways from first to last node by the operations met, skips left out (the path
        encoding of White et al., AAAI 2021, with skips contracted); the live edges of each operation but `none`; the
        operations on the longest way; and the log of one plus the live edges' kernel weights.
    """
    ways = path_counts(cells, operations)
    live = np.zeros(cells.shape, dtype=bool)
    for row, cell in enumerate(cells.tolist()):
        live[row, list(live_edges(tuple(cell)))] = True
    used = np.stack([((cells == operation) & live).sum(axis=1) for operation in range(1, operations)], axis=1)
    lengths = np.array([len(word) for word in words(operations)])
    longest = np.where(ways > 0, lengths, 0).max(axis=1, initial=0)
    weights = np.log1p(used[:, 1] + 9.0 * used[:, 2])
    return np.column_stack([ways, used, longest, weights]).astype(np.float64)


def words(operations: int) -> list[tuple[int, ...]]:
    """Every sequence of at most three operations other than `none` and skip, shortest first."""
    letters = range(SKIP + 1, operations)
    return [word for length in range(4) for word in itertools.product(letters, repeat=length)]


def path_counts(cells: np.ndarray, operations: int) -> FloatArray:
    """Ways through each cell by the operations met, in the order of `words`; shape (n, 6) to (n, words)."""
    places = {_code(word, operations): place for place, word in enumerate(words(operations))}
    columns = np.zeros(max(places) + 1, dtype=np.int64)
    columns[list(places)] = list(places.values())
    counts = np.zeros((len(cells), len(places)))
    for path in PATHS:
        code = np.zeros(len(cells), dtype=np.int64)
        for edge in path:
            operation = cells[:, edge]
            code = np.where(operation > SKIP, code * operations + operation, code)
        open_rows = np.flatnonzero((cells[:, list(path)] != NONE).all(axis=1))
        np.add.at(counts, (open_rows, columns[code[open_rows]]), 1.0)
    return counts


def _code(word: tuple[int, ...], operations: int) -> int:
    code = 0
    for operation in word:
        code = code * operations + operation
    return code
