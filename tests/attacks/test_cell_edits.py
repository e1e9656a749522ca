"""Surgery on cells: an edge that carries nothing, or a pooling, is opened, and every other edge keeps its weights."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.attacks import AttackBudget, Release, attack, edit_names, edits
from archlock.attacks.cell_edits import CLOSED, ORDER, closed_edges, open_edge
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.cell import AVERAGE_POOL, CONV_1X1, CONV_3X3, EDGES, NONE, SKIP, edge_name, live_edges
from archlock.spaces.cell_space import CellSpace
from archlock.spaces.nasbench201 import NASBench201Space
from archlock.spaces.protocol import Genotype
from archlock.spaces.transnas_micro import TransNASMicroSpace
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task

SPACES: dict[str, CellSpace] = {
    "nasbench201": NASBench201Space(width=4, cells=1),
    "transnas_micro": TransNASMicroSpace(width=4),
}
IO = IOSpec(3, 8, 8, OutputKind.CLASSES, 4)
CHAIN = (CONV_1X1, NONE, SKIP, NONE, NONE, SKIP)
"""0-1-2-3 and nothing else."""


def cells_of(name: str) -> st.SearchStrategy[Genotype]:
    return st.tuples(*[st.integers(0, len(choice.options) - 1) for choice in SPACES[name].choices])


def released(space: CellSpace, cell: Genotype, io: IOSpec = IO) -> Release:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = space.build(cell, io)
    return Release(space, cell, {name: value.clone() for name, value in network.state_dict().items()})


@pytest.mark.parametrize("name", SPACES)
def test_any_cell_with_something_to_open_falls_to_every_edit_that_opens_it(name: str) -> None:
    """Every 7th of all cells, twins among them; 7 has no factor in common with the numbers of options."""
    space = SPACES[name]
    everyone = itertools.product(*(range(len(choice.options)) for choice in space.choices))
    for cell in itertools.islice(everyone, 0, None, 7):
        closed = any(operation in CLOSED for operation in cell)
        for edit in edit_names(space):
            (edited,) = edits(space, cell, (edit,)).values() or [cell]
            open_to = closed or (CONV_1X1 in cell and edit != "skip")
            assert (space.canonical(edited) != space.canonical(cell)) == open_to, (cell, edit)


@pytest.mark.parametrize("name", SPACES)
@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_one_edge_gets_the_operation_and_only_skips_join_it_to_the_rest(name: str, data: st.DataObject) -> None:
    cell = data.draw(cells_of(name).filter(closed_edges))
    for edit, operation in (("skip", SKIP), ("conv", CONV_3X3)):
        for edited in edits(SPACES[name], cell, (edit,)).values():
            changed = [edge for edge in range(len(EDGES)) if edited[edge] != cell[edge]]
            first = closed_edges(cell)[0]
            assert edited[first] == operation
            assert first in live_edges(edited)
            assert all(cell[edge] == NONE and edited[edge] == SKIP for edge in changed if edge != first)
            if first in live_edges((*cell[:first], operation, *cell[first + 1 :])):
                assert changed == [first], "skips were added that nothing needs"


@pytest.mark.parametrize("name", SPACES)
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_all_leaves_nothing_closed_and_touches_nothing_open(name: str, data: st.DataObject) -> None:
    cell = data.draw(cells_of(name))
    edited = edits(SPACES[name], cell, ("all",)).get("all", cell)
    assert edits(SPACES[name], edited) == {}
    for after, before in zip(edited, cell, strict=True):
        assert after in {SKIP: [SKIP], CONV_3X3: [CONV_3X3], CONV_1X1: [CONV_3X3]}.get(before, [SKIP, CONV_3X3])


def test_edits_by_hand() -> None:
    space = SPACES["nasbench201"]
    cell = (CONV_1X1, NONE, SKIP, AVERAGE_POOL, NONE, AVERAGE_POOL)
    assert edits(space, cell) == {
        "skip": (CONV_1X1, NONE, SKIP, AVERAGE_POOL, NONE, SKIP),
        "conv": (CONV_1X1, NONE, SKIP, AVERAGE_POOL, NONE, CONV_3X3),
        "all": (CONV_3X3, CONV_3X3, SKIP, SKIP, CONV_3X3, CONV_3X3),
    }
    assert edits(space, (SKIP, SKIP, CONV_1X1, SKIP, CONV_1X1, SKIP)) == {
        "conv": (SKIP, SKIP, CONV_3X3, SKIP, CONV_1X1, SKIP),
        "all": (SKIP, SKIP, CONV_3X3, SKIP, CONV_3X3, SKIP),
    }
    assert edits(space, (SKIP, SKIP, CONV_3X3, SKIP, SKIP, SKIP)) == {}


def test_an_edge_that_leads_nowhere_is_joined_by_skips() -> None:
    lonely = (NONE, NONE, NONE, SKIP, NONE, NONE)
    between = EDGES.index((1, 2))
    assert open_edge(lonely, between, CONV_3X3) == (SKIP, NONE, CONV_3X3, SKIP, NONE, SKIP)
    assert open_edge(CHAIN, EDGES.index((0, 2)), SKIP) == (CONV_1X1, SKIP, SKIP, NONE, NONE, SKIP)


def test_the_longest_way_is_opened_first() -> None:
    names = [edge_name(edge) for edge in ORDER]
    assert sorted(names) == sorted(map(edge_name, range(len(EDGES))))
    assert set(names[:3]) == {"0-1", "1-2", "2-3"}
    assert names[-1] == "0-3"


@pytest.mark.parametrize("name", SPACES)
@given(data=st.data())
@settings(max_examples=6, deadline=None)
def test_what_is_not_edited_keeps_its_weights(name: str, data: st.DataObject) -> None:
    """The cell is drawn in any of its forms: its nodes must not change places under the weights."""
    release = released(SPACES[name], data.draw(cells_of(name)))
    for edited in edits(release.space, release.genotype).values():
        opened = {edge_name(e) for e in range(len(EDGES)) if edited[e] != release.genotype[e]}
        after = release.rebuild(IO, 0, edited).state_dict()
        for tensor, value in after.items():
            if tensor.startswith("body.") and not _of_edges(tensor, opened):
                assert torch.equal(value, release.weights[tensor]), tensor
        missing = {tensor for tensor in release.weights if tensor not in after}
        assert not missing, "no closed edge had weights"


@pytest.mark.parametrize("name", SPACES)
@given(data=st.data())
@settings(max_examples=4, deadline=None)
def test_a_convolution_that_is_widened_computes_what_it_did(name: str, data: st.DataObject) -> None:
    cell = data.draw(st.tuples(*[st.sampled_from([SKIP, CONV_1X1, CONV_3X3])] * 6).filter(lambda c: CONV_1X1 in c))
    release = released(SPACES[name], cell)
    inputs = torch.randn(3, *IO.input_shape, generator=torch.Generator().manual_seed(0))
    before = release.rebuild(IO, 0).eval().embed(inputs)
    for edited in edits(release.space, cell).values():
        torch.testing.assert_close(release.rebuild(IO, 0, edited).eval().embed(inputs), before, rtol=1e-4, atol=1e-5)


def _of_edges(tensor: str, edges: set[str]) -> bool:
    return any(f".edges.{edge}." in tensor for edge in edges)


@pytest.fixture(scope="module")
def glyphs() -> Task:
    return load_task(TaskSettings(name="glyphs", samples=60), input_shape=(3, 8, 8))


@pytest.mark.parametrize("name", SPACES)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=2, deadline=None)
def test_every_edit_trains(name: str, seed: int, glyphs: Task) -> None:
    space = SPACES[name]
    release = released(space, space.sample(np.random.default_rng(seed)), glyphs.io)
    for edit in edit_names(space):
        result = attack(release, f"surgery:{edit}", glyphs, AttackBudget(1.0, 1, 8, (0.01,)), 0)
        assert (result is not None) == bool(edits(space, release.genotype, (edit,)))
        assert result is None or (result.is_surgery and 0 <= result.value <= 1)
