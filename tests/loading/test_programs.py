"""Exported programs come back as the networks they were: in evaluation and in training, at any batch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.errors import ModelError
from archlock.loading.limits import Limits
from archlock.loading.pt2.archive import read_archive
from archlock.loading.pt2.trial import Trial, network_of, try_program

SHAPE = (3, 16, 16)
TOLERANCE = 1e-5


class Block(nn.Module):
    """A residual block, as of ResNet-18."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.down = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += self.down(x)
        return self.relu(out)  # type: ignore[no-any-return]


class ResNet(nn.Module):
    """Two residual blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
        self.layer = nn.Sequential(Block(8, 8, 1), Block(8, 16, 2))
        self.pool, self.dropout, self.fc = nn.AdaptiveAvgPool2d(1), nn.Dropout(0.3), nn.Linear(16, 7)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.dropout(torch.flatten(self.pool(self.layer(self.stem(x))), 1)))  # type: ignore[no-any-return]


class Inverted(nn.Module):
    """An inverted residual with squeeze and excitation and channel shuffle, as of MobileNet and ShuffleNet."""

    def __init__(self, width: int) -> None:
        super().__init__()
        wide = 2 * width
        self.expand = nn.Sequential(nn.Conv2d(width, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.Hardswish())
        self.depth = nn.Sequential(nn.Conv2d(wide, wide, 3, 1, 1, groups=wide, bias=False), nn.BatchNorm2d(wide))
        self.squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(wide, 4, 1), nn.ReLU(), nn.Conv2d(4, wide, 1))
        self.project = nn.Sequential(nn.Conv2d(wide, width, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu6(self.depth(self.expand(x)))
        y = y * functional.hardsigmoid(self.squeeze(y))
        batch, channels, height, width = y.shape
        y = y.view(batch, 2, channels // 2, height, width).transpose(1, 2).reshape(batch, channels, height, width)
        return x + self.project(y)  # type: ignore[no-any-return]


class MobileNet(nn.Module):
    """Two inverted residuals."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(inplace=True))
        self.blocks = nn.Sequential(Inverted(8), Inverted(8))
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(8, 7))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))  # type: ignore[no-any-return]


