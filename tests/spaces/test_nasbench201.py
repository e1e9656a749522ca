import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.hwcost import trace
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.cell import EDGES, live_edges
from archlock.spaces.cell_space import path_counts, words
from archlock.spaces.nasbench201 import NASBench201Space
from archlock.spaces.nasbench201_twins import OPERATIONS, canonical_forms, cell_string, weighted_order
from archlock.spaces.registry import load_space
from archlock.testing import SearchSpaceContract

SPACE = load_space("nasbench201")
CELLS = st.tuples(*[st.integers(0, 4)] * 6)
CIFAR = IOSpec(3, 32, 32, OutputKind.CLASSES, 10)


class TestSmallNASBench201(SearchSpaceContract):
    """Another size than the published one, which the suite of all built-in spaces runs."""

    @pytest.fixture
    def space(self):
        return NASBench201Space(width=4, cells=1)


@pytest.fixture(scope="module")
def table():
    folder = os.environ.get("ARCHLOCK_DATA")
    path = Path(folder or ".", "nasbench201", "nasbench201.npz")
    if not folder or not path.exists():
        pytest.skip("needs nasbench201.npz in $ARCHLOCK_DATA")
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def parameters(genotype, io):
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in SPACE.build(genotype, io).parameters())


def outputs(genotype, seed=0):
    torch.manual_seed(seed)
    network = NASBench201Space(width=4, cells=1).build(genotype, CIFAR)
    return network(torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(1)))


def test_there_are_as_many_cells_as_published():
    assert SPACE.genotype_count == 15_625
    assert SPACE.canonical_count == 6_466
    assert sum(map(len, SPACE.twins.values())) == 15_625


def test_strings_follow_the_published_rule():
    """By hand: a skip of a sum is that sum, an edge from a zero node is a zero, terms are sorted."""
    assert cell_string((3, 0, 1, 2, 4, 1)) == "#+(0)@nor_conv_3x3+((0)@nor_conv_3x3)@avg_pool_3x3+(0)@nor_conv_1x1"
    assert cell_string((0, 0, 3, 0, 3, 0)) == "#+#+#"


def test_genes_and_classes_are_those_of_the_table(table):
    assert tuple(table["ops"]) == OPERATIONS
    np.testing.assert_array_equal(table["edges"], EDGES)
    first = {}
    rows = [first.setdefault(SPACE.canonical(cell), row) for row, cell in enumerate(table["arch_ops"].tolist())]
    np.testing.assert_array_equal(rows, table["iso_rep"])


@pytest.mark.parametrize(("task", "classes"), [("cifar10", 10), ("cifar100", 100), ("imagenet16", 120)])
def test_parameters_are_those_of_the_table(table, task, classes):
    """As the genotype says, edges without effect included: all from their parts, and some as they are built."""
    io, cells = IOSpec(3, 32, 32, OutputKind.CLASSES, classes), table["arch_ops"].astype(np.int64)
    skeleton = parameters((0,) * 6, io)
    added = np.array([parameters((operation, 0, 0, 0, 0, 0), io) - skeleton for operation in range(5)])
    np.testing.assert_array_equal(skeleton + added[cells].sum(axis=1), table[f"params_{task}"])
    for row in np.random.default_rng(classes).choice(len(cells), 12, replace=False):
        assert parameters(tuple(table["arch_ops"][row].tolist()), io) == table[f"params_{task}"][row]


def test_parameters_of_cells_counted_by_hand():
    """Skeleton of 73,306; a 3x3 convolution at 16, 32 and 64 channels in five cells each has 243,040 with its norm."""
    convolution = 5 * sum(9 * width**2 + 2 * width for width in (16, 32, 64))
    assert parameters((1, 0, 0, 4, 0, 0), CIFAR) == 73_306
    assert parameters((3, 3, 3, 3, 3, 3), CIFAR) == 73_306 + 6 * convolution == 1_531_546


def test_canonical_forms_hold_no_idle_weights_where_a_twin_does_without():
    idle = [form for form in set(canonical_forms().values()) if _idle(form)]
    # The rule tells a convolution of a node that holds two zeros from nothing, so a few forms keep one.
    assert all(_idle(twin) for form in idle for twin in SPACE.twins[form])
    assert SPACE.canonical((0, 0, 3, 2, 3, 0)) == (0, 0, 0, 2, 0, 0)


