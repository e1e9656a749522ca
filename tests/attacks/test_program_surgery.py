"""Surgery on exported programs: pools and narrow places are within reach as they are in the network itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.attacks import AttackBudget, ForeignModel, attack
from archlock.attacks.foreign_edits import POOLS
from archlock.iospec import IOSpec, OutputKind
from archlock.loading.limits import Limits
from archlock.loading.pt2.archive import read_archive
from archlock.loading.pt2.trial import network_of, try_program
from archlock.spaces.network import Network
from archlock.tasks.task import Task

IO = IOSpec(3, 18, 18, OutputKind.CLASSES, 10)


class Pooled(nn.Module):
    """Poolings written as functions, one of which counts parts of a window, and a chain through two channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm1 = nn.Conv2d(3, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12, eps=1e-3)
        self.narrow, self.norm2 = nn.Conv2d(12, 2, 1), nn.BatchNorm2d(2)
        self.wide, self.fc = nn.Conv2d(2, 12, 3, padding=1), nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(torch.relu(self.norm1(self.stem(x))), 3, 2, 1)
        x = functional.avg_pool2d(torch.relu(self.norm2(self.narrow(x))), 2, ceil_mode=True)
        logits: Tensor = self.fc(torch.relu(self.wide(x)).mean(dim=(2, 3)))
        return logits


class Tokens(nn.Module):
    """A mixer of tokens whose hidden linear layer is the narrowest place."""

    def __init__(self) -> None:
        super().__init__()
        self.patch, self.norm = nn.Conv2d(3, 16, 6, 6), nn.LayerNorm(16)
        self.one, self.two, self.head = nn.Linear(16, 3), nn.Linear(3, 16), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = x + self.two(functional.gelu(self.one(self.norm(x))))
        logits: Tensor = self.head(x.mean(dim=1))
        return logits


def imported(network: nn.Module, path: Path, batch: int, decomposed: bool) -> ForeignModel:
    """The network as it comes back from an exported file."""
    program = torch.export.export(network.eval(), (torch.zeros(batch, *IO.input_shape),))
    with path.open("wb") as file:
        torch.export.save(program.run_decompositions() if decomposed else program, file)
    read, arrays, _ = read_archive(path.read_bytes(), path.name, Limits())
    tensors = {name: torch.from_numpy(value) for name, value in arrays.items()}
    trial = try_program(read, tensors, None, path.name, Limits())
    return ForeignModel.of(network_of(trial.program, tensors, trial.fixed_batch), IO)


@pytest.fixture(params=[(1, False), (2, True)], ids=["as exported", "decomposed"])
def pooled(request: pytest.FixtureRequest, tmp_path: Path) -> ForeignModel:
    torch.manual_seed(0)
    network = Pooled()
    with torch.no_grad():
        network.train()(torch.randn(16, *IO.input_shape))
    return imported(network, tmp_path / "pooled.pt2", *request.param)


def test_poolings_of_a_program_become_convolutions(pooled: ForeignModel) -> None:
    assert sum(isinstance(part, POOLS) for part in pooled.network.modules()) == 2
    network = pooled.edited("pool", IO, 0)
    assert isinstance(network, Network)
    assert not any(isinstance(part, POOLS) for part in network.modules())
    before, after = (sum(value.numel() for value in each.parameters()) for each in (pooled.rebuild(IO, 0), network))
    assert after - before == 12 * 12 * 9 + 2 * 2 * 4
    inputs = torch.randn(3, *IO.input_shape)
    with torch.no_grad():
        kept = pooled.rebuild(IO, 0).eval().body(inputs)
        assert network.eval().body(inputs).shape == kept.shape


def test_the_narrow_place_of_a_program_is_widened(pooled: ForeignModel) -> None:
    network = pooled.edited("widen", IO, 0)
    assert isinstance(network, Network)
    body = network.body.get_submodule("network")
    narrow, wide, norm = (body.get_submodule(name) for name in ("narrow", "wide", "norm2"))
    assert (narrow.out_channels, norm.num_features, wide.in_channels) == (8, 8, 8)
    assert torch.equal(narrow.weight[:2], pooled.network.get_submodule("narrow").weight)  # type: ignore[index,arg-type]
    assert torch.equal(norm.running_var[:2], pooled.network.get_submodule("norm2").running_var)  # type: ignore[index,arg-type]


def test_surgeries_of_a_program_are_those_of_its_network(pooled: ForeignModel) -> None:
    torch.manual_seed(0)
    factory = ForeignModel.of(Pooled(), IO)
    sizes = {}
    for name in pooled.surgeries():
        networks = [each.edited(name, IO, 0) for each in (pooled, factory)]
        sizes[name] = [None if each is None else sum(p.numel() for p in each.parameters()) for each in networks]
    # What a network writes as a function is no module of it; the program's operators all are.
    assert sizes.pop("pool")[1] is None
    assert all(program == own for program, own in sizes.values()), sizes
    assert sizes["widen"][0] is not None


def test_linear_layers_of_a_program_are_widened(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = imported(Tokens(), tmp_path / "tokens.pt2", 1, decomposed=False).edited("widen", IO, 0)
    assert network is not None
    body = network.body.get_submodule("network")
    assert (body.get_submodule("one").out_features, body.get_submodule("two").in_features) == (12, 12)


def test_both_surgeries_are_trained(pooled: ForeignModel, colours: Task) -> None:
    from archlock.tasks.resample import fit_to

    target = fit_to(colours, IO.input_shape)
    for name in ("surgery:pool", "surgery:widen"):
        result = attack(pooled, name, target, AttackBudget(1.0, 3, 8, (0.01,)), 0, count_cost=True)
        assert result is not None
        assert result.cost is not None
        assert result.cost.macs > 0