class ViT(nn.Module):
    """A vision transformer with a class token, of torch's own attention and of a hand-written one."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 24, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 24))
        self.place = nn.Parameter(torch.randn(1, 17, 24))
        self.norm1, self.attention = nn.LayerNorm(24), nn.MultiheadAttention(24, 3, batch_first=True)
        self.norm2, self.qkv, self.out = nn.LayerNorm(24), nn.Linear(24, 72), nn.Linear(24, 24)
        self.mlp = nn.Sequential(nn.LayerNorm(24), nn.Linear(24, 48), nn.GELU(), nn.Dropout(0.1), nn.Linear(48, 24))
        self.head = nn.Linear(24, 7)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.place
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        batch, tokens, width = x.shape
        q, k, v = self.qkv(self.norm2(x)).reshape(batch, tokens, 3, 3, width // 3).permute(2, 0, 3, 1, 4)
        mixed = (functional.softmax(q @ k.transpose(-2, -1) / 3, -1) @ v).transpose(1, 2).reshape(batch, tokens, width)
        x = x + self.out(mixed)
        return self.head((x + self.mlp(x))[:, 0])  # type: ignore[no-any-return]


NETWORKS = {"resnet": ResNet, "mobilenet": MobileNet, "vit": ViT}


def warmed(kind: str) -> nn.Module:
    """A network whose batch norms have seen data, so that their statistics matter."""
    torch.manual_seed(0)
    network = NETWORKS[kind]()
    with torch.no_grad():
        network.train()(torch.randn(8, *SHAPE))
    return network.eval()


def exported(network: nn.Module, path: Path, batch: int, *, dynamic: bool = False, decomposed: bool = False) -> Path:
    shapes = ({0: torch.export.Dim("batch", min=1, max=64)},) if dynamic else None
    program = torch.export.export(network, (torch.zeros(batch, *SHAPE),), dynamic_shapes=shapes)
    with path.open("wb") as file:
        torch.export.save(program.run_decompositions() if decomposed else program, file)
    return path


def rebuilt(path: Path) -> tuple[nn.Module, Trial]:
    """Read, tried and built in this process, without the guard around it."""
    program, arrays, _ = read_archive(path.read_bytes(), path.name, Limits())
    tensors = {name: torch.from_numpy(value) for name, value in arrays.items()}
    trial = try_program(program, tensors, None, path.name, Limits())
    return network_of(trial.program, tensors, trial.fixed_batch), trial


def check_same(found: nn.Module, wanted: nn.Module) -> None:
    inputs = torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(found.eval()(inputs), wanted.eval()(inputs), rtol=0, atol=TOLERANCE)
        torch.manual_seed(2)
        trained = wanted.train()(inputs)
        torch.manual_seed(2)
        torch.testing.assert_close(found.train()(inputs), trained, rtol=0, atol=TOLERANCE)
        # Training moved the running statistics alike.
        torch.testing.assert_close(found.eval()(inputs), wanted.eval()(inputs), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize(("batch", "dynamic"), [(1, False), (2, False), (3, True)])
def test_a_program_computes_what_its_network_did(tmp_path: Path, kind: str, batch: int, dynamic: bool) -> None:
    network = warmed(kind)
    found, trial = rebuilt(exported(network, tmp_path / "model.pt2", batch, dynamic=dynamic))
    assert (trial.weakened, trial.fixed_batch, trial.outputs, trial.input_shape) == ((), 0, 7, SHAPE)
    assert {name: value.shape for name, value in found.named_parameters()} == {
        name: value.shape for name, value in network.named_parameters()
    }
    check_same(found, network)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_decomposed_program_computes_the_same_and_says_that_its_dropout_is_lost(tmp_path: Path, kind: str) -> None:
    network = warmed(kind)
    found, trial = rebuilt(exported(network, tmp_path / "model.pt2", 2, decomposed=True))
    assert trial.fixed_batch == 0
    assert any("dropout" in sentence for sentence in trial.weakened)
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    check_same(found, network)


def test_layers_are_layers_again(tmp_path: Path) -> None:
    found, _ = rebuilt(exported(warmed("resnet"), tmp_path / "model.pt2", 2))
    assert isinstance(found.get_submodule("fc"), nn.Linear)
    assert isinstance(found.get_submodule("layer.0.conv1"), nn.Conv2d)
    kinds = [type(module) for module in found.modules()]
    assert sum(issubclass(kind, nn.modules.batchnorm._BatchNorm) for kind in kinds) == 7
    assert kinds.count(nn.Dropout) == 1
    found.get_submodule("layer.0.conv1").reset_parameters()  # type: ignore[operator]
    assert found(torch.zeros(1, *SHAPE)).shape == (1, 7)


def test_a_rebuilt_network_trains_and_can_be_traced_and_copied(tmp_path: Path) -> None:
    from copy import deepcopy

    found, _ = rebuilt(exported(warmed("vit"), tmp_path / "model.pt2", 2))
    inputs, labels = torch.randn(16, *SHAPE), torch.arange(16) % 7
    optimizer = torch.optim.Adam(found.train().parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        loss = functional.cross_entropy(found(inputs), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
    found.eval()
    torch.testing.assert_close(deepcopy(found)(inputs), found(inputs))
    traced = torch.fx.symbolic_trace(found)
    torch.testing.assert_close(traced(inputs), found(inputs))


class Fixed(nn.Module):
    """Rolls over the batch, so that its size is part of what it computes."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(768, 4)

    def forward(self, x: Tensor) -> Tensor:
        flat = x.as_strided((x.shape[0], 768), (768, 1))
        return self.fc(flat)  # type: ignore[no-any-return]


def test_a_batch_that_cannot_be_opened_is_said_and_worked_around(tmp_path: Path) -> None:
    network = Fixed().eval()
    found, trial = rebuilt(exported(network, tmp_path / "model.pt2", 2))
    assert trial.fixed_batch == 2
    assert "its batch is fixed to 2" in trial.weakened[0]
    inputs = torch.randn(5, *SHAPE)
    torch.testing.assert_close(found(inputs), network(inputs))


class Two(nn.Module):
    """Gives more than logits."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.fc(x), x


class Sorted(ResNet):
    """Uses an operator that is not on the list."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(torch.fft.fft2(x).real)