def _idle(cell):
    return [edge for edge in range(6) if cell[edge] in (2, 3) and edge not in live_edges(cell)]


@given(CELLS)
@settings(max_examples=40, deadline=None)
def test_exchanging_free_nodes_gives_a_twin_of_equal_function(cell):
    """Nodes 1 and 2 change places where no edge joins them; from one seed the outputs stay."""
    cell = (*cell[:2], 0, *cell[3:])
    other = (cell[1], cell[0], 0, cell[3], cell[5], cell[4])
    torch.testing.assert_close(outputs(cell), outputs(other), rtol=1e-4, atol=1e-4)
    assert len(weighted_order(cell)) == len(weighted_order(other))


@given(CELLS, st.integers(2, 3))
@settings(max_examples=30, deadline=None)
def test_weights_without_effect_change_nothing(cell, operation):
    """A convolution on an edge that leads nowhere neither changes the outputs nor draws from the stream."""
    cell = (cell[0], 0, cell[2] and 0, cell[3], cell[4], 0)
    dead = (cell[0], operation, 0, cell[3], cell[4], 0)
    assert parameters(dead, CIFAR) > parameters(cell, CIFAR)
    torch.testing.assert_close(outputs(cell), outputs(dead), rtol=1e-4, atol=1e-4)


def test_neighbours_are_symmetric_and_match_edits_of_twins():
    rng = np.random.default_rng(0)
    for _ in range(3):
        form = SPACE.sample(rng)
        near = SPACE.neighbours(form)
        assert all(form in SPACE.neighbours(other) for other in near[:3])
        edited = {SPACE.canonical((*form[:edge], gene, *form[edge + 1 :])) for edge in range(6) for gene in range(5)}
        assert edited - {form} <= set(near)


def test_ways_through_a_cell_are_counted_with_skips_contracted():
    """Conv on 0-1, skip elsewhere: 0-3 is empty, 0-2-3 is empty, 0-1-3 and 0-1-2-3 are one convolution."""
    counts = path_counts(np.array([[3, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0]]), 5)
    found = {word: count for word, count in zip(words(5), counts[0], strict=True) if count}
    assert found == {(): 2.0, (3,): 2.0}
    assert not counts[1].any()
    assert len(words(5)) == 1 + 3 + 9 + 27


@given(CELLS)
@settings(max_examples=30, deadline=None)
def test_traits_are_equal_for_twins(cell):
    twins = SPACE.twins[SPACE.canonical(cell)][:4]
    rows = SPACE.traits(twins)
    assert np.isfinite(rows).all()
    assert (rows == rows[0]).all()
    assert rows.shape == (len(twins), SPACE.traits([]).shape[1])


@pytest.mark.parametrize("cell", [(0, 0, 0, 0, 0, 0), (4, 1, 2, 3, 0, 1)])
def test_every_cell_can_be_costed(cell):
    """Even where no operation reaches the output, the stem is there."""
    workload = trace(SPACE.build(cell, CIFAR), (1, *CIFAR.input_shape))
    assert workload.macs >= 32 * 32 * 27 * 16


def test_multiply_adds_of_convolutions_counted_by_hand():
    """Six 3x3 convolutions a cell at sides 32, 16 and 8 are what the largest cell has beside the skeleton."""
    macs = trace(SPACE.build((3,) * 6, CIFAR), (1, *CIFAR.input_shape)).macs
    skeleton = trace(SPACE.build((1, 0, 0, 1, 0, 0), CIFAR), (1, *CIFAR.input_shape)).macs
    convolution = 5 * sum(9 * width**2 * (512 // width) ** 2 for width in (16, 32, 64))
    assert macs - skeleton == 6 * convolution


@pytest.mark.parametrize(("height", "width"), [(224, 224), (1, 64), (13, 20), (8, 8)])
def test_maps_are_a_quarter_of_any_input(height, width):
    io = IOSpec(1, height, width, OutputKind.VALUES, 2)
    network = SPACE.build((1, 4, 0, 1, 1, 1), io)
    assert network.body(torch.zeros(1, 1, height, width)).shape == (1, 64, -(-height // 4), -(-width // 4))
