"""Traits say the same of twins, tell what a stem lets through, and follow real parameter counts."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from archlock.hwcost import trace
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.hybrid import HybridSpace
from archlock.spaces.hybrid_traits import TRAITS

SPACE = HybridSpace()
IO = IOSpec(3, 16, 16, OutputKind.CLASSES, 10)


def with_option(genotype: tuple[int, ...], **options: object) -> tuple[int, ...]:
    genes = list(genotype)
    for name, option in options.items():
        index = next(i for i, choice in enumerate(SPACE.choices) if choice.name == name.replace("__", "."))
        genes[index] = SPACE.choices[index].options.index(option)  # type: ignore[arg-type]
    return SPACE.canonical(tuple(genes))


def test_one_finite_column_per_trait() -> None:
    rng = np.random.default_rng(0)
    traits = SPACE.traits([SPACE.sample(rng) for _ in range(200)])
    assert traits.shape == (200, len(TRAITS))
    assert np.isfinite(traits).all()
    assert (traits.std(axis=0) > 0).all()


def test_stems_that_see_the_same_detail_end_at_the_same_side() -> None:
    base = SPACE.sample(np.random.default_rng(3))
    column = TRAITS.index("log2 final side")
    strided = with_option(base, resolution=1.0, stem__stride=2)
    reduced = with_option(base, resolution=0.5, stem__stride=1)
    first, second = SPACE.traits([strided, reduced])
    assert first[column] == second[column]
    assert not np.array_equal(first, second)


def test_sizes_rank_networks_as_counting_does() -> None:
    rng = np.random.default_rng(1)
    genotypes = [SPACE.sample(rng) for _ in range(40)]
    traits = SPACE.traits(genotypes)
    networks = [SPACE.build(genotype, IO) for genotype in genotypes]
    parameters = [sum(p.numel() for p in network.parameters()) for network in networks]
    macs = [trace(network, (1, 3, 16, 16)).macs for network in networks]
    assert spearmanr(traits[:, TRAITS.index("log parameters")], parameters).statistic > 0.95
    assert spearmanr(traits[:, TRAITS.index("log multiply-adds")], macs).statistic > 0.95


def test_twins_have_equal_traits() -> None:
    rng = np.random.default_rng(2)
    for _ in range(30):
        raw = tuple(int(rng.integers(len(choice.options))) for choice in SPACE.choices)
        assert np.array_equal(SPACE.traits([raw]), SPACE.traits([SPACE.canonical(raw)]))
