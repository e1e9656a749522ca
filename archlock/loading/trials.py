"""Jobs that need torch: what a file holds has been read and checked, and is tried here, still under limits."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
import torch.utils.flop_counter
from safetensors.numpy import save_file
from safetensors.torch import load_file

from archlock.errors import HardwareError, ModelError
from archlock.hwcost.workload.layers import Layers
from archlock.hwcost.workload.trace import trace
from archlock.loading.guard import PROGRAM, WEIGHTS
from archlock.loading.limits import Limits
from archlock.loading.onnx.network import OnnxNetwork
from archlock.loading.pt2.program import as_plain, from_plain
from archlock.loading.pt2.trial import try_program

LAYERS = "layers.safetensors"


def program(order: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Try an exported program; it is written again with an open batch."""
    torch.set_num_threads(1)
    folder = Path(order["folder"])
    found = from_plain(json.loads((folder / PROGRAM).read_text(encoding="utf-8")))
    tensors = load_file(folder / WEIGHTS)
    shape = order["input_shape"]
    trial = try_program(found, tensors, tuple(shape) if shape else None, order["where"], limits)
    (folder / PROGRAM).write_text(json.dumps(as_plain(trial.program)), encoding="utf-8")
    return {
        "input_shape": trial.input_shape,
        "outputs": trial.outputs,
        "fixed_batch": trial.fixed_batch,
        "weakened": trial.weakened,
        "noted": trial.noted,
    }


def onnx(order: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Trace an ONNX graph into layers."""
    torch.set_num_threads(1)
    folder, where = Path(order["folder"]), order["where"]
    shape = order["input_shape"]
    graph = json.loads((folder / PROGRAM).read_text(encoding="utf-8"))
    network = OnnxNetwork(graph, where, limits)
    sizes = network.input_sizes(tuple(shape) if shape else None)
    with torch.no_grad():  # once beforehand: its own errors name the operator
        network(torch.empty(sizes, device="meta"))
    try:
        workload = trace(network, sizes)
    except HardwareError as error:
        raise ModelError(f"{where}: {error}") from None
    arrays = {each.name: getattr(workload.layers, each.name) for each in fields(Layers)}
    save_file(arrays, folder / LAYERS)
    return {"names": workload.names, "input_shape": workload.input_shape, "outputs": network.outputs}


JOBS: dict[str, Callable[[Mapping[str, Any], Limits], dict[str, Any]]] = {"try_program": program, "try_onnx": onnx}
