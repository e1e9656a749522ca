"""Networks of the user's own functions, with weights from files that hold weights and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hostile.genuine import Net
from safetensors.torch import save, save_file
from torch import nn

from archlock.errors import ModelError, UsageError
from archlock.loading import load_model
from archlock.loading.factory import put
from archlock.loading.limits import Limits
from archlock.loading.statedict import read_weights

NET = "hostile.genuine:Net"
SHAPE = (3, 8, 8)


def test_a_factory_alone_is_loaded_with_the_weights_it_made() -> None:
    loaded = load_model(NET, input_shape=SHAPE)
    assert (loaded.form, loaded.outputs, loaded.input_shape) == ("factory", 5, SHAPE)
    assert loaded.network is not None
    assert not loaded.network.training
    assert all(value.requires_grad for value in loaded.network.parameters())


@pytest.mark.parametrize("form", ["safetensors", "state dict", "checkpoint"])
def test_weights_of_every_accepted_form_are_the_same(form: str) -> None:
    torch.manual_seed(3)
    network = Net()
    wanted = network.state_dict()
    if form == "safetensors":
        data, name = save(wanted), "w.safetensors"
    else:
        import io

        buffer = io.BytesIO()
        torch.save(wanted if form == "state dict" else {"state_dict": wanted, "epoch": 3, "loss": 0.5}, buffer)
        data, name = buffer.getvalue(), "w.pt"
    found, said = read_weights(data, name, Limits())
    assert said == ()
    assert set(found) == set(wanted)
    for key, value in wanted.items():
        assert torch.equal(torch.from_numpy(found[key]), value), key


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_said(dtype: torch.dtype) -> None:
    values = {"w": torch.tensor([1.5, -2.0, 0.25], dtype=dtype)}
    found, said = read_weights(save(values), "w.safetensors", Limits())
    assert said == (f"{str(dtype).removeprefix('torch.')} weights were converted to float32",)
    assert found["w"].astype(float).tolist() == [1.5, -2.0, 0.25]


def test_views_of_a_shared_storage_are_read_from_a_state_dict() -> None:
    import io

    whole = torch.arange(12.0).reshape(3, 4)
    buffer = io.BytesIO()
    torch.save({"transposed": whole.t(), "part": whole[1:, 2], "number": torch.tensor(7)}, buffer)
    found, _ = read_weights(buffer.getvalue(), "w.pt", Limits())
    assert found["transposed"].tolist() == whole.t().tolist()
    assert found["part"].tolist() == [6.0, 10.0]
    assert found["number"].tolist() == 7


def test_weights_go_into_the_network_with_prefixes_taken_off() -> None:
    network = nn.Linear(2, 2)
    weights = {"module.weight": torch.eye(2), "module.bias": torch.ones(2)}
    assert put(weights, network, "file") == ("the prefix 'module.' was taken off the names of the weights",)
    assert torch.equal(network.weight, torch.eye(2))
    with pytest.raises(ModelError, match="1 missing \\(bias\\), 1 unknown \\(other\\)"):
        put({"weight": torch.eye(2), "other": torch.ones(2)}, network, "file")
    with pytest.raises(ModelError, match=r"weight has shape \(3, 3\), expected \(2, 2\)"):
        put({"weight": torch.eye(3), "bias": torch.ones(2)}, network, "file")


def no_parameters() -> nn.Module:
    return nn.Flatten()


def not_finite() -> nn.Module:
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    with torch.no_grad():
        network[1].bias.fill_(float("inf"))  # type: ignore[union-attr,operator]
    return network


def pictures() -> nn.Module:
    return nn.Conv2d(3, 3, 1)


def half() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 2)).half()


def no_module() -> int:
    return 3


def fails() -> nn.Module:
    raise ValueError("no such size")


def test_networks_that_cannot_be_audited_are_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "my_networks", sys.modules[__name__])
    for name, reason in (
        ("no_parameters", "no parameters"),
        ("not_finite", "NaN or infinite"),
        ("pictures", "expected one row of logits"),
        ("no_module", "gives a int, not a torch.nn.Module"),
        ("fails", "ValueError: no such size"),
    ):
        with pytest.raises(ModelError, match=reason) as caught:
            load_model(f"my_networks:{name}", input_shape=SHAPE)
        assert caught.value.exit_code == 4
    with pytest.raises(ModelError, match="does not take 2 inputs of 3x9x9"):
        load_model(NET, input_shape=(3, 9, 9))
    assert load_model("my_networks:half", input_shape=SHAPE).converted == ("float16 weights were converted to float32",)


def test_wrong_names_are_usage_errors(tmp_path: Path) -> None:
    for what, shape, reason in (
        ("hostile.genuine:Nett", SHAPE, "Did you mean 'Net'"),
        ("no_such_package:net", SHAPE, "No module named"),
        (NET, None, "give --input"),
        ("nothing.pt2", None, "no such file"),
    ):
        with pytest.raises(UsageError, match=reason):
            load_model(what, input_shape=shape)
    save_file({"w": torch.ones(1)}, tmp_path / "w.safetensors")
    with pytest.raises(UsageError, match="belong to a factory"):
        load_model(str(tmp_path), weights=tmp_path / "w.safetensors")


def test_a_repository_with_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"auto_map": {"AutoModel": "evil.Model"}}')
    with pytest.raises(ModelError, match="trust_remote_code"):
        load_model(str(tmp_path))
