"""Models on disk: what is read is what was written, every format computes the same, and damage is one clear line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from archlock.errors import ArchlockError, ModelError, UsageError
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.export import TrainedNetwork, export_network, read_safetensors
from archlock.spaces.registry import load_space
from archlock.training.fit import predict

SPACE = load_space("hybrid")
IO_SPECS = (
    IOSpec(3, 16, 16, OutputKind.CLASSES, 10),
    IOSpec(1, 8, 8, OutputKind.LABELS, 3),
    IOSpec(2, 12, 20, OutputKind.DENSE, 1),
)


def model_of(seed: int, io: IOSpec = IO_SPECS[0]) -> TrainedNetwork:
    genotype = SPACE.sample(np.random.default_rng(seed))
    torch.manual_seed(seed)
    network = SPACE.build(genotype, io)
    network.train()
    for _ in range(2):  # moves the statistics of batch norm away from where they begin
        network(torch.randn(8, *io.input_shape))
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    names = tuple("abcdefghij") if io.output is OutputKind.CLASSES else ()
    return TrainedNetwork(SPACE, genotype, io, weights, names, {"mean": 0.5, "spread": 0.25})


def inputs_of(io: IOSpec, count: int = 5) -> torch.Tensor:
    return torch.rand(count, *io.input_shape, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return export_network(model_of(0), tmp_path / "deep" / "model")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("io", IO_SPECS, ids=lambda io: io.output.value)
def test_a_model_comes_back_to_the_bit(seed: int, io: IOSpec, tmp_path: Path) -> None:
    model = model_of(seed, io)
    read = read_safetensors(export_network(model, tmp_path))
    assert (read.genotype, read.io, read.classes) == (model.genotype, model.io, model.classes)
    assert read.preprocessing == model.preprocessing
    assert torch.equal(predict(read.network(), inputs_of(io)), predict(model.network(), inputs_of(io)))


def test_a_folder_holds_weights_and_words_only(saved: Path) -> None:
    assert sorted(path.name for path in saved.iterdir()) == ["architecture.json", "model.safetensors"]
    architecture = json.loads((saved / "architecture.json").read_text(encoding="utf-8"))
    assert architecture["options"] == SPACE.describe(model_of(0).genotype)


@pytest.mark.parametrize(("seed", "io"), [(0, IO_SPECS[0]), (3, IO_SPECS[1]), (5, IO_SPECS[2])])
def test_a_program_computes_the_same_at_any_batch(seed: int, io: IOSpec, tmp_path: Path) -> None:
    model = model_of(seed, io)
    program = torch.export.load(export_network(model, tmp_path, "pt2")).module()
    for count in (1, 5):
        inputs = inputs_of(io, count)
        assert torch.allclose(program(inputs), predict(model.network(), inputs), atol=1e-5)


def test_onnx_computes_the_same(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="needs the extra onnx")
    onnx_reference = pytest.importorskip("onnx.reference", reason="needs the extra onnx")
    model = model_of(1)
    path = export_network(model, tmp_path, "onnx")
    inputs = inputs_of(model.io)
    (outputs,) = onnx_reference.ReferenceEvaluator(str(path)).run(None, {"input": inputs.numpy()})
    assert torch.allclose(torch.from_numpy(outputs), predict(model.network(), inputs), atol=1e-4)


def change(folder: Path, **changes: object) -> None:
    path = folder / "architecture.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": "archlock-model/9"}, "expected 'archlock-model/1'"),
        ({"space": "hybird"}, "hybrid"),
        ({"genotype": "1-2-3"}, "genotype"),
        ({"io": {"channels": 0, "height": 8, "width": 8, "output": "classes", "outputs": 2}}, "channels"),
        ({"io": {"channels": 3}}, "not a model"),
        ({"classes": None}, "not a model"),
    ],
    ids=["format", "space", "genotype", "io", "keys", "classes"],
)
def test_a_changed_architecture_is_one_line(saved: Path, changes: dict[str, object], said: str) -> None:
    change(saved, **changes)
    with pytest.raises(ArchlockError) as caught:
        read_safetensors(saved)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["architecture.json", "model.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_a_damaged_file_is_one_line(saved: Path, name: str, damage: str) -> None:
    path = saved / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:20] if damage == "cut" else b"[1, 2]")
    with pytest.raises(ModelError) as caught:
        read_safetensors(saved)
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    model = model_of(0)
    next(iter(model.weights.values())).view(-1)[0] = float("nan")
    with pytest.raises(ModelError, match="NaN"):
        read_safetensors(export_network(model, tmp_path))


def test_weights_of_another_architecture_are_refused(saved: Path) -> None:
    other = model_of(1)
    change(saved, genotype="-".join(map(str, other.genotype)))
    with pytest.raises(ModelError, match="do not fit"):
        read_safetensors(saved).network()


def test_an_unknown_format_and_an_unusable_folder_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'onnx'"):
        export_network(model_of(0), tmp_path, "onxx")
    occupied = tmp_path / "file"
    occupied.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be written"):
        export_network(model_of(0), occupied)
    assert occupied.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("form", ["safetensors", "pt2"])
def test_an_unwritable_folder_is_one_line(tmp_path: Path, form: str) -> None:
    where = tmp_path / "model"
    where.mkdir()
    # A folder stands where the file must go, which no user, not even root, can write over.
    (where / {"safetensors": "model.safetensors", "pt2": "model.pt2"}[form]).mkdir()
    with pytest.raises(UsageError, match="cannot be written") as caught:
        export_network(model_of(0), where, form)
    assert "\n" not in str(caught.value)
