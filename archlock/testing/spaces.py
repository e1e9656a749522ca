"""What every `archlock.spaces.protocol.SearchSpace` must hold, as a pytest class.

```python
from archlock.testing import SearchSpaceContract

class TestMySpace(SearchSpaceContract):
    @pytest.fixture
    def space(self):
        return MySpace()
```
"""

from __future__ import annotations

import itertools
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from archlock.errors import SpaceError
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.network import Network
from archlock.spaces.protocol import Genotype, SearchSpace
from archlock.spaces.text import format_genotype, genotype_id, parse_genotype

BATCH = 2


class SearchSpaceContract:
    """Derive, override the fixture ``space``, and narrow the class attributes where the space is narrower.

    Attributes:
        samples: genotypes that the cheap laws are tried on.
        builds: genotypes that are built for each of ``io_specs``.
        io_specs: inputs and outputs that the space says it can build for.
    """

    samples: ClassVar[int] = 60
    builds: ClassVar[int] = 3
    io_specs: ClassVar[tuple[IOSpec, ...]] = (
        IOSpec(1, 8, 8, OutputKind.CLASSES, 10),
        IOSpec(3, 16, 16, OutputKind.LABELS, 4),
        IOSpec(3, 13, 20, OutputKind.VALUES, 1),
        IOSpec(2, 16, 16, OutputKind.DENSE, 2),
        IOSpec(2, 1, 64, OutputKind.CLASSES, 3),
    )

    @pytest.fixture
    def space(self) -> SearchSpace:
        """The space under test."""
        raise pytest.UsageError("override the fixture `space` with the search space under test")

    @pytest.fixture
    def rng(self) -> np.random.Generator:
        """A generator with a fixed seed."""
        return np.random.default_rng(0)

    @pytest.fixture
    def drawn(self, space: SearchSpace, rng: np.random.Generator) -> list[Genotype]:
        """Random canonical genotypes."""
        return [space.sample(rng) for _ in range(self.samples)]

    def test_follows_the_protocol(self, space: SearchSpace) -> None:
        """It has every member, a name, and choices with distinct names."""
        assert isinstance(space, SearchSpace)
        names = [choice.name for choice in space.choices]
        assert space.name
        assert names
        assert len(set(names)) == len(names)

    def test_samples_are_canonical_and_vary(self, space: SearchSpace, drawn: list[Genotype]) -> None:
        """Samples are canonical tuples of plain ints, and not always the same."""
        for genotype in drawn:
            assert_canonical(space, genotype)
        assert len(set(drawn)) > 1

    def test_canonical_is_idempotent(self, space: SearchSpace, rng: np.random.Generator) -> None:
        """Any raw genotype has a canonical form that is its own canonical form."""
        for raw in raw_genotypes(space, rng, self.samples):
            assert_canonical(space, space.canonical(raw))

    def test_mutation_differs(self, space: SearchSpace, drawn: list[Genotype], rng: np.random.Generator) -> None:
        """A mutant is canonical and another network."""
        for genotype in drawn:
            mutant = space.mutate(genotype, rng)
            assert_canonical(space, mutant)
            assert mutant != genotype

    def test_mutation_reaches_every_option(self, space: SearchSpace, rng: np.random.Generator) -> None:
        """No option of any choice is out of a long walk's reach."""
        seen: set[tuple[str, object]] = set()
        genotype = space.sample(rng)
        for _ in range(50 * sum(len(choice.options) for choice in space.choices)):
            genotype = space.mutate(genotype, rng)
            seen.update(space.describe(genotype).items())
        for raw in raw_genotypes(space, rng, 50 * self.samples):
            missed = set(space.describe(raw).items()) - seen
            assert not missed, f"mutation never reached {missed}"

    def test_children_come_from_their_parents(
        self, space: SearchSpace, drawn: list[Genotype], rng: np.random.Generator
    ) -> None:
        """Each gene of a child is a parent's; a child of twins is their canonical form."""
        for mother, father in itertools.pairwise(drawn):
            child = space.crossover(mother, father, rng)
            assert_canonical(space, child)
            assert all(gene in pair for gene, pair in zip(child, zip(mother, father, strict=True), strict=True))
            assert space.crossover(mother, mother, rng) == mother

    def test_neighbours_are_distinct_and_other(self, space: SearchSpace, drawn: list[Genotype]) -> None:
        """Neighbours are canonical, distinct, and never the genotype itself."""
        for genotype in drawn[:10]:
            near = space.neighbours(genotype)
            assert near
            assert len(set(near)) == len(near)
            assert genotype not in near
            for neighbour in near:
                assert_canonical(space, neighbour)

    def test_encodings_tell_networks_apart(self, space: SearchSpace, drawn: list[Genotype]) -> None:
        """Fixed width, finite, and different for networks that differ by one gene."""
        forms = list({*drawn, *space.neighbours(drawn[0])})
        features = space.encode(forms)
        assert features.shape == (len(forms), space.encode([]).shape[1])
        assert np.isfinite(features).all()
        assert len(np.unique(features, axis=0)) == len(forms)

    def test_twins_are_one(self, space: SearchSpace, rng: np.random.Generator) -> None:
        """A raw genotype and its canonical form share encoding, description, id and, from one seed, the function."""
        for count, raw in enumerate(raw_genotypes(space, rng, self.samples)):
            form = space.canonical(raw)
            np.testing.assert_array_equal(space.encode([raw]), space.encode([form]))
            assert space.describe(raw) == space.describe(form)
            assert genotype_id(space, raw) == genotype_id(space, form)
            if count < self.builds:
                torch.testing.assert_close(*(run(space, twin, self.io_specs[0])[1] for twin in (raw, form)))

    def test_descriptions_use_the_table(self, space: SearchSpace, drawn: list[Genotype]) -> None:
        """Every described option is one of its choice's."""
        options = {choice.name: choice.options for choice in space.choices}
        for genotype in drawn:
            assert all(option in options[name] for name, option in space.describe(genotype).items())

    def test_same_generator_same_genotypes(self, space: SearchSpace) -> None:
        """All randomness comes from the generator passed in."""
        assert walk(space, seed=5) == walk(space, seed=5)
        assert walk(space, seed=5) != walk(space, seed=6)

    def test_wrong_genotypes_are_refused(self, space: SearchSpace, rng: np.random.Generator) -> None:
        """Wrong lengths and indices out of range raise `SpaceError`, in every method that takes a genotype."""
        good = space.sample(rng)
        too_high = (*good[:-1], len(space.choices[-1].options))
        for bad in (good[:-1], (*good, 0), (-1, *good[1:]), too_high, ()):
            for method in (space.canonical, space.neighbours, space.describe):
                with pytest.raises(SpaceError):
                    method(bad)
            with pytest.raises(SpaceError):
                space.build(bad, self.io_specs[0])
            with pytest.raises(SpaceError):
                space.mutate(bad, rng)
            with pytest.raises(SpaceError):
                space.encode([bad])

    def test_text_form_round_trips(self, space: SearchSpace, drawn: list[Genotype]) -> None:
        """A written genotype reads back as itself, and ids are distinct."""
        for genotype in drawn:
            assert parse_genotype(space, format_genotype(genotype)) == genotype
        assert len({genotype_id(space, genotype) for genotype in drawn}) == len(set(drawn))

    def test_networks_learn_on_every_io_spec(self, space: SearchSpace, rng: np.random.Generator) -> None:
        """Outputs have the stated shape and are finite, in training and evaluation; so are the gradients."""
        for io in self.io_specs:
            for _ in range(self.builds):
                network, outputs = run(space, space.sample(rng), io)
                spatial = (io.height, io.width) if io.output is OutputKind.DENSE else ()
                assert outputs.shape == (BATCH, io.outputs, *spatial)
                outputs.square().sum().backward()
                assert_finite([outputs, *(p.grad for p in network.parameters() if p.grad is not None)])
                assert any(parameter.grad is not None for parameter in network.head.parameters())
                assert_finite([network.eval()(inputs_for(io)), network.embed(inputs_for(io))])

    def test_networks_have_the_stated_parts(self, space: SearchSpace, rng: np.random.Generator) -> None:
        """The body gives ``features`` channels and embeddings have as many columns."""
        io = self.io_specs[0]
        network, _ = run(space, space.sample(rng), io)
        assert network.body(inputs_for(io)).shape[:2] == (BATCH, network.features)
        assert network.embed(inputs_for(io)).shape == (BATCH, network.features)
        assert network.io == io

    def test_builds_repeat_from_one_seed(self, space: SearchSpace, rng: np.random.Generator) -> None:
        """The same global seed gives the same weights; another seed gives others."""
        genotype = space.sample(rng)
        first, second, other = (run(space, genotype, self.io_specs[0], seed)[0].state_dict() for seed in (1, 1, 2))
        assert all(torch.equal(first[name], second[name]) for name in first)
        assert any(not torch.equal(first[name], other[name]) for name in first)


