"""Zen: how far a little noise on a random input moves the features, under random weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from archlock.proxies.evidence import DegenerateError, Evidence, Part
from archlock.proxies.layers import SCORED_LAYERS, scored_weights
from archlock.proxies.preserving import swapped
from archlock.proxies.proxy import Proxy
from archlock.seeding import torch_generator

PARTS = frozenset({Part.NOISE_RESPONSE})
"""What this pass gathers."""

_NOISE = 0.01
"""alpha of Lin et al., algorithm 1."""

_MOMENTUM = 0.1
"""Of the running variance that each batch norm starts at one."""

_POOLS = frozenset(
    {functional.adaptive_avg_pool1d, functional.adaptive_avg_pool2d, functional.adaptive_avg_pool3d}
    | {torch.mean, Tensor.mean, functional.adaptive_max_pool2d, Tensor.amax, torch.amax}
)


class _Observer(TorchFunctionMode):
    """Notes the input of the last pooling and the variances that batch norm divides by.

    Attributes:
        features: input of the last call that pools a feature map, or None.
        variances: mean over channels of the batch's variance, of each batch norm that ran.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features: Tensor | None = None
        self.variances: list[float] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is functional.batch_norm:
            self._note(args[0] if args else kwargs["input"])
        elif func in _POOLS and args and args[0].dim() > 2:
            self.features = args[0]
        return func(*args, **kwargs)

    def _note(self, values: Tensor) -> None:
        self.variances.append(float(values.var(dim=[dim for dim in range(values.dim()) if dim != 1]).double().mean()))


def gather_noise_response(evidence: Evidence, modules: Sequence[nn.Module], parts: frozenset[Part]) -> None:
    """Two forward passes of random inputs of the batch's shape through the network with normal weights.

    Weights of layers are drawn from N(0, 1), their biases are zero, batch norm uses the batch; everything else stays.
    Draws come from a fixed seed. The features are what the last pooling takes, the outputs where nothing is pooled.

    Raises:
        DegenerateError: no batch norm ran, so that the scales that the score sums do not exist; or no difference.
    """
    generator = torch_generator(0, "proxies", "zen")
    drawn, shifts = {id(weight) for weight in scored_weights(modules)}, _biases(modules)

    def replace(tensor: Tensor) -> Tensor:
        if id(tensor) in drawn:
            return torch.randn(tensor.shape, generator=generator).to(tensor)
        return torch.zeros_like(tensor) if id(tensor) in shifts else tensor.detach()

    if not evidence.inputs.is_floating_point():
        raise DegenerateError("normal inputs need a network of real inputs")
    with torch.no_grad():
        base = torch.randn(evidence.inputs.shape, generator=generator)
        moved = base + _NOISE * torch.randn(evidence.inputs.shape, generator=generator)
        with swapped(modules, "_parameters", replace):
            (before, first), (after, second) = (
                _features(modules[0], inputs.to(evidence.inputs)) for inputs in (base, moved)
            )
    if not first.variances:
        raise DegenerateError("no batch norm ran; the score sums the scales that batch norm takes away")
    change = (before.double() - after.double()).flatten(1).norm(dim=1).mean()
    if not bool(change > 0) or not bool(torch.isfinite(change)):
        raise DegenerateError("noise on the input does not move the features by a finite amount")
    evidence.log_noise_response = float(change.log()) + log_scale(first.variances, second.variances)


def log_scale(first: Sequence[float], second: Sequence[float]) -> float:
    """Sum over batch norms of log sqrt of the running variance after two batches, begun at one.

    Args:
        first: of each batch norm, the mean over channels of the unbiased variance of the first batch.
        second: likewise, of the second.

    The paper's formula names the statistic, not whose; its authors, and the scores published since, read the running
    one. It keeps 0.81 of its start at one, so that a norm of vanishing variance adds next to nothing.
    """
    kept = 1 - _MOMENTUM
    running = (kept * (kept + _MOMENTUM * one) + _MOMENTUM * other for one, other in zip(first, second, strict=True))
    return sum(0.5 * math.log(variance) for variance in running)


def _features(network: nn.Module, inputs: Tensor) -> tuple[Tensor, _Observer]:
    observer = _Observer()
    with observer:
        outputs = network(inputs)
    features = outputs if observer.features is None else observer.features
    if not isinstance(features, Tensor):
        raise DegenerateError(f"the network returns a {type(features).__name__}, not a tensor")
    return features, observer


def _biases(modules: Sequence[nn.Module]) -> set[int]:
    layers = [module for module in modules if isinstance(module, SCORED_LAYERS)]
    return {id(layer.bias) for layer in layers if layer.bias is not None}


def zen(evidence: Evidence) -> float:
    """Log of the mean distance that noise of size 0.01 moves the features, plus the log scales of batch norms.

    A scale is the root of the mean running variance, begun at one, after the two batches, as the authors compute it.
    Skip connections stay; the paper computes its score of a network whose skips are taken out.
    """
    return evidence.log_noise_response


PROXIES = (
    Proxy(
        name="zen",
        better="higher",
        needs=frozenset(),
        valid_for=frozenset({"cnn", "hybrid"}),
        unit="nat",
        source="Lin et al., Zen-NAS, ICCV 2021, algorithm 1",
        description="log response of the features to noise on the input, batch norm's scales put back",
        parts=PARTS,
        compute=zen,
    ),
)
