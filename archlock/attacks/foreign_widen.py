"""Surgery that widens the narrowest place of any network: what a bottleneck throws away gets room again."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from archlock.spaces.network import inherit

FACTOR = 4


def widen(network: nn.Module, head: str, example: Tensor) -> tuple[nn.Module, str] | None:
    """The narrowest pair of layers that hand a result on to each other alone, `FACTOR` times as wide between them.

    Weights that were there stay in the corner of the wider ones; what is added is freshly initialised. A result that
    is also read elsewhere, past a skip, does not fit any more: that place is passed over.
    """
    called = _called(network, example)
    for first, norms, second in sorted(_pairs(network, called, head), key=lambda pair: _width(network, pair[0])):
        wider = deepcopy(network)
        _exchange(wider, first, norms, second)
        try:
            with torch.no_grad():
                wider.eval()(example)
        except Exception:  # whatever a foreign module says of sizes that do not fit
            continue
        return wider, head
    return None


def _called(network: nn.Module, example: Tensor) -> list[str]:
    """Names of layers with weights and of norms, in the order of their calls; those called twice are left out."""
    order: list[str] = []
    wanted = {
        name: part for name, part in network.named_modules() if isinstance(part, (nn.Conv2d, nn.Linear, BatchNorm))
    }
    hooks = [
        part.register_forward_hook(lambda _, __, ___, name=name: order.append(name)) for name, part in wanted.items()
    ]
    try:
        with torch.no_grad():
            network.eval()(example)
    finally:
        for hook in hooks:
            hook.remove()
    return [name for name in order if order.count(name) == 1]


def _pairs(network: nn.Module, called: list[str], head: str) -> list[tuple[str, list[str], str]]:
    """(layer, norms between, next layer) where the width between them may change."""
    found = []
    for place, first in enumerate(called):
        source = network.get_submodule(first)
        if first == head or not _is_open(source):
            continue
        norms: list[str] = []
        for name in called[place + 1 :]:
            part = network.get_submodule(name)
            if isinstance(part, BatchNorm) and part.num_features == _width(network, first):
                norms.append(name)
                continue
            if (
                name != head
                and _is_open(part)
                and type(part) is type(source)
                and _inputs(part) == _width(network, first)
            ):
                found.append((first, norms, name))
            break
    return found


def _is_open(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.groups == 1)


def _inputs(layer: nn.Module) -> int:
    return int(layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels)  # type: ignore[arg-type]


def _width(network: nn.Module, name: str) -> int:
    layer = network.get_submodule(name)
    return int(layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels)  # type: ignore[arg-type]


def _exchange(network: nn.Module, first: str, norms: list[str], second: str) -> None:
    width = FACTOR * _width(network, first)
    _put(network, first, _resized(network.get_submodule(first), outputs=width))
    for name in norms:
        norm = network.get_submodule(name)
        assert isinstance(norm, BatchNorm)
        fresh = type(norm)(width, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
        inherit(fresh, norm.state_dict())
        _put(network, name, fresh)
    _put(network, second, _resized(network.get_submodule(second), inputs=width))


def _resized(layer: nn.Module, inputs: int | None = None, outputs: int | None = None) -> nn.Module:
    """A layer of other width that keeps the corner of its weights."""
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    fresh = deepcopy(layer)
    rows, columns = outputs or layer.weight.shape[0], inputs or layer.weight.shape[1]
    fresh.weight = nn.Parameter(torch.empty(rows, columns, *layer.weight.shape[2:]))
    if layer.bias is not None:
        fresh.bias = nn.Parameter(torch.empty(rows))
    if isinstance(fresh, nn.Linear):
        fresh.in_features, fresh.out_features = columns, rows
    else:
        fresh.in_channels, fresh.out_channels = columns, rows
    fresh.reset_parameters()
    inherit(fresh, layer.state_dict())
    return fresh


def _put(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, module)
