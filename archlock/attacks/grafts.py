"""Surgery on any network, whatever made it: parts that an attacker adds around a released body.

Each takes the released body under a fresh head and gives a network of the attacker's own. They add a way for what the
lock leaves out: a side network sees the input itself, taps see what the body throws away on its way, a deeper end
recombines what is left.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.iospec import IOSpec
from archlock.spaces.network import Network

SIDE_WIDTHS = (16, 32)
MOST_TAPS = 4


class SideBySide(nn.Module):
    """A body and a small side network on the same input, their features side by side (Zhang et al., ECCV 2020)."""

    def __init__(self, body: nn.Module, channels: int) -> None:
        super().__init__()
        self.body = body
        layers: list[nn.Module] = []
        for width in SIDE_WIDTHS:
            layers += [nn.Conv2d(channels, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        self.side = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, h, w) to (batch, features + side, h', w'), at the body's resolution."""
        features = self.body(x)
        side = functional.adaptive_avg_pool2d(self.side(x), features.shape[2:])
        return torch.cat([features, side], dim=1)


class Tapped(nn.Module):
    """A body whose intermediate maps, pooled to the resolution of its result, lie beside it."""

    def __init__(self, body: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.body = body
        self.names = names

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, h, w) to (batch, features + taps, h', w')."""
        seen: dict[str, list[Tensor]] = {name: [] for name in self.names}
        hooks = [
            self.body.get_submodule(name).register_forward_hook(lambda _, __, out, name=name: seen[name].append(out))
            for name in self.names
        ]
        try:
            features = self.body(x)
        finally:
            for hook in hooks:
                hook.remove()
        maps = [joined(parts, len(x)) for parts in seen.values() if parts]
        taps = [functional.adaptive_avg_pool2d(each, features.shape[2:]) for each in maps]
        return torch.cat([features, *taps], dim=1)


def joined(parts: list[Tensor], samples: int) -> Tensor:
    """What a layer gave in one pass: its last result, or all of them where it saw the samples in chunks.

    Args:
        parts: results in order, samples first.
        samples: how many went in; a last chunk may have been filled up beyond them.
    """
    whole = parts[-1] if len(parts[-1]) >= samples else torch.cat(parts)
    return whole[:samples]


class Deepened(nn.Module):
    """A body followed by a residual pair of layers on its feature map."""

    def __init__(self, body: nn.Module, features: int) -> None:
        super().__init__()
        self.body = body
        self.more = nn.Sequential(
            nn.Conv2d(features, 2 * features, 3, 1, 1, bias=False),
            nn.BatchNorm2d(2 * features),
            nn.ReLU(),
            nn.Conv2d(2 * features, features, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """As the body's."""
        features: Tensor = self.body(x)
        result: Tensor = features + self.more(features)
        return result


def graft(name: str, network: Network, io: IOSpec, seed: int) -> Network | None:
    """A network with a part added; None where there is nothing to add to.

    Args:
        name: a key of `GRAFTS`.
        network: the released body under a fresh head; it becomes part of the result.
        io: what the target needs.
        seed: initialises what is added.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        body = _body_of(name, network, io)
        if body is None:
            return None
        with torch.no_grad():
            features = body.eval()(torch.zeros(2, *io.input_shape)).shape[1]
        return Network(body, features, io, network.pooling)


def _body_of(name: str, network: Network, io: IOSpec) -> nn.Module | None:
    if name == "side":
        return SideBySide(network.body, io.channels)
    if name == "deepen":
        return Deepened(network.body, network.features)
    names = tap_names(network.body, io)
    return Tapped(network.body, names) if names else None


def tap_names(body: nn.Module, io: IOSpec) -> tuple[str, ...]:
    """Up to `MOST_TAPS` modules with feature maps as results, evenly spread over the depth, each of another shape."""
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> None:
        def hook(module: nn.Module, inputs: object, result: object) -> None:
            if isinstance(result, Tensor) and result.dim() == 4 and result.shape[2] * result.shape[3] > 1:
                shapes[name] = tuple(result.shape[1:])

        hooks.append(body.get_submodule(name).register_forward_hook(hook))

    hooks: list[torch.utils.hooks.RemovableHandle] = []
    for name, module in body.named_modules():
        if name and isinstance(module, nn.Conv2d):
            note(name)
    try:
        with torch.no_grad():
            body.eval()(torch.zeros(2, *io.input_shape))
    finally:
        for handle in hooks:
            handle.remove()
    last_of_shape = {shape: name for name, shape in shapes.items()}
    names = sorted(last_of_shape.values(), key=list(shapes).index)
    if len(names) <= MOST_TAPS:
        return tuple(names)
    places = [round(place * (len(names) - 1) / (MOST_TAPS - 1)) for place in range(MOST_TAPS)]
    return tuple(names[place] for place in places)


GRAFTS = ("side", "taps", "deepen")
