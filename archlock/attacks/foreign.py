"""A stolen model of which nothing is known but that it is a torch module: its body is what feeds its last layer."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from archlock.attacks.foreign_edits import FOREIGN_EDITS
from archlock.attacks.foreign_head import find_head
from archlock.attacks.grafts import joined
from archlock.attacks.loot import HeadWeights
from archlock.errors import ModelError
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.network import Network


@dataclass(frozen=True, eq=False)
class ForeignModel:
    """A released model that archlock did not make.

    Attributes:
        network: (batch, channels, height, width) to the outputs of ``io``; trainable, and never changed here.
        io: what it takes and gives.
        head: dotted name of the layer that makes the outputs; see `find_head`.
        features: what goes into that layer.
    """

    network: nn.Module
    io: IOSpec
    head: str
    features: int

    @classmethod
    def of(cls, network: nn.Module, io: IOSpec) -> ForeignModel:
        """Find the head of a network.

        Raises:
            ModelError: it has none that can be exchanged, or does not take ``io``'s inputs.
        """
        head = find_head(network, io)
        layer = network.get_submodule(head)
        features = layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels
        return cls(network, io, head, int(features))  # type: ignore[arg-type]

    def original(self) -> nn.Module:
        """A copy of the model with its own head, in evaluation mode."""
        return deepcopy(self.network).eval()

    def head_weights(self) -> HeadWeights | None:
        """The head's weights; a 1x1 convolution is a linear layer at every place."""
        layer = self.network.get_submodule(self.head)
        state = {name: value.clone() for name, value in layer.state_dict().items()}
        state["weight"] = state["weight"].flatten(1)
        return state if state["weight"].shape[1] == self.features else None

    def rebuild(self, io: IOSpec, seed: int) -> Network:
        """A copy of the body with a fresh head.

        Raises:
            ModelError: another input shape than the model's.
        """
        if io.input_shape != self.io.input_shape:
            raise ModelError(f"the model takes inputs of {self.io.input_shape}, not {io.input_shape}")
        return self._headed(deepcopy(self.network), io, seed)

    def surgeries(self) -> tuple[str, ...]:
        """Edits of modules; see `archlock.attacks.foreign_edits`."""
        return tuple(FOREIGN_EDITS)

    def edited(self, name: str, io: IOSpec, seed: int) -> Network | None:
        """A copy with its modules edited; None where the edit finds nothing to do or the result does not run."""
        if name not in FOREIGN_EDITS:
            return None
        copy = deepcopy(self.network)
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                edited = FOREIGN_EDITS[name](copy, self.head, torch.zeros(2, *io.input_shape))
            if edited is None:
                return None
            model, head = edited
            return ForeignModel(model, self.io, head, self.features)._headed(model, io, seed)
        except Exception:  # shapes that no longer fit, which foreign modules say in as many ways as there are modules
            return None

    def _headed(self, network: nn.Module, io: IOSpec, seed: int) -> Network:
        body = TappedBody(network.requires_grad_(True), self.head, spatial=io.output is OutputKind.DENSE)
        with torch.no_grad():
            features = body.eval()(torch.zeros(2, *self.io.input_shape)).shape[1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Network(body, features, io)


class TappedBody(nn.Module):
    """A network up to its head: what goes into the head is the feature map.

    Args:
        network: is taken over and changed.
        head: dotted name of its last layer.
        spatial: give the last feature map of more than one place instead, where the network has one.
    """

    def __init__(self, network: nn.Module, head: str, *, spatial: bool = False) -> None:
        super().__init__()
        self.network = network
        self.tap = _Tap(network.get_submodule(head))
        parent, _, name = head.rpartition(".")
        setattr(network.get_submodule(parent), name, self.tap)
        self.spatial = spatial

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, features, h, w); h = w = 1 for pooled features."""
        maps: dict[nn.Module, list[Tensor]] = {}
        leaves = [module for module in self.network.modules() if self.spatial and not list(module.children())]
        hooks = [_watch(module, maps) for module in leaves]
        try:
            self.network(x)
        finally:
            for hook in hooks:
                hook.remove()
        taken = self.tap.taken()
        last = maps[next(reversed(maps))] if maps else taken
        return as_map(joined(last, len(x)))


def _watch(module: nn.Module, maps: dict[nn.Module, list[Tensor]]) -> torch.utils.hooks.RemovableHandle:
    """Keep the maps that a module gives; the one that gave one last comes last."""

    def keep(_: nn.Module, __: object, result: object) -> None:
        if isinstance(result, Tensor) and result.dim() == 4 and result.shape[2] * result.shape[3] > 1:
            maps[module] = [*maps.pop(module, []), result]

    return module.register_forward_hook(keep)


class _Tap(nn.Module):
    """In the head's place: keeps what comes in, and gives zeros of the head's shape to what follows."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.outputs = head.out_features if isinstance(head, nn.Linear) else head.out_channels
        self.linear = isinstance(head, nn.Linear)
        self._seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        """Zeros as the head's outputs."""
        self._seen.append(x)
        shape = (*x.shape[:-1], self.outputs) if self.linear else (x.shape[0], self.outputs, *x.shape[2:])
        return x.new_zeros(shape)

    def taken(self) -> list[Tensor]:
        """What came in since the last time, in order."""
        if not self._seen:
            raise ModelError("the model's last layer was not reached")
        seen, self._seen = self._seen, []
        return seen


def as_map(features: Tensor) -> Tensor:
    """Features of any rank as a map: (n, f) to (n, f, 1, 1), tokens (n, t, f) to (n, f, t, 1)."""
    if features.dim() == 2:
        return features[:, :, None, None]
    if features.dim() == 3:
        return features.transpose(1, 2)[:, :, :, None]
    return features
