"""Proxies of the feature maps of a random input: meco, and the three of AZ-NAS that are not a count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode

from archlock.proxies.blocks import Blocks, block_entropy, block_norm
from archlock.proxies.counting import CONVOLUTIONS
from archlock.proxies.evidence import DegenerateError, Evidence, Part
from archlock.proxies.proxy import ALL_FAMILIES, Proxy
from archlock.seeding import torch_generator

PARTS = frozenset({Part.CHANNELS, Part.BLOCKS})
"""What this pass gathers."""


class _Channels(TorchFunctionMode):
    """Notes the least eigenvalue of the channel correlations of each layer's output for the first sample."""

    def __init__(self, batch: int) -> None:
        super().__init__()
        self.least: list[float] = []
        self._batch = batch

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        if func in CONVOLUTIONS or func is functional.linear:
            rows = _channel_rows(output.detach(), self._batch, last=func is functional.linear)
            if rows is not None:
                self.least.append(_least_correlation(rows))
        return output


def _channel_rows(output: Tensor, batch: int, last: bool) -> Tensor | None:
    """Channels of the first sample; shape (channels, positions), None where there are not two of each."""
    if output.dim() < 3 or output.shape[0] % batch:
        return None
    first = output.reshape(batch, -1, output.shape[-1])[0].T if last else output[0].flatten(1)
    return first if min(first.shape) > 1 else None


def _least_correlation(rows: Tensor) -> float:
    """Least eigenvalue of the correlation matrix of rows; a row without variance is correlated with nothing, 0."""
    channels, positions = rows.shape
    if channels >= positions:
        return 0.0  # centring leaves fewer directions than channels
    centred = rows.double() - rows.double().mean(dim=1, keepdim=True)
    unit = functional.normalize(centred, dim=1)
    return max(0.0, float(torch.linalg.eigvalsh(unit @ unit.T)[0]))


def gather_feature_maps(evidence: Evidence, modules: Sequence[nn.Module], parts: frozenset[Part]) -> None:
    """One forward pass of standard normal inputs of the batch's shape, and a backward pass through each block.

    Raises:
        DegenerateError: the inputs are not real numbers, so that there is no normal input.
    """
    if not evidence.inputs.is_floating_point():
        raise DegenerateError("normal inputs need a network of real inputs")
    generator = torch_generator(0, "proxies", "feature maps")
    inputs = torch.randn(evidence.inputs.shape, generator=generator).to(evidence.inputs)
    channels = _Channels(len(inputs))
    blocks = Blocks(modules[0], len(inputs))
    with torch.set_grad_enabled(Part.BLOCKS in parts), parametrize.cached(), channels, blocks:
        modules[0](inputs)
    evidence.least_correlations = channels.least
    if Part.BLOCKS in parts:
        evidence.block_entropies = [block_entropy(features) for features in blocks.features]
        norms = [block_norm(before, after, generator) for before, after in pairwise(blocks.features)]
        evidence.block_norms = [norm for norm in norms if norm is not None]


def meco(evidence: Evidence) -> float:
    """Sum over layers of the least eigenvalue of the correlation matrix of a random input's feature maps.

    Layers are convolutions and linear layers with at least two channels and two positions; the input is the first of
    a batch of standard normal ones, whose statistics batch norm uses.

    Raises:
        DegenerateError: no layer has two channels and two positions; or every layer that has them has as many
            channels as positions or more, or a constant channel.
    """
    if not evidence.least_correlations:
        raise DegenerateError("no layer's output has two channels and two positions")
    total = sum(evidence.least_correlations)
    if total == 0:
        raise DegenerateError("every layer has at least as many channels as positions, or a constant channel")
    return total


def az_expressivity(evidence: Evidence) -> float:
    """Sum over blocks of the entropy of their features' principal components."""
    return sum(_entropies(evidence, 1))


def az_progressivity(evidence: Evidence) -> float:
    """Least increase of that entropy from one block to the next."""
    entropies = _entropies(evidence, 2)
    return min(after - before for before, after in pairwise(entropies))


def az_trainability(evidence: Evidence) -> float:
    """Mean over blocks of 2 - s - 1 / s, s the spectral norm of the block's mean Jacobian; 0 at best.

    Raises:
        DegenerateError: no gradient passes from one block to the one before it.
    """
    norms = evidence.block_norms
    if not norms or min(norms) <= 0:
        raise DegenerateError("no gradient passes from one block to the one before")
    return sum(2 - norm - 1 / norm for norm in norms) / len(norms)


def _entropies(evidence: Evidence, least: int) -> list[float]:
    if len(evidence.block_entropies) < least:
        raise DegenerateError(f"fewer than {least} blocks give a feature map")
    return evidence.block_entropies


_AZ_NAS = "Lee and Ham, AZ-NAS, CVPR 2024, section 3"


def _block_proxy(name: str, description: str, compute: Callable[[Evidence], float], unit: str) -> Proxy:
    return Proxy(
        name=name,
        better="higher",
        needs=frozenset({"backward"}),
        valid_for=ALL_FAMILIES,
        unit=unit,
        source=_AZ_NAS,
        description=description,
        parts=frozenset({Part.BLOCKS}),
        compute=compute,
    )


PROXIES = (
    Proxy(
        name="meco",
        better="higher",
        needs=frozenset(),
        valid_for=frozenset({"cnn", "hybrid"}),
        unit="",
        source="Jiang et al., MeCo, NeurIPS 2023",
        description="least eigenvalue of the channels' correlations, summed over layers",
        parts=frozenset({Part.CHANNELS}),
        compute=meco,
    ),
    _block_proxy("az_expressivity", "entropy of the features' principal components", az_expressivity, "nat"),
    _block_proxy("az_progressivity", "least gain of that entropy from block to block", az_progressivity, "nat"),
    _block_proxy("az_trainability", "how near the blocks' Jacobians are to norm one", az_trainability, ""),
)
