"""Synaptic flow in the log domain: one sample of ones through a network of absolute weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from archlock.proxies.evidence import DegenerateError
from archlock.proxies.preserving import swapped

NORMALISATIONS: frozenset[Callable[..., Any]] = frozenset(
    {
        *(functional.batch_norm, functional.layer_norm, functional.group_norm, functional.instance_norm),
        *(functional.rms_norm, functional.local_response_norm),
    }
)


class _Linearised(TorchFunctionMode):
    """Normalisations pass their input through."""

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in NORMALISATIONS:
            return args[0] if args else kwargs["input"]
        return func(*args, **kwargs)


def log_synaptic_flow(network: nn.Module, inputs: Tensor) -> float:
    """Natural logarithm of sum |w * dR/dw| over the weights of convolutions and linear layers.

    R is the sum of the outputs for one sample of ones when every parameter and buffer is replaced by its absolute value
    (Tanaka et al., NeurIPS 2020, eq. 5 with the sum of Abdelfattah et al., ICLR 2021). Normalisations of every kind act
    as the identity, as batch norm does in the reference implementation, so that the flow stays positive.

    Args:
        network: in the block of `archlock.proxies.preserving.training_mode`.
        inputs: shape (batch, ...); only the shape of a sample and the device are used.

    Raises:
        DegenerateError: no flow reaches the weights, or it is not finite.
    """
    with swapped(network, "_parameters", _absolute), swapped(network, "_buffers", _absolute):
        sample = torch.ones((1, *inputs.shape[1:]), dtype=torch.float64, device=inputs.device)
        with _Linearised():
            outputs = network(sample)
        weights = _flow_weights(network)
        if not weights or not outputs.requires_grad:
            raise DegenerateError("the flow meets no convolution or linear layer")
        gradients = torch.autograd.grad(outputs.sum(), weights, allow_unused=True)
        flows = [(w.detach() * g).abs().sum() for w, g in zip(weights, gradients, strict=True) if g is not None]
    flow = float(torch.stack(flows).sum()) if flows else 0.0
    if not math.isfinite(flow):
        raise DegenerateError("the synaptic flow is not finite")
    if flow <= 0:
        raise DegenerateError("no synaptic flow reaches the output")
    return math.log(flow)


def _absolute(tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor.clone()
    magnitude = tensor.detach().to(torch.float64).abs()
    return nn.Parameter(magnitude) if isinstance(tensor, nn.Parameter) else magnitude


def _flow_weights(network: nn.Module) -> list[Tensor]:
    from archlock.proxies.shared_pass import SCORED_LAYERS

    found = {id(module.weight): module.weight for module in network.modules() if isinstance(module, SCORED_LAYERS)}
    return list(found.values())
