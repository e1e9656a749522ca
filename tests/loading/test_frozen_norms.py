"""Batch norm that a program writes out as arithmetic is told, and what merely looks like it is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch._decomp import get_decompositions
from torch.nn import functional

from archlock.loading.limits import Limits
from archlock.loading.pt2.archive import read_archive
from archlock.loading.pt2.trial import try_program

ATEN = torch.ops.aten
TABLE = (
    ATEN.batch_norm,
    ATEN.native_batch_norm,
    ATEN._native_batch_norm_legit,
    ATEN._native_batch_norm_legit_no_training,
)


class Norms(nn.Module):
    """A batch norm of maps and one of features."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm1 = nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8)
        self.linear, self.norm2, self.fc = nn.Linear(8, 6), nn.BatchNorm1d(6), nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm1(self.conv(x))).mean((2, 3))
        return self.fc(torch.relu(self.norm2(self.linear(x))))  # type: ignore[no-any-return]


class Around(nn.Module):
    """A convolution and what a subclass does to its eight maps."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 3), nn.Linear(8, 5)
        self.weight, self.bias = nn.Parameter(torch.ones(8)), nn.Parameter(torch.zeros(8))
        for name in ("running_mean", "running_var", "scale", "shift"):
            self.register_buffer(name, torch.rand(8) + 0.5)

    def change(self, x: Tensor) -> Tensor:
        raise AssertionError("a subclass says what")

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.relu(self.change(self.conv(x))).mean((2, 3)))  # type: ignore[no-any-return]


def each(values: Tensor | nn.Module) -> Tensor:
    return values[:, None, None]  # type: ignore[index,no-any-return]


class Frozen(Around):
    """As torchvision's FrozenBatchNorm2d."""

    def change(self, x: Tensor) -> Tensor:
        scale = self.weight * (self.running_var + 1e-5).rsqrt()
        return x * each(scale) + each(self.bias - self.running_mean * scale)


class Powered(Around):
    """The deviation as a power, in the convolution's own weights."""

    def change(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, torch.eye(8)[:, :, None, None] * each((self.running_var + 1e-5) ** -0.5)[:, None])


class Folded(Around):
    """Statistics folded into a scale and a shift beforehand."""

    def change(self, x: Tensor) -> Tensor:
        return x * each(self.scale) + each(self.shift)


class Centred(Around):
    """The same, with the mean first."""

    def change(self, x: Tensor) -> Tensor:
        return (x - each(self.shift)) / each(self.scale) * each(self.weight) + each(self.bias)


class Computed(Around):
    """The operator itself, on statistics that no layer stores."""

    def change(self, x: Tensor) -> Tensor:
        return functional.batch_norm(x, self.running_mean * 2, self.running_var * 2, self.weight, self.bias)


class Parameters(Around):
    """Statistics stored as parameters."""

    def __init__(self) -> None:
        super().__init__()
        del self.running_var
        self.running_var = nn.Parameter(torch.ones(8), requires_grad=False)

    def change(self, x: Tensor) -> Tensor:
        return x / each((self.running_var + 1e-5).sqrt())


class Affine(Around):
    """A scale and a shift that are trained."""

    def change(self, x: Tensor) -> Tensor:
        return x * each(self.weight) + each(self.bias)


class Masked(Around):
    """Pruned channels, held by a buffer."""

    def change(self, x: Tensor) -> Tensor:
        return x * each(self.scale)


class Standardised(Around):
    """Weights of unit variance, and attention's scale as a constant tensor."""

    def change(self, x: Tensor) -> Tensor:
        weight = torch.ones(8, 8, 1, 1) * each(self.weight)[:, None]
        return functional.conv2d(x / torch.sqrt(torch.tensor(8.0)), weight * torch.rsqrt(weight.var() + 1e-5))


class Prepared(Around):
    """Inputs brought to zero mean and unit deviation, before any layer."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward((x - each(self.shift[:3])) / each(self.scale[:3]))

    def change(self, x: Tensor) -> Tensor:
        return x


class OfGroups(Around):
    """Statistics of each sample."""

    def change(self, x: Tensor) -> Tensor:
        return functional.group_norm(functional.instance_norm(x), 2, self.weight, self.bias)


def weakened(network: nn.Module, folder: Path, decompose: Callable[[], object] | None = None) -> tuple[str, ...]:
    """What is said of the network as an exported file."""
    program = torch.export.export(network.eval(), (torch.zeros(2, 3, 8, 8),))
    if decompose is not None:
        program = program.run_decompositions(decompose())  # type: ignore[arg-type]
    with (folder / "model.pt2").open("wb") as file:
        torch.export.save(program, file)
    read, arrays, _ = read_archive((folder / "model.pt2").read_bytes(), "model.pt2", Limits())
    tensors = {name: torch.from_numpy(value) for name, value in arrays.items()}
    return try_program(read, tensors, None, "model.pt2", Limits()).weakened


def test_batch_norms_that_were_decomposed_are_counted(tmp_path: Path) -> None:
    (said,) = weakened(Norms(), tmp_path, lambda: get_decompositions(TABLE))
    assert said.startswith("2 of its normalisations are arithmetic on stored statistics")
    assert weakened(Norms(), tmp_path) == ()
    assert weakened(Norms(), tmp_path, torch.export.default_decompositions) == ()


@pytest.mark.parametrize("kind", [Frozen, Powered, Folded, Centred, Computed, Parameters])
def test_statistics_that_stay_frozen_are_told(tmp_path: Path, kind: type[nn.Module]) -> None:
    torch.manual_seed(0)
    (said,) = weakened(kind(), tmp_path)
    assert said.startswith("1 of its normalisations")


@pytest.mark.parametrize("kind", [Affine, Masked, Standardised, Prepared, OfGroups])
def test_what_only_looks_like_it_is_not(tmp_path: Path, kind: type[nn.Module]) -> None:
    torch.manual_seed(0)
    assert weakened(kind(), tmp_path) == ()


@pytest.mark.parametrize("kind", [Affine, OfGroups])
def test_nor_is_it_where_it_was_decomposed(tmp_path: Path, kind: type[nn.Module]) -> None:
    assert weakened(kind(), tmp_path, torch.export.default_decompositions) == ()
