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
    PATTERNS = "activation patterns"
    """Distinct patterns of units over the samples, from the forward pass."""
    CURVATURE = "Hessian-gradient product"
    """Hessian of the loss times its gradient, a second backward pass through the labelled one."""
    SYNAPTIC_FLOW = "synaptic flow"
    """Logarithm of the synaptic flow, one forward and backward pass of one sample of ones through |weights|."""
    LOGARITHMIC_FLOW = "logarithmic flow"
    """Synaptic flow with the logarithm of each gradient, from the pass of the synaptic flow."""
    ATTENTION_FLOW = "attention flow"
    """Synaptic flow with nuclear norms for the weights of attention, from the pass of the synaptic flow."""
    HALVES = "gradients of halves"
    """Gradient of the loss on each half of the batch, two passes of half the size."""
    TANGENTS = "gradients of samples"
    """Gram matrix of each sample's gradient of its summed outputs, batch statistics held fixed."""
    SIGNS = "gradient signs"
    """Agreement in sign of the samples' loss gradients, batch statistics held fixed."""
    INFORMATION = "Fisher spectrum"
    """Eigenvalues of the Fisher information of one weight per layer, one backward pass per class."""
    NOISE_RESPONSE = "noise response"
    """How far noise on a random input moves the features under random weights, two forward passes."""
    CHANNELS = "channel correlations"
    """Least eigenvalue of each layer's channel correlations, a forward pass of random inputs."""
    BLOCKS = "blocks"
    """Entropy of each block's features and norm of its Jacobian, the pass of the channel correlations and back."""


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
        hessian_gradients: Hessian of the loss times its gradient for each of ``weights``, or None likewise.
        pattern_count: distinct patterns of activation units over the samples.
        log_synaptic_flow: natural logarithm of the synaptic flow.
        logarithmic_flow: sum of |w| log(1 + |dR/dw|) over the weights, R the output of the synaptic flow.
        log_attention_flow: natural logarithm of the flow that is a nuclear norm in attention.
        half_gradients: gradients of the loss for each of ``weights``, on each half of the batch.
        tangent_gram: shape (batch, batch), float64, inner products of the samples' weight gradients.
        sign_agreement: sum over weights of |sum over samples of the sign of the loss gradient|.
        information: shape (layers,), eigenvalues of the Fisher information of each layer's first weight.
        log_noise_response: natural logarithm, normalisation scales added.
        least_correlations: per layer, the least eigenvalue of its channels' correlation matrix.
        block_entropies: per block, entropy of its features' principal components in nat.
        block_norms: per block after the first, spectral norm of its mean Jacobian.
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
    hessian_gradients: list[Tensor | None] = field(default_factory=list)
    pattern_count: int = 0
    log_synaptic_flow: float = 0.0
    logarithmic_flow: float = 0.0
    log_attention_flow: float = 0.0
    half_gradients: list[list[Tensor | None]] = field(default_factory=list)
    tangent_gram: Tensor | None = None
    sign_agreement: float = 0.0
    information: Tensor | None = None
    log_noise_response: float = 0.0
    least_correlations: list[float] = field(default_factory=list)
    block_entropies: list[float] = field(default_factory=list)
    block_norms: list[float] = field(default_factory=list)
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
