"""Gradients of the loss on two halves of the batch, and ZiCo, which compares them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from archlock.proxies.evidence import DegenerateError, Evidence, Part
from archlock.proxies.layers import scored_weights
from archlock.proxies.proxy import ALL_FAMILIES, Proxy

PARTS = frozenset({Part.HALVES})
"""What this pass gathers."""


def gather_halves(evidence: Evidence, modules: Sequence[nn.Module], parts: frozenset[Part]) -> None:
    """One forward and backward pass for each half of the batch; an odd sample is left out.

    Raises:
        DegenerateError: fewer than two samples, or a loss that has no gradient.
    """
    half = len(evidence.inputs) // 2
    if not half:
        raise DegenerateError("two batches need at least two samples")
    for rows in (slice(0, half), slice(half, 2 * half)):
        with parametrize.cached():
            outputs = modules[0](evidence.inputs[rows].clone())
            if not isinstance(outputs, Tensor):
                raise DegenerateError(f"the network returns a {type(outputs).__name__}, not a tensor")
            value = evidence.loss(outputs, evidence.targets[rows])
            weights = scored_weights(modules)
            if not weights or not value.requires_grad:
                raise DegenerateError("the loss does not depend on the weight of any convolution or linear layer")
            evidence.half_gradients.append(list(torch.autograd.grad(value, weights, allow_unused=True)))


def zico(evidence: Evidence) -> float:
    """Sum over layers of log(sum over weights of mean |g| / standard deviation of |g|), over two batches.

    The batches are the halves of the one given. Weights whose two gradients are equal in size have no finite ratio
    and are left out, and so are layers that have no others (no gradient reaches them).

    Raises:
        DegenerateError: the gradient is not finite, or differs in no layer between the two batches.
    """
    first, second = evidence.half_gradients
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    sums = [_inverse_variation(a.double().abs(), b.double().abs()) for a, b in pairs]
    if not all(bool(torch.isfinite(total)) for total in sums):
        raise DegenerateError("the gradient of the loss is not finite")
    layers = [total.log() for total in sums if bool(total > 0)]
    if not layers:
        raise DegenerateError("the gradient of the loss does not vary between batches in any layer")
    return float(torch.stack(layers).sum())


def _inverse_variation(first: Tensor, second: Tensor) -> Tensor:
    """Sum over weights of mean / standard deviation of two non-negative values each."""
    deviation = (first - second).abs() / 2
    mean = (first + second) / 2
    return torch.where(deviation > 0, mean / deviation, torch.zeros_like(mean)).sum()


PROXIES = (
    Proxy(
        name="zico",
        better="higher",
        needs=frozenset({"labels", "backward", "data"}),
        valid_for=ALL_FAMILIES,
        unit="nat",
        source="Li et al., ZiCo, ICLR 2023",
        description="log of the inverse coefficient of variation of gradients between two batches, summed over layers",
        parts=PARTS,
        compute=zico,
    ),
)
