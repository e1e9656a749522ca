"""Folders that archlock wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from archlock.errors import ModelError
from archlock.iospec import IOSpec, OutputKind
from archlock.loading import load_model
from archlock.seeding import numpy_generator
from archlock.spaces.export import TrainedNetwork, export_network
from archlock.spaces.registry import load_space


@pytest.fixture
def trained() -> TrainedNetwork:
    space, io = load_space("nasbench201"), IOSpec(3, 16, 16, OutputKind.CLASSES, 5)
    genotype = space.canonical(space.sample(numpy_generator(3, "loading")))
    torch.manual_seed(0)
    return TrainedNetwork(
        space, genotype, io, space.build(genotype, io).state_dict(), classes=("a", "b", "c", "d", "e")
    )


def test_a_folder_of_ours_comes_back_trainable(tmp_path: Path, trained: TrainedNetwork) -> None:
    loaded = load_model(str(export_network(trained, tmp_path)))
    assert (loaded.form, loaded.input_shape, loaded.outputs) == ("archlock", (3, 16, 16), 5)
    assert (loaded.space, loaded.genotype, loaded.classes) == ("nasbench201", trained.genotype, trained.classes)
    assert loaded.weakened == ()
    assert len(loaded.sha256) == 64
    assert loaded.network is not None
    assert all(value.requires_grad for value in loaded.network.parameters())
    inputs = torch.randn(4, 3, 16, 16)
    torch.testing.assert_close(loaded.network(inputs), trained.network()(inputs))


def test_weights_of_a_cell_that_is_not_canonical_are_refused_in_one_line(tmp_path: Path) -> None:
    space, io = load_space("nasbench201"), IOSpec(3, 8, 8, OutputKind.CLASSES, 5)
    literal = (0, 2, 3, 4, 0, 2)  # two edges lead from and to a node that nothing reaches
    trained = TrainedNetwork(space, literal, io, space.build(literal, io).state_dict())
    with pytest.raises(ModelError) as caught:
        load_model(str(export_network(trained, tmp_path)))
    message = str(caught.value)
    assert "genotype 0-2-3-4-0-2 is not in its canonical form, 0-2-0-4-0-2" in message
    assert "\n" not in message
    assert len(message) < 300 + len(str(tmp_path))


def test_weights_of_another_network_are_named_a_few_at_most(tmp_path: Path, trained: TrainedNetwork) -> None:
    extra = {f"stray.{number}": torch.zeros(3) for number in range(500)}
    strange = TrainedNetwork(trained.space, trained.genotype, trained.io, {**trained.weights, **extra})
    with pytest.raises(ModelError, match=r"500 weights do not fit the architecture: stray\.0, stray\.1, stray\.10$"):
        load_model(str(export_network(strange, tmp_path)))
