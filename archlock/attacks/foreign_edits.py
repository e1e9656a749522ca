"""Surgery on modules of any network: what is closed is opened, and the weights that are there stay.

Each edit changes a copy in place and is dropped where the result no longer runs.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.attacks.foreign_widen import widen

ForeignEdit = Callable[[nn.Module, str, Tensor], tuple[nn.Module, str] | None]
"""(network, dotted name of its head, example) to the edited network and its head's name, or None."""

POOLS = (nn.MaxPool2d, nn.AvgPool2d)


class Skipping(nn.Module):
    """A module with an identity past it."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        """As the module's, of the same shape as ``x``."""
        result: Tensor = x + self.module(x)
        return result


class Magnified(nn.Module):
    """A network that sees its inputs at twice the resolution."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """As the network's."""
        result: Tensor = self.network(functional.interpolate(x, scale_factor=2.0, mode="bilinear"))
        return result


def _add_skips(network: nn.Module, head: str, example: Tensor) -> tuple[nn.Module, str] | None:
    """An identity past every layer or block that keeps its input's shape, the outermost of each nest."""
    kept = [name for name in _shape_keepers(network, example) if not head.startswith(f"{name}.") and name != head]
    outermost = [name for name in kept if not any(name.startswith(f"{other}.") for other in kept)]
    for name in outermost:
        _replace(network, name, Skipping(network.get_submodule(name)))
    return (network, head) if outermost else None


def _shape_keepers(network: nn.Module, example: Tensor) -> list[str]:
    """Modules with weights that take one map and give one of the same shape, and do not merely normalise it."""
    found: list[str] = []

    def watch(name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def hook(_: nn.Module, inputs: tuple[object, ...], result: object) -> None:
            given = inputs[0] if len(inputs) == 1 else None
            if isinstance(given, Tensor) and isinstance(result, Tensor):
                found.extend([name] if given.shape == result.shape and result.dim() >= 3 else [])

        return module.register_forward_hook(hook)

    works = (nn.Conv2d, nn.Linear)
    hooks = [
        watch(name, module)
        for name, module in network.named_modules()
        if name and any(isinstance(part, works) for part in module.modules())
    ]
    try:
        with torch.no_grad():
            network.eval()(example)
    finally:
        for handle in hooks:
            handle.remove()
    return list(dict.fromkeys(found))


def _open_stem(network: nn.Module, head: str, example: Tensor) -> tuple[nn.Module, str] | None:
    """The first convolution that strides takes every place."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and max(module.stride) > 1:
            module.stride = (1, 1)
            if isinstance(module.padding, tuple) and max(module.padding) == 0 and max(module.kernel_size) > 1:
                module.padding = tuple(side // 2 for side in module.kernel_size)
            return network, head
    return None


def _magnify(network: nn.Module, head: str, example: Tensor) -> tuple[nn.Module, str] | None:
    """Inputs at twice the resolution: what early striding throws away is spread over more places."""
    return Magnified(network), f"network.{head}"


def _exchange_pools(network: nn.Module, head: str, example: Tensor) -> tuple[nn.Module, str] | None:
    """Every pooling becomes a strided convolution that begins as a pick of its middle."""
    shapes: dict[str, tuple[torch.Size, torch.Size]] = {}
    pools = {name: module for name, module in network.named_modules() if isinstance(module, POOLS)}
    hooks = [
        module.register_forward_hook(
            lambda _, given, out, name=name: shapes.update({name: (given[0].shape, out.shape)})
        )
        for name, module in pools.items()
    ]
    try:
        with torch.no_grad():
            network.eval()(example)
    finally:
        for handle in hooks:
            handle.remove()
    for name, (given, wanted) in shapes.items():
        _replace(network, name, _pick(pools[name], given, wanted))
    return (network, head) if shapes else None


def _pick(pool: nn.Module, given: torch.Size, wanted: torch.Size) -> nn.Module:
    """A convolution with a pooling's window; inputs of ``given`` shape are filled up where it counted parts of one."""
    side, stride, padding, dilation = (
        _pair(getattr(pool, key, 1)) for key in ("kernel_size", "stride", "padding", "dilation")
    )
    width = given[1]
    conv = nn.Conv2d(width, width, side, stride, padding, dilation, bias=False)
    with torch.no_grad():
        conv.weight.mul_(0.1)
        conv.weight[torch.arange(width), torch.arange(width), side[0] // 2, side[1] // 2] += 1
    lacking = [
        (wanted[axis + 2] - 1) * stride[axis]
        + dilation[axis] * (side[axis] - 1)
        + 1
        - given[axis + 2]
        - 2 * padding[axis]
        for axis in (0, 1)
    ]
    if max(lacking) <= 0:
        return conv
    return nn.Sequential(nn.ZeroPad2d((0, max(lacking[1], 0), 0, max(lacking[0], 0))), conv)


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value[0], value[-1]) if isinstance(value, tuple) else (int(value), int(value))


def _replace(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, module)


FOREIGN_EDITS: dict[str, ForeignEdit] = {
    "skip": _add_skips,
    "stem": _open_stem,
    "resolution": _magnify,
    "pool": _exchange_pools,
    "widen": widen,
}
"""Edits by name."""
