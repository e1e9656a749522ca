"""The head of a foreign model: the layer that decides the outputs, whatever symmetry the model has."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from archlock.attacks.foreign_head import find_head
from archlock.errors import ModelError
from archlock.iospec import IOSpec, OutputKind

IO = IOSpec(3, 8, 8, OutputKind.CLASSES, 10)


class Heads(nn.Module):
    """A body, the head that is read, and a layer that is called after it.

    Args:
        first: what is done to the inputs.
        read: whether the outputs read the later layer, too.
    """

    def __init__(self, first: str = "", read: bool = False) -> None:
        super().__init__()
        self.body, self.head, self.later = nn.Linear(192, 12), nn.Linear(12, 10), nn.Linear(192, 10)
        self.first, self.read = first, read

    def forward(self, x: Tensor) -> Tensor:
        x = {"": x, "abs": x.abs(), "square": x * x, "nothing": 0 * x}[self.first]
        features = torch.relu(self.body(x.flatten(1)))
        logits: Tensor = self.head(features)
        later = self.later(x.flatten(1))
        return logits + later if self.read else logits


@pytest.mark.parametrize("first", ["", "abs", "square", "nothing"])
def test_a_layer_that_is_called_last_and_not_read_is_no_head(first: str) -> None:
    """A network that sees only magnitudes gives mirrored inputs the same outputs, whatever layer is held."""
    torch.manual_seed(0)
    assert find_head(Heads(first), IO) == "head"


@pytest.mark.parametrize("first", ["", "abs", "square"])
def test_a_model_without_one_last_layer_is_refused(first: str) -> None:
    torch.manual_seed(0)
    with pytest.raises(ModelError, match="no head can be exchanged"):
        find_head(Heads(first, read=True), IO)


class Bypassed(nn.Module):
    """Outputs also depend on how large the inputs are, which a mirrored input does not show."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(192, 10)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(x.flatten(1))
        return logits + x.flatten(1).norm(dim=1, keepdim=True)


class TwoLooks(nn.Module):
    """One head on two views of the inputs: what goes into it is not one set of features."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(192, 10)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(x.flatten(1)) + self.head(x.flip(3).flatten(1))
        return logits


@pytest.mark.parametrize("make", [Bypassed, TwoLooks])
def test_a_head_that_does_not_decide_alone_is_refused(make: type[nn.Module]) -> None:
    torch.manual_seed(0)
    with pytest.raises(ModelError, match="no head can be exchanged"):
        find_head(make(), IO)


def test_a_head_that_writes_in_place_afterwards_is_found() -> None:
    torch.manual_seed(0)
    assert find_head(nn.Sequential(nn.Flatten(), nn.Linear(192, 10), nn.ReLU(inplace=True)), IO) == "1"


def test_a_model_of_other_inputs_is_refused() -> None:
    with pytest.raises(ModelError, match=r"fails on an input of shape \(3, 8, 8\)"):
        find_head(nn.Sequential(nn.Flatten(), nn.Linear(5, 2)), IO)
