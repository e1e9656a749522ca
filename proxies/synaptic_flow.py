"""Synaptic flow in the log domain: one sample of ones through a network of absolute weights, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode

from archlock.proxies.attention import attention_layers
from archlock.proxies.evidence import DegenerateError, Evidence, Part
from archlock.proxies.layers import scored_weights
from archlock.proxies.preserving import fixed_randomness, swapped
from archlock.proxies.scaled_flow import ScaledFlow, log_scale

PARTS = frozenset({Part.SYNAPTIC_FLOW, Part.LOGARITHMIC_FLOW, Part.ATTENTION_FLOW})
"""What this pass gathers."""

IDENTITIES: frozenset[Callable[..., Any]] = frozenset(
    {
        *(functional.dropout, functional.dropout1d, functional.dropout2d, functional.dropout3d),
        *(functional.alpha_dropout, functional.feature_alpha_dropout),
        *(functional.batch_norm, functional.layer_norm, functional.group_norm, functional.instance_norm),
        *(functional.rms_norm, functional.local_response_norm),
    }
)
"""Normalisations and dropout, which the flow passes unchanged."""

_UNUSED_WEIGHTS = frozenset({nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm})
"""Modules that do nothing but call an identity above, so that their own tensors need no absolute copy."""


class _PlainFlow(TorchFunctionMode):
    """Normalisations and dropout pass their input through."""

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in IDENTITIES:
            return args[0] if args else kwargs["input"]
        return func(*args, **kwargs)


class _RescaledFlow(ScaledFlow):
    """The same for magnitudes that float64 cannot hold."""

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in IDENTITIES:
            return args[0] if args else (kwargs or {})["input"]
        return super().__torch_function__(func, types, args, kwargs)


def gather_flow(evidence: Evidence, modules: Sequence[nn.Module], parts: frozenset[Part]) -> None:
    """Natural logarithm of sum |w * dR/dw| over the weights of convolutions and linear layers, and its variants.

    R is the sum of the outputs for one sample of ones when every parameter and buffer is replaced by its absolute value
    (Tanaka et al., NeurIPS 2020, with the sum of Abdelfattah et al., ICLR 2021). Normalisations of every kind act as
    the identity, as batch norm does in that reference, so that the flow stays positive; so does dropout. Where the flow
    leaves the range of float64 it is computed again with a logarithmic scale beside each tensor, so that it neither
    overflows nor vanishes.

    Raises:
        DegenerateError: no flow reaches the weights, or an operator that the scaled pass cannot follow.
    """
    attended: frozenset[int] = frozenset()
    if Part.ATTENTION_FLOW in parts:
        attended = attention_layers(modules, evidence.inputs)
        if not attended:
            evidence.failures[Part.ATTENTION_FLOW] = "the network has no attention"
            if parts == {Part.ATTENTION_FLOW}:
                return
    used = [module for module in modules if type(module) not in _UNUSED_WEIGHTS]
    with swapped(used, "_parameters", _absolute), swapped(used, "_buffers", _absolute):
        found = _flow(modules, evidence.inputs, _PlainFlow())
        if not (math.isfinite(found.total) and found.total > 0):
            found = _flow(modules, evidence.inputs, _RescaledFlow())
    if not math.isfinite(found.total):
        raise DegenerateError("the synaptic flow is not finite")
    if found.total <= 0:
        raise DegenerateError("no synaptic flow reaches the output")
    evidence.log_synaptic_flow = math.log(found.total) + found.log_scale
    if Part.LOGARITHMIC_FLOW in parts:
        evidence.logarithmic_flow = _logarithmic(found)
    if attended:
        evidence.log_attention_flow = _attention(found, attended)


@dataclass(frozen=True)
class _Flow:
    """Weights, their gradients divided by exp(log_scale), and the sum of their products likewise."""

    weights: list[Tensor]
    gradients: list[Tensor]
    positions: list[int]
    total: float
    log_scale: float


def _flow(modules: Sequence[nn.Module], inputs: Tensor, mode: TorchFunctionMode) -> _Flow:
    ones = torch.ones((1, *inputs.shape[1:]), dtype=torch.float64, device=inputs.device)
    with parametrize.cached(), fixed_randomness(modules):
        with mode:
            outputs = modules[0](ones)
        weights = scored_weights(modules)
    if not weights or not isinstance(outputs, Tensor) or not outputs.requires_grad:
        raise DegenerateError("the flow meets no convolution or linear layer")
    gradients = torch.autograd.grad(outputs.sum(), weights, allow_unused=True)
    reached = [(i, w.detach(), g) for i, (w, g) in enumerate(zip(weights, gradients, strict=True)) if g is not None]
    flows = [(weight * gradient).abs().sum() for _, weight, gradient in reached]
    total = float(torch.stack(flows).sum()) if flows else 0.0
    positions, used, found = [row[0] for row in reached], [row[1] for row in reached], [row[2] for row in reached]
    return _Flow(used, found, positions, total, log_scale(outputs))


def _logarithmic(flow: _Flow) -> float:
    """Sum of |w| log(1 + |dR/dw|), whatever the scale of the gradients."""
    zero = torch.zeros((), dtype=torch.float64)
    return sum(
        float((w.abs() * torch.logaddexp(g.abs().log() + flow.log_scale, zero.to(g))).sum())
        for w, g in zip(flow.weights, flow.gradients, strict=True)
    )


def _attention(flow: _Flow, attended: frozenset[int]) -> float:
    """Logarithm of the flow with a product of nuclear norms for each weight of attention."""
    total = 0.0
    for position, weight, gradient in zip(flow.positions, flow.weights, flow.gradients, strict=True):
        if position in attended:
            norms = (torch.linalg.matrix_norm(tensor.flatten(1), ord="nuc") for tensor in (weight, gradient))
            total += float(math.prod(map(float, norms)))
        else:
            total += float((weight * gradient).abs().sum())
    return math.log(total) + flow.log_scale


def _absolute(tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor.clone()
    magnitude = tensor.detach().to(torch.float64).abs()
    return nn.Parameter(magnitude) if isinstance(tensor, nn.Parameter) else magnitude
