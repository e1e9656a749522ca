"""Diagonal Fisher information of a network's filters, from exact per-sample gradients of its layers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from archlock.errors import ModelError
from archlock.predictors.head import Head


def fisher_layers(probe: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    """The layers whose filters are measured, in module order.

    Raises:
        ModelError: the probe has none.
    """
    layers = [module for module in probe.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    if not layers:
        raise ModelError("task embedding: the probe has no convolution or linear layer to take Fisher information of")
    return layers


def filter_fisher(probe: nn.Module, head: Head, inputs: Tensor, generator: torch.Generator, draws: int) -> Tensor:
    """Fisher information of each filter, averaged over its weights; shape (filters,), float64, not negative.

    F_f = mean over samples, drawn labels and weights w of filter f of (d log p(y | x) / d w)^2: the Task2Vec
    embedding of Achille et al., ICCV 2019, section 2, with the labels drawn from the probe and its head.

    Args:
        probe: inputs to a feature map (n, features, h, w).
        head: fitted on the probe's feature maps.
        inputs: shape (n, C, H, W).
        generator: draws the labels.
        draws: labels drawn per sample.
    """
    total = torch.zeros((), dtype=torch.float64)
    for chunk in inputs.split(64):
        with _recorded(probe) as records, torch.enable_grad():
            feature_map = probe(chunk)
        patches = [_patches(record) for record in records]
        for draw in range(draws):
            likelihood = head.drawn_log_likelihood(feature_map, generator)
            kept = draw < draws - 1
            gradients = torch.autograd.grad(likelihood, [r.output for r in records], retain_graph=kept)
            total = total + torch.cat([_squared(*pair) for pair in zip(patches, gradients, strict=True)])
    return total / (len(inputs) * draws)


def count_filters(probe: nn.Module, size: int) -> int:
    """Filters of the layers that take part where the probe is given (1, 3, size, size); see `fisher_layers`."""
    with _recorded(probe) as records, torch.enable_grad():
        probe(torch.zeros(1, 3, size, size))
    return sum(record.layer.weight.shape[0] for record in records)


@dataclass(frozen=True)
class Record:
    """One layer's input and output in one forward pass."""

    layer: nn.Conv2d | nn.Linear
    given: Tensor
    output: Tensor


@contextmanager
def _recorded(probe: nn.Module) -> Iterator[list[Record]]:
    """What each measured layer takes and gives while the context lasts, in the order of execution."""
    seen: list[Record] = []

    def record(layer: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        tracked = output if output.requires_grad else output.requires_grad_()
        seen.append(Record(layer, given[0].detach(), tracked))
        return tracked

    handles = [layer.register_forward_hook(record) for layer in fisher_layers(probe)]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _patches(record: Record) -> Tensor:
    """What each weight of a filter is multiplied by; shape (n, groups, weights per filter, positions)."""
    layer, given = record.layer, record.given
    if isinstance(layer, nn.Linear):
        return given.reshape(len(given), 1, -1, given.shape[-1]).mT
    if isinstance(layer.padding, str) or layer.padding_mode != "zeros":
        raise ModelError(f"task embedding: a probe with {layer.padding_mode} padding {layer.padding} is not known")
    columns = functional.unfold(given, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
    return columns.reshape(len(given), layer.groups, -1, columns.shape[-1])


def _squared(patches: Tensor, gradient: Tensor) -> Tensor:
    """Squared per-sample weight gradients, summed over samples and averaged per filter; shape (filters,)."""
    samples, groups, _, positions = patches.shape
    rows = (
        gradient
        if gradient.dim() == 4 and gradient[0, 0].numel() == positions
        else gradient.reshape(samples, positions, -1).mT
    )
    per_sample = rows.reshape(samples, groups, -1, positions) @ patches.mT
    return per_sample.square().mean(dim=-1).flatten(1).double().sum(dim=0)