def assert_canonical(space: SearchSpace, genotype: Genotype) -> None:
    """Fail unless this is a canonical genotype of the space, made of plain ints."""
    assert isinstance(genotype, tuple)
    assert all(type(gene) is int for gene in genotype)
    assert space.canonical(genotype) == genotype


def assert_finite(tensors: list[Tensor]) -> None:
    """Fail if any value is NaN or infinite."""
    assert all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


def raw_genotypes(space: SearchSpace, rng: np.random.Generator, count: int) -> list[Genotype]:
    """Uniformly random genotypes, canonical or not."""
    return [tuple(int(rng.integers(len(choice.options))) for choice in space.choices) for _ in range(count)]


def genotype_of(space: SearchSpace, **options: object) -> Genotype:
    """Index 0 everywhere but in the named genes, given by option; dots of a gene's name written as two underscores."""
    genes = [0] * len(space.choices)
    names = [choice.name for choice in space.choices]
    for name, option in options.items():
        position = names.index(name.replace("__", "."))
        genes[position] = space.choices[position].options.index(option)
    return tuple(genes)


def inputs_for(io: IOSpec) -> Tensor:
    """A fixed random batch."""
    return torch.randn(BATCH, *io.input_shape, generator=torch.Generator().manual_seed(0))


def run(space: SearchSpace, genotype: Genotype, io: IOSpec, seed: int = 0) -> tuple[Network, Tensor]:
    """A network built from a global seed, in training mode, and its outputs on a fixed batch."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = space.build(genotype, io).train()
    return network, network(inputs_for(io))


def walk(space: SearchSpace, seed: int) -> list[Genotype]:
    """A few samples, mutants and children from one seed."""
    rng = np.random.default_rng(seed)
    first, second = space.sample(rng), space.sample(rng)
    return [first, second, space.mutate(first, rng), space.crossover(first, second, rng)]
