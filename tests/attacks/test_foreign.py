"""Attacks on models that archlock did not make: heads, bodies, edits, every attack on every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from archlock.attacks import ATTACKS, AttackBudget, ForeignModel, attack
from archlock.attacks.tuning import reinitialise
from archlock.iospec import IOSpec, OutputKind
from archlock.loading.pt2.trial import InChunks
from archlock.spaces.network import Network
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task

IO = IOSpec(3, 16, 16, OutputKind.CLASSES, 10)


class Residual(nn.Module):
    """Two convolutions and, where asked, what goes past them."""

    def __init__(self, width: int, skip: bool) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        return torch.relu(x + y if self.skip else y)


class ResNetLike(nn.Module):
    """A stem that strides, a pooling, residual blocks, and a linear head."""

    def __init__(self, skip: bool = True) -> None:
        super().__init__()
        self.conv1, self.bn1, self.maxpool = nn.Conv2d(3, 12, 3, 2, 1), nn.BatchNorm2d(12), nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(Residual(12, skip), Residual(12, skip))
        self.fc = nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer1(self.maxpool(torch.relu(self.bn1(self.conv1(x)))))
        logits: Tensor = self.fc(x.mean(dim=(2, 3)))
        return logits


class ViTLike(nn.Module):
    """Patches, one encoder layer, a class token, and log-probabilities after the head."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, 16))
        self.position = nn.Parameter(torch.zeros(1, 17, 16))
        self.encoder = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True, norm_first=True)
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), tokens], dim=1) + self.position
        return torch.log_softmax(self.head(self.encoder(tokens)[:, 0]), dim=1)


class FullyConvolutional(nn.Module):
    """A 1x1 convolution as the head, pooled afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2))
        self.classifier = nn.Conv2d(8, 10, 1)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.body(x)).mean(dim=(2, 3))
        return logits


MAKERS: dict[str, tuple[Callable[[], nn.Module], str, int]] = {
    "resnet": (ResNetLike, "fc", 12),
    "vit": (ViTLike, "head", 16),
    "convolutional": (FullyConvolutional, "classifier", 8),
}


@pytest.fixture(scope="module", params=sorted(MAKERS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(kind: str) -> ForeignModel:
    torch.manual_seed(0)
    return ForeignModel.of(MAKERS[kind][0](), IO)


@pytest.fixture(scope="module")
def colours() -> Task:
    return load_task(TaskSettings(name="colours", samples=60, difficulty=0.0), input_shape=(3, 16, 16))


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("batch", [1, 3])
def test_a_model_of_a_fixed_batch_is_attacked_in_chunks(colours: Task, batch: int) -> None:
    torch.manual_seed(0)
    network = ResNetLike().eval()
    model, chunked = ForeignModel.of(network, IO), ForeignModel.of(InChunks(network, batch), IO)
    assert chunked.head == "network.fc"
    inputs = torch.randn(7, 3, 16, 16)
    with torch.no_grad():
        bodies = [each.rebuild(IO, 0).eval().body(inputs) for each in (model, chunked)]
    torch.testing.assert_close(bodies[1], bodies[0])
    darcy = load_task(TaskSettings(name="darcy", samples=60), input_shape=(3, 16, 16))
    for target in (colours, darcy):
        for name in ("linear-probe", "fine-tune", "surgery:taps", "surgery:side"):
            assert attack(chunked, name, target, AttackBudget(1.0, 2, 16, (0.01,)), 0) is not None


def test_the_head_is_found(kind: str, model: ForeignModel) -> None:
    assert (model.head, model.features) == MAKERS[kind][1:]


def test_the_body_gives_what_the_head_would_get(model: ForeignModel) -> None:
    seen: list[Tensor] = []
    original = model.original()
    original.get_submodule(model.head).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    inputs = torch.randn(3, 3, 16, 16)
    with torch.no_grad():
        original(inputs)
        body = model.rebuild(IO, seed=1).eval().body(inputs)
    assert torch.allclose(body.flatten(1), seen[0].flatten(1), atol=1e-6)


def test_the_loot_is_never_changed_and_every_attack_runs(model: ForeignModel, colours: Task) -> None:
    before = weights_of(model.network)
    budget = AttackBudget(1.0, 2, 16, (0.01,))
    source = load_task(TaskSettings(name="digits"), input_shape=(3, 16, 16))
    ran = {name: attack(model, name, colours, budget, 0, source=source, count_cost=True) for name in ATTACKS}
    assert all(torch.equal(before[name], value) for name, value in weights_of(model.network).items())
    for name, result in ran.items():
        assert result is not None or name.startswith("surgery:") or name == "adapters", name
        if result is not None:
            assert result.cost is not None
            assert result.cost.macs > 0
    assert {name for name, result in ran.items() if result is not None} >= {"surgery:side", "surgery:deepen", "undo"}


@pytest.mark.parametrize("task", ["darcy", "presence"])
def test_other_kinds_of_outputs_can_be_attacked(model: ForeignModel, task: str) -> None:
    target = load_task(TaskSettings(name=task, samples=60), input_shape=(3, 16, 16))
    for name in ("linear-probe", "fine-tune", "surgery:side"):
        result = attack(model, name, target, AttackBudget(1.0, 2, 16, (0.01,)), 0)
        assert result is not None
        assert result.value <= 1


def test_dense_outputs_are_made_from_a_map_where_there_is_one(model: ForeignModel) -> None:
    dense = replace(IO, output=OutputKind.DENSE, outputs=1)
    feature_map = model.rebuild(dense, 0).eval().body(torch.zeros(2, 3, 16, 16))
    assert feature_map.shape[2] * feature_map.shape[3] > 1


def test_surgery_opens_what_was_closed() -> None:
    torch.manual_seed(0)
    closed = ForeignModel.of(ResNetLike(skip=False), IO)
    assert closed.surgeries() == ("skip", "stem", "resolution", "pool", "widen")
    opened = {name: closed.edited(name, IO, 0) for name in closed.surgeries()}
    assert all(isinstance(network, Network) for network in opened.values())
    skipping, striding = opened["skip"], opened["stem"]
    assert skipping is not None
    assert striding is not None
    assert sum(type(part).__name__ == "Skipping" for part in skipping.modules()) == 1
    assert all(part.stride == (1, 1) for part in striding.modules() if isinstance(part, nn.Conv2d))
    assert not any(isinstance(part, nn.MaxPool2d) for part in opened["pool"].modules())  # type: ignore[union-attr]


def test_an_exchanged_pool_begins_as_a_pick_and_weights_are_kept() -> None:
    torch.manual_seed(0)
    model = ForeignModel.of(ResNetLike(), IO)
    network = model.edited("pool", IO, 0)
    assert network is not None
    kept = network.state_dict()
    for name, value in model.network.state_dict().items():
        if not name.startswith("fc."):
            assert torch.equal(kept[f"body.network.{name}"], value), name


class Bottleneck(nn.Module):
    """All features go through two channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.narrow, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 2, 1), nn.BatchNorm2d(2)
        self.wide, self.fc = nn.Conv2d(2, 8, 1), nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.wide(torch.relu(self.norm(self.narrow(torch.relu(self.stem(x))))))
        logits: Tensor = self.fc(x.mean(dim=(2, 3)))
        return logits


