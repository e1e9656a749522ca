import itertools
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.errors import SpaceError
from archlock.hwcost import trace
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.cell import FactorisedReduction
from archlock.spaces.registry import load_space
from archlock.spaces.transnas_macro import TransNASMacroSpace, macro_traits
from archlock.spaces.transnas_micro import TransNASMicroSpace
from archlock.spaces.transnas_network import image_layers, segmentation_layers
from archlock.spaces.transnas_tasks import TASKS
from archlock.spaces.transnas_twins import doublings, exchange, halvings, is_published, macro_codes, repair
from archlock.testing import SearchSpaceContract

MICRO, MACRO = load_space("transnas_micro"), load_space("transnas_macro")
CELLS = st.tuples(*[st.integers(0, 3)] * 6)
CODES = st.tuples(*[st.integers(0, 4)] * 6)
DIGITS = IOSpec(1, 8, 8, OutputKind.CLASSES, 10)
WITHOUT_DENSE = tuple(io for io in SearchSpaceContract.io_specs if io.output is not OutputKind.DENSE)


class TestSmallMicro(SearchSpaceContract):
    """Narrower than published, as the decoders have a width of their own that takes a second each."""

    io_specs = WITHOUT_DENSE

    @pytest.fixture
    def space(self):
        return TransNASMicroSpace(width=4)


class TestSmallMacro(SearchSpaceContract):
    io_specs = WITHOUT_DENSE

    @pytest.fixture
    def space(self):
        return TransNASMacroSpace(width=4)


@pytest.fixture(scope="module")
def folder():
    data = os.environ.get("ARCHLOCK_DATA")
    path = Path(data or ".", "transnasbench101")
    if not data or not path.exists():
        pytest.skip("needs transnasbench101 in $ARCHLOCK_DATA")
    return path


def read(folder, name):
    with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_there_are_as_many_networks_as_published():
    assert (MICRO.genotype_count, MICRO.canonical_count, MACRO.canonical_count) == (4_096, 1_948, 3_256)


def test_cells_and_twins_are_those_of_the_table(folder):
    rows = [tuple(row) for row in read(folder, "transnasbench101")["micro_ops"].tolist()]
    stands_for = read(folder, "micro_iso")["iso_rep"]
    assert [MICRO.canonical(row) for row in rows] == [rows[index] for index in stands_for]


def test_macro_codes_are_those_of_the_table(folder):
    rows = read(folder, "transnasbench101")["macro_codes"].tolist()
    assert sorted(map(tuple, rows)) == sorted(macro_codes())


def test_class_scene_parameters_are_those_of_the_table(folder):
    """NAS-Bench-Suite-Zero counted a head of 63 classes: 16 more rows of 512 weights and a bias than were trained."""
    table, cells = read(folder, "tnb101_micro_class_scene_zerocost"), read(folder, "transnasbench101")["micro_ops"]
    column = table["columns"].tolist().index("params")
    for row in np.random.default_rng(0).choice(len(table["values"]), 10, replace=False):
        with torch.device("meta"):
            network = MICRO.build_for(tuple(cells[table["micro_index"][row]].tolist()), "class_scene")
        assert parameters(network) + 16 * 513 == round(table["values"][row, column] * 1e6)


@given(CELLS)
@settings(max_examples=25, deadline=None)
def test_twin_cells_compute_the_same_from_one_seed(cell):
    space = TransNASMicroSpace(width=4)
    twins = (cell, MICRO.canonical(cell), *((exchange(cell),) if cell[2] == 0 else ()))
    assert len({MICRO.canonical(twin) for twin in twins}) == 1
    values = []
    for twin in twins:
        torch.manual_seed(0)
        network = space.build(twin, DIGITS)
        values.append(network(torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(1))))
    for value in values[1:]:
        torch.testing.assert_close(value, values[0], rtol=1e-3, atol=1e-3)


@given(CELLS)
@settings(max_examples=30, deadline=None)
def test_traits_of_twin_cells_are_equal(cell):
    rows = MICRO.traits(MICRO.twins[MICRO.canonical(cell)][:5])
    assert np.isfinite(rows).all()
    assert (rows == rows[0]).all()


def test_skips_that_change_the_shape_have_weights():
    """Of two cells a module, only the first changes width and resolution."""
    with torch.device("meta"):
        network = MICRO.build((0, 0, 0, 1, 0, 0), DIGITS)
    found = [module for module in network.modules() if isinstance(module, FactorisedReduction)]
    assert [module.norm.num_features for module in found] == [128, 256, 512]


def test_factorised_reduction_reads_two_grids():
    """By hand: one input channel, weights of one; the halves take even and odd pixels, before the norm."""
    module = FactorisedReduction(1, 2, 2).eval()
    torch.nn.init.ones_(module.even.weight)
    torch.nn.init.ones_(module.odd.weight)
    pixels = torch.arange(16.0).reshape(1, 1, 4, 4)
    even, odd = module(pixels)[0].detach() * np.sqrt(1 + module.norm.eps)
    torch.testing.assert_close(even, torch.tensor([[0.0, 2.0], [8.0, 10.0]]))
    torch.testing.assert_close(odd, torch.tensor([[5.0, 7.0], [13.0, 15.0]]))


