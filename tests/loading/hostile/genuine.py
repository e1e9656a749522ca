"""The genuine files that hostile ones are made of, and that the fuzzer mutates."""

from __future__ import annotations

import io
import zipfile

import torch
from safetensors.torch import save
from torch import nn


class Net(nn.Module):
    """A network small enough to be mutated many times."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.1))
        self.head = nn.Linear(4 * 8 * 8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x).reshape(x.shape[0], -1))  # type: ignore[no-any-return]


_KEPT: dict[str, bytes] = {}


def program() -> bytes:
    """A genuine exported program; made once."""
    if "pt2" not in _KEPT:
        torch.manual_seed(0)
        buffer = io.BytesIO()
        torch.export.save(torch.export.export(Net().eval(), (torch.zeros(2, 3, 8, 8),)), buffer)
        _KEPT["pt2"] = buffer.getvalue()
    return _KEPT["pt2"]


def weights() -> bytes:
    """Genuine safetensors."""
    torch.manual_seed(0)
    return save({name: value.contiguous() for name, value in Net().state_dict().items()})


def state_dict() -> bytes:
    """A genuine state dict of torch.save."""
    buffer = io.BytesIO()
    torch.save(Net().state_dict(), buffer)
    return buffer.getvalue()


def graph() -> bytes:
    """A genuine ONNX graph."""
    from onnx import TensorProto, helper, numpy_helper

    rng = torch.Generator().manual_seed(0)
    kernel = torch.randn(4, 3, 3, 3, generator=rng).numpy()
    head = torch.randn(4, 5, generator=rng).numpy()
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("GlobalAveragePool", ["b"], ["c"], name="pool"),
        helper.make_node("Flatten", ["c"], ["d"], name="flat"),
        helper.make_node("MatMul", ["d", "h"], ["y"], name="head"),
    ]
    made = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 5])],
        [numpy_helper.from_array(kernel, "w"), numpy_helper.from_array(head, "h")],
    )
    return bytes(helper.make_model(made).SerializeToString())


def zipped(members: dict[str, bytes], compress: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compress) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()
