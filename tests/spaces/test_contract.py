import numpy as np
import pytest

from archlock.iospec import IOSpec
from archlock.spaces.network import Network
from archlock.spaces.protocol import Choice, Genotype
from archlock.spaces.registry import load_space, space_names
from archlock.spaces.table import ChoiceSpace
from archlock.testing import SearchSpaceContract
from archlock.testing.spaces import raw_genotypes


class TestBuiltInSpaces(SearchSpaceContract):
    # Full-size TransNAS networks and their decoders take seconds each; test_transnas.py runs narrower ones always.
    @pytest.fixture(
        params=[
            pytest.param(name, marks=pytest.mark.slow if name.startswith("transnas") else ()) for name in space_names()
        ]
    )
    def space(self, request):
        return load_space(request.param)


class TwinSpace(ChoiceSpace):
    """Depth 0 has no width; built with the hybrid stem, so that the contract has real networks to run."""

    name = "twins"
    choices = (Choice("depth", (0, 1, 2)), Choice("width", (8, 12, 16)))

    def active(self, genotype: Genotype) -> tuple[bool, ...]:
        return True, genotype[0] > 0

    def build_canonical(self, genotype: Genotype, io: IOSpec) -> Network:
        from torch import nn

        width = int(self.choices[1].options[genotype[1]])
        body = nn.Sequential(nn.Conv2d(io.channels, width, 3, padding=1))
        for _ in range(genotype[0]):
            body.append(nn.Sequential(nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)))
        return Network(body, width, io)


class TestOneFileSpace(SearchSpaceContract):
    @pytest.fixture
    def space(self):
        return TwinSpace()


class Leaky(TwinSpace):
    """Says that the width of depth 0 matters, though it merges it: canonical forms that are no fixed points."""

    def simplify(self, genotype: Genotype) -> Genotype:
        return genotype[0], (genotype[1] + 1) % 3


class Blind(TwinSpace):
    """Mutates the first gene only."""

    def mutate(self, genotype: Genotype, rng: np.random.Generator) -> Genotype:
        return self.canonical(((genotype[0] + 1) % 3, genotype[1]))


class Selfish(TwinSpace):
    """Keeps a state of its own beside the generator."""

    drawn = 0

    def sample(self, rng: np.random.Generator) -> Genotype:
        type(self).drawn += 1
        return self.canonical((self.drawn % 3, 1))


def test_contract_catches_an_unstable_canonical_form():
    with pytest.raises(AssertionError):
        SearchSpaceContract().test_canonical_is_idempotent(Leaky(), np.random.default_rng(0))


def test_contract_catches_options_out_of_reach():
    with pytest.raises(AssertionError, match="never reached"):
        SearchSpaceContract().test_mutation_reaches_every_option(Blind(), np.random.default_rng(0))


def test_contract_catches_hidden_state():
    with pytest.raises(AssertionError):
        SearchSpaceContract().test_same_generator_same_genotypes(Selfish())


def test_twin_space_merges_what_has_no_effect():
    space = TwinSpace()
    forms = {space.canonical(raw) for raw in raw_genotypes(space, np.random.default_rng(0), 200)}
    assert len(forms) == 7
    assert space.genotype_count == 9
    assert set(space.neighbours((0, 0))) == {(1, 0), (2, 0)}
