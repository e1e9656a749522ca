"""Convolutions that may hold a batch norm are noted, and those of which it is known that they do not are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch._decomp import get_decompositions
from torch.nn.utils.fusion import fuse_conv_bn_eval

from archlock.loading import load_model
from archlock.loading.folded import folded_in_network
from archlock.loading.limits import Limits
from archlock.loading.pt2.archive import read_archive
from archlock.loading.pt2.trial import Trial, try_program

SAID = "no normalisation beside 2 convolutions, all with biases: batch norm was folded into them or was never there"


def network(norm: Callable[[], nn.Module], *, bias: bool = True) -> nn.Sequential:
    """Two convolutions, each with a normalisation behind it."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=bias), norm(), nn.ReLU(), nn.Conv2d(8, 8, 3, bias=bias), norm(), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5),
    ).eval()  # fmt: skip


def folded() -> nn.Sequential:
    """Batch norm, as every deployment tool folds it."""
    layers = list(network(lambda: nn.BatchNorm2d(8), bias=False))
    for at in (0, 3):
        convolution, norm = layers[at], layers[at + 1]
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        layers[at], layers[at + 1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()
    return nn.Sequential(*layers).eval()


OTHERS: dict[str, Callable[[], nn.Module]] = {
    "batch norm": lambda: network(lambda: nn.BatchNorm2d(8)),
    "group norm": lambda: network(lambda: nn.GroupNorm(2, 8)),
    "instance norm": lambda: network(lambda: nn.InstanceNorm2d(8)),
    "no biases": lambda: network(nn.Identity, bias=False),
    "no convolutions": lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.ReLU(), nn.Linear(8, 5)),
    "one convolution": lambda: nn.Sequential(nn.Conv2d(3, 8, 8), nn.Flatten(), nn.Linear(8, 5)),
}


def program(given: nn.Module, folder: Path) -> Path:
    with (folder / "model.pt2").open("wb") as file:
        torch.export.save(torch.export.export(given.eval(), (torch.zeros(2, 3, 8, 8),)), file)
    return folder / "model.pt2"


def tried(path: Path) -> Trial:
    read, arrays, _ = read_archive(path.read_bytes(), "model.pt2", Limits())
    tensors = {name: torch.from_numpy(value) for name, value in arrays.items()}
    return try_program(read, tensors, None, "model.pt2", Limits())


def test_a_program_with_folded_norms_is_noted_and_not_weakened(tmp_path: Path) -> None:
    model = load_model(str(program(folded(), tmp_path)))
    [said] = model.noted
    assert said.startswith(SAID)
    assert model.weakened == ()


def test_so_is_a_module() -> None:
    [said] = folded_in_network(folded())
    assert said.startswith(SAID)


@pytest.mark.parametrize("kind", sorted(OTHERS))
def test_what_is_known_to_be_otherwise_is_not_noted(kind: str, tmp_path: Path) -> None:
    made = OTHERS[kind]()
    assert folded_in_network(made) == ()
    assert tried(program(made, tmp_path)).noted == ()


def test_norms_that_were_decomposed_are_told_as_weakening_alone(tmp_path: Path) -> None:
    aten = torch.ops.aten
    table = get_decompositions(
        [aten.batch_norm, aten._native_batch_norm_legit, aten._native_batch_norm_legit_no_training]
    )
    exported = torch.export.export(OTHERS["batch norm"](), (torch.zeros(2, 3, 8, 8),)).run_decompositions(table)
    with (tmp_path / "model.pt2").open("wb") as file:
        torch.export.save(exported, file)
    found = tried(tmp_path / "model.pt2")
    assert found.weakened
    assert found.noted == ()