@given(CODES)
@settings(deadline=None)
def test_repair_gives_published_codes_and_leaves_them(code):
    assert is_published(repair(code))
    assert repair(repair(code)) == repair(code)
    if is_published(code):
        assert repair(code) == code


def test_published_rule_counts_modules_doublings_and_halvings():
    assert is_published((4, 1, 4, 1, 4, 0))
    assert not is_published((1, 1, 1, 0, 0, 0))
    assert not is_published((3, 3, 3, 1, 0, 0))
    assert not is_published((4, 0, 1, 1, 1, 0))
    assert not is_published((2, 2, 2, 2, 3, 0))
    assert {doublings(code) for code in macro_codes()} == {1, 2, 3}
    assert {halvings(code) for code in macro_codes()} == {1, 2, 3, 4}


@given(st.sampled_from(macro_codes()))
@settings(max_examples=25, deadline=None)
def test_macro_neighbours_differ_in_one_module(code):
    near = MACRO.neighbours(code)
    assert all(sum(a != b for a, b in zip(code, other, strict=True)) == 1 for other in near)
    assert all(code in MACRO.neighbours(other) for other in near)


@pytest.mark.parametrize("code", [(2, 1, 3, 1, 0, 0), (4, 4, 4, 3, 1, 1)])
def test_macro_bodies_follow_their_code(code):
    """64 channels at a quarter of the resolution, doubled and halved as the code says."""
    with torch.device("meta"):
        network = MACRO.build(code, IOSpec(3, 256, 256, OutputKind.CLASSES, 10))
        shape = network.body(torch.zeros(1, 3, 256, 256)).shape
    side = 64 // 2 ** halvings(code)
    assert shape == (1, 64 * 2 ** doublings(code), side, side)


def test_macro_traits_tell_sizes():
    """The log of weights grows as the true count does."""
    codes = macro_codes()[::400]
    with torch.device("meta"):
        counts = [parameters(MACRO.build(code, DIGITS).body) for code in codes]
    column = macro_traits(np.array(codes))[:, -2]
    np.testing.assert_array_equal(np.argsort(column), np.argsort(counts))


@pytest.mark.parametrize("task", sorted(TASKS))
@pytest.mark.parametrize("space", [MICRO, MACRO], ids=lambda space: space.name)
def test_networks_of_every_task_have_its_outputs(space, task):
    io = TASKS[task].io
    genotype = (3, 1, 1, 1, 1, 1) if space is MICRO else (4, 1, 4, 1, 4, 0)
    with torch.device("meta"):
        network = space.build_for(genotype, task)
        outputs = network(torch.zeros(1, *io.input_shape))
    assert outputs.shape == (1, io.outputs, *((io.height, io.width) if io.output is OutputKind.DENSE else ()))


def test_puzzle_tiles_share_the_body():
    with torch.device("meta"):
        puzzle, scene = (MICRO.build_for((3,) * 6, task) for task in ("jigsaw", "class_scene"))
    assert parameters(puzzle.body) == parameters(scene.body)
    assert puzzle.features == 9 * 512


def test_unknown_tasks_are_refused():
    with pytest.raises(SpaceError, match="Did you mean 'class_scene'"):
        MICRO.build_for((3,) * 6, "class_scenes")


@pytest.mark.parametrize(("make", "layers"), [(segmentation_layers, 8), (image_layers, 14)])
def test_decoders_grow_to_the_input(make, layers):
    """As many convolutions as published, and one doubling for every halving of the body, for two to six of them."""
    for steps in range(2, 7):
        with torch.device("meta"):
            modules = make(512, 3, steps)
            outputs = torch.nn.Sequential(*modules)(torch.zeros(2, 512, 2, 2))
        convolutions = [m for m in torch.nn.Sequential(*modules).modules() if hasattr(m, "kernel_size")]
        assert len(convolutions) == layers
        assert outputs.shape == (2, 3, 2 * 2**steps, 2 * 2**steps)


@pytest.mark.parametrize("size", [(13, 20), (1, 64)])
def test_dense_outputs_come_at_any_size(size):
    io = IOSpec(2, *size, OutputKind.DENSE, 2)
    with torch.device("meta"):
        for space, code in ((MICRO, (1,) * 6), (MACRO, (3, 3, 3, 4, 0, 0))):
            assert space.build(code, io)(torch.zeros(2, *io.input_shape)).shape == (2, 2, *size)


@pytest.mark.parametrize("cell", [(0,) * 6, (1,) * 6])
def test_cells_without_convolutions_can_be_costed(cell):
    assert trace(TransNASMicroSpace(width=8).build(cell, DIGITS), (1, 1, 8, 8)).macs > 0


def test_every_macro_code_is_its_own_network():
    codes = list(itertools.islice(macro_codes(), 0, None, 50))
    assert [MACRO.canonical(code) for code in codes] == codes
    assert len(np.unique(MACRO.traits(codes), axis=0)) == len(codes)
