"""Which layer of a foreign network gives its outputs: the one that a thief exchanges for a head of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from archlock.errors import ModelError
from archlock.iospec import IOSpec

HEADS = (nn.Linear, nn.Conv2d)
SCALES = (0.1, 1.0, 1.0, 3.0)
"""Sizes of the inputs that a network is probed with, in standard deviations."""


def find_head(network: nn.Module, io: IOSpec) -> str:
    """Dotted name of the layer whose result, and nothing else, decides the outputs.

    Two things are asked of it. Once its result is held, outputs are the same for inputs that have nothing in common:
    no symmetry of the network, such as one that only sees magnitudes, makes them so. And another result gives other
    outputs: a layer that is called and not read is no head.

    Raises:
        ModelError: the network fails on ``io``'s inputs, or no linear layer or convolution is such.
    """
    inputs = probes(io)
    for name in reversed(_called_once(network, io)):
        if _decides(network, name, inputs):
            return name
    raise ModelError("the model's outputs do not come from one linear layer or convolution: no head can be exchanged")


def _called_once(network: nn.Module, io: IOSpec) -> list[str]:
    """Layers that might be heads, in the order of their calls; one that sees the same samples twice is none."""
    example = torch.zeros(2, *io.input_shape)
    rows: dict[str, list[int]] = {}
    names = {module: name for name, module in network.named_modules() if isinstance(module, HEADS)}
    hooks = [
        module.register_forward_hook(lambda m, _, out: rows.setdefault(names[m], []).append(len(out)))
        for module in names
    ]
    try:
        with torch.no_grad():
            network.eval()(example)
    except Exception as error:  # foreign modules fail in as many ways as there are modules
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"the model fails on an input of shape {io.input_shape}: {reason}") from None
    finally:
        for hook in hooks:
            hook.remove()
    # A network of a fixed batch is called once per chunk of the samples.
    return [name for name, calls in rows.items() if len(calls) == 1 or max(calls) < len(example)]


def probes(io: IOSpec) -> Tensor:
    """Inputs of several sizes and none the mirror of another, shape (4, channels, height, width)."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(len(SCALES), *io.input_shape, generator=generator)
    brightness = torch.tensor([0.0, 0.0, 1.0, -1.0])
    return drawn * _each(torch.tensor(SCALES)) + _each(brightness)


def _each(values: Tensor) -> Tensor:
    return values[:, None, None, None]


def _decides(network: nn.Module, name: str, inputs: Tensor) -> bool:
    """Whether outputs follow a layer's result and nothing else."""
    with torch.no_grad():
        with _held(network.get_submodule(name), 0.0):
            silent = network(inputs)
        with _held(network.get_submodule(name), 1.0):
            spoken = network(inputs)
    same = torch.allclose(silent, silent[:1].expand_as(silent), equal_nan=True)
    return same and not torch.allclose(silent, spoken, equal_nan=True)


@contextmanager
def _held(layer: nn.Module, strength: float) -> Iterator[None]:
    """While it lasts, a layer gives every sample the same result: a fixed random one, times ``strength``."""

    def hold(_: nn.Module, __: object, result: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(1)
        return (strength * torch.randn(result.shape[1:], generator=generator)).to(result).expand_as(result).clone()

    hook = layer.register_forward_hook(hold)
    try:
        yield
    finally:
        hook.remove()
