"""ONNX graphs with data outside their folder, operators of strangers, or sizes without end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile.corpus import Corpus
from hostile.genuine import graph

CORPUS = Corpus()
OUTSIDE = "leads outside the model's folder"
LOCATIONS = {
    "../../etc/passwd": rf"external data '\.\./\.\./etc/passwd' {OUTSIDE}",
    "/etc/passwd": f"external data '/etc/passwd' {OUTSIDE}",
    "..\\secret": rf"external data .*secret' {OUTSIDE}",
    "link": "external data 'link' is a link that leads outside",
    "": f"external data '' {OUTSIDE}",
    "missing.bin": r"external data 'missing\.bin' is not there",
}


def with_onnx(change: Callable[[Any], None]) -> bytes:
    """A graph that is changed."""
    import onnx

    model = onnx.load_model_from_string(graph())
    change(model)
    return bytes(model.SerializeToString())


def external(location: str, **entries: str) -> bytes:
    """A graph whose first weight lies in a file of its own."""

    def edit(model: Any) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = tensor.EXTERNAL
        for key, value in ({"location": location} | entries).items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value

    return with_onnx(edit)


CORPUS.each("external", "model.onnx", LOCATIONS, lambda canary, value: external(value))


@CORPUS.add("model.onnx", "external data reaches beyond the end")
def external_beyond_the_end(canary: Path) -> bytes:
    return external("model.onnx", offset="999999999", length="10")


@CORPUS.add("model.onnx", "of the domain 'evil', which is not ONNX's own")
def custom_operator(canary: Path) -> bytes:
    def edit(model: Any) -> None:
        model.graph.node[1].domain, model.graph.node[1].op_type = "evil", "PyOp"

    return with_onnx(edit)


@CORPUS.add("model.onnx", "attribute 'body' is a graph or an object: control flow is not costed")
def control_flow(canary: Path) -> bytes:
    def edit(model: Any) -> None:
        attribute = model.graph.node[1].attribute.add()
        attribute.name, attribute.type, attribute.g.name = "body", 5, "inner"

    return with_onnx(edit)


@CORPUS.add("model.onnx", r"'w': sizes \[1125899906842624, 3, 3, 3\] out of range")
def huge_weight(canary: Path) -> bytes:
    return with_onnx(lambda model: model.graph.initializer[0].dims.__setitem__(0, 2**50))


@CORPUS.add("model.onnx", r"a constant of sizes \[1000000, 1000000\]")
def huge_constant(canary: Path) -> bytes:
    def edit(model: Any) -> None:
        import numpy as np
        from onnx import helper, numpy_helper

        model.graph.initializer.append(numpy_helper.from_array(np.array([10**6, 10**6]), "sizes"))
        model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["sizes"], ["huge"], name="huge"))

    return with_onnx(edit)


@CORPUS.add("model.onnx", "damaged ONNX")
def truncated_onnx(canary: Path) -> bytes:
    return graph()[:-40]


@CORPUS.add("model.onnx", "damaged ONNX")
def noise(canary: Path) -> bytes:
    return bytes(range(256)) * 40


@CORPUS.add("model.onnx", "no ONNX graph: it has no operators or no outputs")
def empty_file(canary: Path) -> bytes:
    return b""
