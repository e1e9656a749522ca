"""Models that are one file: exported programs and ONNX graphs, each read in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors.numpy import load_file as load_arrays
from safetensors.torch import load_file

from archlock.errors import UsageError
from archlock.hwcost.workload.layers import Layers, Workload
from archlock.loading.guard import PROGRAM, WEIGHTS, read_apart
from archlock.loading.limits import Limits
from archlock.loading.model import LoadedModel
from archlock.loading.networks import trainable
from archlock.loading.onnx.words import CONVERT
from archlock.loading.pt2.program import from_plain
from archlock.loading.pt2.trial import network_of
from archlock.loading.trials import LAYERS

Shape = tuple[int, int, int]


def load_program(path: Path, input_shape: Shape | None, limits: Limits) -> LoadedModel:
    """An exported program as a trainable network.

    Raises:
        ModelError: not one plain program, or one that cannot be rebuilt; nothing of it was run.
    """
    with TemporaryDirectory(prefix="archlock-") as name:
        folder, where = Path(name), str(path)
        read = read_apart("program", where, folder, limits, path=str(path.resolve()))
        tried = read_apart("try_program", where, folder, limits, input_shape=input_shape)
        program = from_plain(json.loads((folder / PROGRAM).read_text(encoding="utf-8")))
        network = network_of(program, load_file(folder / WEIGHTS), tried["fixed_batch"])
    network, converted = trainable(network, where)
    channels, height, width = tried["input_shape"]
    return LoadedModel(
        name=path.name,
        form="pt2",
        network=network,
        input_shape=(channels, height, width),
        outputs=tried["outputs"],
        sha256=read["sha256"],
        weakened=tuple(tried["weakened"]),
        noted=tuple(tried["noted"]),
        converted=tuple(read["converted"]) + converted,
    )


def load_onnx(path: Path, input_shape: Shape | None, limits: Limits) -> LoadedModel:
    """An ONNX graph, for estimates.

    Raises:
        UsageError: the extra ``onnx`` is not installed.
        ModelError: a damaged graph, or an operator that cannot be costed.
    """
    from importlib.util import find_spec

    if find_spec("onnx") is None:
        raise UsageError("reading ONNX needs an extra: pip install 'archlock[onnx]'")
    with TemporaryDirectory(prefix="archlock-") as name:
        folder, where = Path(name), str(path)
        read = read_apart("onnx", where, folder, limits, path=str(path.resolve()))
        tried = read_apart("try_onnx", where, folder, limits, input_shape=input_shape)
        arrays = load_arrays(folder / LAYERS)
    layers = Layers(**{each.name: arrays[each.name] for each in fields(Layers)})
    workload = Workload(tuple(tried["names"]), layers, tuple(tried["input_shape"]))
    _, channels, height, width = workload.input_shape
    return LoadedModel(
        name=path.name,
        form="onnx",
        network=None,
        input_shape=(channels, height, width),
        outputs=tried["outputs"],
        sha256=read["sha256"],
        weakened=(f"an ONNX graph cannot be trained, so no attack can be run, only estimates; {CONVERT}",),
        workload=workload,
    )


def refuse(path: Path, _: Shape | None, limits: Limits) -> LoadedModel:
    """Any other file: read apart to say what it is, and refused.

    Raises:
        ModelError: always, with the kind of file and the safe way to convert it.
    """
    with TemporaryDirectory(prefix="archlock-") as folder:
        read_apart("unknown", str(path), Path(folder), limits, path=str(path.resolve()))
    raise AssertionError("unreachable: the job always refuses")


LOADERS: dict[str, Callable[[Path, Shape | None, Limits], LoadedModel]] = {".pt2": load_program, ".onnx": load_onnx}
"""Suffix to what reads it; what the file holds is looked at first."""
