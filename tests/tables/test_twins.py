"""Laws of merging twins, for any table: neighbours by brute force, means by hand, canonical micro cells."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from archlock.tables.twins import class_mean, first_of_kind, micro_twins, neighbouring_classes

FEW = settings(max_examples=40, deadline=None)
TABLES = arrays.arrays(np.int64, st.tuples(st.integers(2, 25), st.integers(1, 4)), elements=st.integers(0, 3)).map(
    lambda genotypes: np.unique(genotypes, axis=0)
)
CELLS = arrays.arrays(np.int64, (8, 6), elements=st.integers(0, 3))


@FEW
@given(TABLES, st.integers(0, 2**32 - 1))
def test_neighbours_are_what_brute_force_finds(genotypes: np.ndarray, seed: int) -> None:
    kinds = np.random.default_rng(seed).integers(0, max(1, len(genotypes) // 2), len(genotypes))
    _, classes = np.unique(first_of_kind(kinds.tolist()), return_inverse=True)
    found = neighbouring_classes(genotypes, classes)
    edits = (genotypes[:, None] != genotypes[None]).sum(axis=2) == 1
    for one, others in enumerate(found):
        expected = set(classes[edits[classes == one].any(axis=0)].tolist()) - {one}
        assert others.tolist() == sorted(expected)


@FEW
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(0, 4)), min_size=1))
def test_a_class_has_the_mean_of_its_rows(rows: list[tuple[float, int]]) -> None:
    values = np.array([value for value, _ in rows])
    _, classes = np.unique([kind for _, kind in rows], return_inverse=True)
    means = class_mean(values, classes)
    for one in range(classes.max() + 1):
        assert np.isclose(means[one], values[classes == one].mean())


@FEW
@given(CELLS)
def test_exchanging_two_nodes_that_no_edge_joins_gives_a_twin(cells: np.ndarray) -> None:
    apart = cells.copy()
    apart[:, 2] = 0
    exchanged = apart[:, [1, 0, 2, 3, 5, 4]]
    twins = micro_twins(np.concatenate([apart, exchanged]))
    assert np.array_equal(twins[:8], twins[8:])


@FEW
@given(CELLS, st.integers(1, 3))
def test_an_edge_that_leads_nowhere_changes_nothing(cells: np.ndarray, operation: int) -> None:
    dead = cells.copy()
    # Node 1 has no way out, so that what enters it is lost.
    dead[:, [0, 2, 4]] = 0
    entered = dead.copy()
    entered[:, 0] = operation
    twins = micro_twins(np.concatenate([dead, entered]))
    assert np.array_equal(twins[:8], twins[8:])
