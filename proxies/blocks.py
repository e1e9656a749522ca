"""The blocks of a network, their feature maps, and what AZ-NAS measures of them."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.hooks import RemovableHandle

from archlock.proxies.layers import SCORED_LAYERS

_ENOUGH = 4
"""Blocks below which the largest is taken apart: a body and a head are no chain."""

_CHAINS = (nn.Sequential, nn.ModuleList)


class Blocks:
    """Keeps the feature maps of a network's blocks while it runs, in the order of their first call.

    A block is a child of the network, sequences taken apart; where that gives fewer than four, the one of most parts
    is taken apart in turn. Outputs that are no feature maps (a head's) are left out.

    Attributes:
        features: each of shape (batch, channels, positions...) or (batch, tokens, channels).
    """

    def __init__(self, network: nn.Module, batch: int) -> None:
        self.features: list[Tensor] = []
        self._batch = batch
        self._blocks = _chain(network)
        self._handles: list[RemovableHandle] = []
        self._seen: set[int] = set()

    def __enter__(self) -> Blocks:
        self._handles = [block.register_forward_hook(self._note) for block in self._blocks]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _note(self, block: nn.Module, _: Any, output: Any) -> Any:
        if id(block) in self._seen or not isinstance(output, Tensor):
            return None
        self._seen.add(id(block))
        if output.dim() < 3 or output.shape[0] != self._batch or not output.is_floating_point():
            return None
        self.features.append(output)
        # What follows works on another tensor, so that an operator in place leaves this one as it is.
        return output.clone()


def _chain(network: nn.Module) -> list[nn.Module]:
    blocks = _children(network) or [network]
    while len(blocks) < _ENOUGH:
        sizes = [sum(1 for _ in block.modules()) for block in blocks]
        largest = sizes.index(max(sizes))
        if sizes[largest] == 1:
            break
        blocks[largest : largest + 1] = _children(blocks[largest]) or []
    return blocks


def _children(module: nn.Module) -> list[nn.Module]:
    """Direct parts that hold parts or are layers; sequences give theirs."""
    found: list[nn.Module] = []
    for child in module.children():
        if isinstance(child, _CHAINS):
            found += _children(child)
        elif isinstance(child, SCORED_LAYERS) or next(child.children(), None) is not None:
            found.append(child)
    return found


def _as_rows(features: Tensor) -> Tensor:
    """Shape (batch x positions, channels)."""
    return features.reshape(-1, features.shape[-1]) if features.dim() == 3 else features.movedim(1, -1).flatten(0, -2)


def block_entropy(features: Tensor) -> float:
    """Entropy in nat of the shares of variance of the features' principal components, 0 for constant features."""
    rows = _as_rows(features.detach()).double()
    centred = rows - rows.mean(dim=0)
    eigenvalues = torch.linalg.eigvalsh(centred.T @ centred).clamp_min(0)
    total = eigenvalues.sum()
    return float(torch.special.entr(eigenvalues / total).sum()) if bool(total > 0) else 0.0


def block_norm(before: Tensor, after: Tensor, generator: torch.Generator) -> float | None:
    """Spectral norm of the mean Jacobian of a block, None where the block does not follow the one before.

    A vector of random signs is sent back; its mean product with what arrives is the Jacobian of a position with
    respect to the patch below it, averaged over positions and samples.

    Args:
        before: feature map of the block before, with its graph.
        after: feature map of the block.
        generator: of the signs.
    """
    if not after.requires_grad or not before.requires_grad:
        return None
    signs = (torch.randint(0, 2, after.shape, generator=generator) * 2 - 1).to(after)
    (arrived,) = torch.autograd.grad(after, before, signs, retain_graph=True, allow_unused=True)
    if arrived is None:
        return None
    matched = _match(arrived, after)
    if matched is None:
        return None
    rows, sent = _as_rows(matched).double(), _as_rows(signs).double()
    norm = float(torch.linalg.matrix_norm(rows.T @ sent / len(sent), ord=2))
    return norm if math.isfinite(norm) else None


def _match(gradient: Tensor, after: Tensor) -> Tensor | None:
    """The gradient summed over the patch below each position of what came after, None where there is no such patch."""
    if gradient.dim() == after.dim() == 3:
        return gradient if gradient.shape[1] == after.shape[1] else None
    if gradient.dim() == 4 and after.dim() == 3:
        tokens = gradient.flatten(2).transpose(1, 2)
        return tokens if tokens.shape[1] == after.shape[1] else None
    if gradient.dim() != 4 or after.dim() != 4:
        return None
    ratio = (gradient.shape[2] / after.shape[2]) * (gradient.shape[3] / after.shape[3])
    return functional.adaptive_avg_pool2d(gradient, (after.shape[2], after.shape[3])) * ratio if ratio >= 1 else None