def test_what_cannot_be_handled_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="gives 2 outputs; wrap"):
        rebuilt(exported(Two().eval(), tmp_path / "two.pt2", 2))
    with pytest.raises(ModelError, match=r"operator aten\.fft_fft2\.default is not known to be safe"):
        rebuilt(exported(Sorted().eval(), tmp_path / "fft.pt2", 2))


def test_open_pictures_sizes_must_be_given(tmp_path: Path) -> None:
    size = torch.export.Dim("size", min=2, max=64)
    network = warmed("resnet")
    program = torch.export.export(network, (torch.zeros(2, *SHAPE),), dynamic_shapes=({2: 4 * size, 3: 4 * size},))
    with (tmp_path / "open.pt2").open("wb") as file:
        torch.export.save(program, file)
    with pytest.raises(ModelError, match="input sizes are open"):
        rebuilt(tmp_path / "open.pt2")
    read, arrays, _ = read_archive((tmp_path / "open.pt2").read_bytes(), "open.pt2", Limits())
    tensors = {name: torch.from_numpy(value) for name, value in arrays.items()}
    with pytest.raises(ModelError, match="takes 3x"):
        try_program(read, tensors, (1, 32, 32), "open.pt2", Limits())
    trial = try_program(read, tensors, (3, 32, 32), "open.pt2", Limits())
    assert (trial.input_shape, trial.weakened) == ((3, 32, 32), ())


class Square(nn.Module):
    """Fully convolutional, with a pooling that looks at its height alone."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.fc = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.conv(x)))
        x = x.reshape(x.shape[0], 8, x.shape[2] * x.shape[2])
        return self.fc(x.mean(2))  # type: ignore[no-any-return]


@pytest.mark.parametrize("batch", [1, 2])
def test_one_open_size_may_stand_for_height_and_width(tmp_path: Path, batch: int) -> None:
    """torch then writes a guard that both are equal; the fixed batch beside it is opened as any other."""
    size, network = torch.export.Dim("size", min=4, max=64), Square().eval()
    example = torch.zeros(batch, *SHAPE)
    program = torch.export.export(network, (example,), dynamic_shapes=({2: size, 3: size},))
    with (tmp_path / "square.pt2").open("wb") as file:
        torch.export.save(program, file)
    read, arrays, _ = read_archive((tmp_path / "square.pt2").read_bytes(), "square.pt2", Limits())
    tensors = {name: torch.from_numpy(value) for name, value in arrays.items()}
    for side in (16, 24):
        trial = try_program(read, tensors, (3, side, side), "square.pt2", Limits())
        assert (trial.weakened, trial.fixed_batch, trial.input_shape) == ((), 0, (3, side, side))
        inputs = torch.randn(5, 3, side, side)
        found = network_of(trial.program, tensors, 0)
        torch.testing.assert_close(found(inputs), network(inputs), rtol=0, atol=TOLERANCE)
    with pytest.raises(ModelError, match="its height and width are one size, not 16 and 24; give a square --input"):
        try_program(read, tensors, (3, 16, 24), "square.pt2", Limits())
    with pytest.raises(ModelError, match="say which: --input"):
        try_program(read, tensors, None, "square.pt2", Limits())


def test_half_precision_is_widened_and_nan_refused(tmp_path: Path) -> None:
    network = warmed("resnet")
    program = torch.export.export(network.bfloat16(), (torch.zeros(2, *SHAPE, dtype=torch.bfloat16),))
    with (tmp_path / "half.pt2").open("wb") as file:
        torch.export.save(program, file)
    _, _, said = read_archive((tmp_path / "half.pt2").read_bytes(), "half.pt2", Limits())
    assert said == ("bfloat16 weights were converted to float32",)
    found, _ = rebuilt(tmp_path / "half.pt2")
    inputs = torch.randn(3, *SHAPE)
    torch.testing.assert_close(found(inputs), network.float()(inputs), rtol=0, atol=TOLERANCE)
    with torch.no_grad():
        network.fc.bias[0] = float("nan")  # type: ignore[index,union-attr]
    with pytest.raises(ModelError, match=r"fc\.bias holds NaN"):
        rebuilt(exported(network, tmp_path / "nan.pt2", 2))
