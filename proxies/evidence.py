"""What the shared pass finds out about a network, and the parts of it that a proxy may ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from torch import Tensor, nn

Loss = Callable[[Tensor, Tensor], Tensor]


class Part(StrEnum):
    """A part of the shared pass; only the parts that the asked proxies use are gathered."""

    MACS = "macs"
    """Multiply-accumulates counted during the forward pass."""
    CODES = "codes"
    """Gram matrix of the binary activation codes, from the forward pass."""
    INPUT_GRADIENTS = "input gradients"
    """Gradient of the summed outputs with respect to the inputs, one backward pass without weight gradients."""
    WEIGHT_GRADIENTS = "weight gradients"
    """Gradient of the loss with respect to layer weights, the labelled backward pass."""
    SALIENCE = "channel salience"
    """Fisher salience of layer outputs, from the labelled backward pass."""
    SYNAPTIC_FLOW = "synaptic flow"
    """Logarithm of the synaptic flow, one forward and backward pass of one sample of ones through |weights|."""


class DegenerateError(Exception):
    """The network has no such score; the message is the reason. Never leaves this package."""


@dataclass
class Evidence:
    """Everything a proxy may look at.

    Attributes:
        network: the network itself, for proxies that read weights; it must not be changed.
        inputs, targets, loss: the labelled batch.
        weights: weight tensors of the convolutions and linear layers, in module order.
        weight_gradients: gradient of the loss for each of ``weights``; None for one that the loss does not reach.
        salience: Fisher salience, a scalar tensor.
        input_gradients: shape of ``inputs``.
        code_gram: shape (batch, batch), number of units active for both of two samples; float64.
        code_bits: units in a code.
        mac_count: multiply-accumulates of the batch.
        log_synaptic_flow: natural logarithm of the synaptic flow.
        failures: parts that could not be had, each with the reason.
    """

    network: nn.Module
    inputs: Tensor
    targets: Tensor
    loss: Loss
    weights: list[Tensor] = field(default_factory=list)
    weight_gradients: list[Tensor | None] = field(default_factory=list)
    salience: Tensor | None = None
    input_gradients: Tensor | None = None
    code_gram: Tensor | None = None
    code_bits: int = 0
    mac_count: int = 0
    log_synaptic_flow: float = 0.0
    failures: dict[Part, str] = field(default_factory=dict)

    def reached(self) -> tuple[list[Tensor], list[Tensor]]:
        """Weights that the loss reaches, and their gradients.

        Raises:
            DegenerateError: there are none, or every gradient is exactly zero.
        """
        pairs = [
            (weight.detach(), gradient)
            for weight, gradient in zip(self.weights, self.weight_gradients, strict=True)
            if gradient is not None
        ]
        if not pairs:
            raise DegenerateError("the loss does not depend on the weight of any convolution or linear layer")
        weights, gradients = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        if not any(bool(gradient.any()) for gradient in gradients):
            raise DegenerateError("the gradient of the loss is zero for every weight")
        return weights, gradients