def test_the_narrowest_place_is_widened_and_keeps_its_weights() -> None:
    torch.manual_seed(0)
    model = ForeignModel.of(Bottleneck(), IO)
    network = model.edited("widen", IO, 0)
    assert network is not None
    body = network.body.get_submodule("network")
    assert isinstance(body, Bottleneck)
    assert (body.narrow.out_channels, body.norm.num_features, body.wide.in_channels) == (8, 8, 8)
    assert torch.equal(body.narrow.weight[:2], model.network.get_submodule("narrow").weight)  # type: ignore[arg-type]
    assert torch.equal(body.stem.weight, model.network.get_submodule("stem").weight)  # type: ignore[arg-type]


def test_a_place_that_a_skip_reads_too_is_not_widened() -> None:
    torch.manual_seed(0)
    network = ForeignModel.of(ResNetLike(skip=True), IO).edited("widen", IO, 0)
    assert network is not None
    widths = {name: part.out_channels for name, part in network.named_modules() if isinstance(part, nn.Conv2d)}
    assert sorted(set(widths.values())) == [12, 48]
    assert widths["body.network.conv1"] == 12  # its result also goes past the blocks


class Asserting(ViTLike):
    """Checks its input's size, as timm's vision transformers do."""

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[2] == 16, "input height does not match the model"
        return super().forward(x)


@pytest.mark.parametrize("make", [ViTLike, Asserting])
def test_a_surgery_that_does_not_fit_is_none(make: Callable[[], nn.Module]) -> None:
    assert ForeignModel.of(make(), IO).edited("resolution", IO, 0) is None


def test_adapters_leave_released_weights_alone_and_train_few(colours: Task) -> None:
    from archlock.attacks.adapters import with_adapters
    from archlock.attacks.method import Situation

    torch.manual_seed(0)
    model = ForeignModel.of(ResNetLike(), IO)
    network = with_adapters(model, Situation(colours, AttackBudget(1.0, 2, 8, (0.01,)), 0))
    assert network is not None
    plain = model.rebuild(colours.io, 0).eval()
    inputs = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        assert torch.allclose(network.eval().body(inputs), plain.body(inputs), atol=1e-6)  # adapters begin at zero
    trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert all(name.endswith((".down", ".up")) or name.startswith("head.") for name in trained)


def test_from_scratch_keeps_no_weight() -> None:
    torch.manual_seed(0)
    network = ViTLike()
    before = weights_of(network)
    reinitialise(network)
    after = network.state_dict()
    drawn = [name for name, value in before.items() if value.unique().numel() > 1]
    assert drawn
    assert not any(torch.equal(before[name], after[name]) for name in drawn)
