"""One forward pass and at most three backward passes that serve every proxy of the labelled batch at once.

Proxies of other inputs or other weights have passes of their own, each again shared by all that read it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils import parametrize

from archlock.errors import UsageError
from archlock.proxies import feature_maps, halves, noise_response, synaptic_flow, tangents
from archlock.proxies.evidence import DegenerateError, Evidence, Loss, Part
from archlock.proxies.layers import scored_weights
from archlock.proxies.preserving import fixed_randomness, training_mode
from archlock.proxies.recording import Recorder

Passing = Callable[[Evidence, Sequence[nn.Module], frozenset[Part]], None]
"""A pass fills its parts of the evidence, given the network's modules, the network first, in training mode."""

_BACKWARD = frozenset({Part.WEIGHT_GRADIENTS, Part.SALIENCE, Part.CURVATURE})
_DATA = _BACKWARD | {Part.MACS, Part.CODES, Part.PATTERNS, Part.INPUT_GRADIENTS}
_OTHER_PASSES: tuple[tuple[frozenset[Part], Passing], ...] = (
    (synaptic_flow.PARTS, synaptic_flow.gather_flow),
    (halves.PARTS, halves.gather_halves),
    (tangents.PARTS, tangents.gather_tangents),
    (noise_response.PARTS, noise_response.gather_noise_response),
    (feature_maps.PARTS, feature_maps.gather_feature_maps),
)
"""Passes of their own, each made only where one of its parts is asked for."""


def gather(network: nn.Module, inputs: Tensor, targets: Tensor, loss: Loss, parts: frozenset[Part]) -> Evidence:
    """Run the network as far as the asked parts need it, and leave it as it was.

    Args:
        network: any module with one tensor in and one tensor out.
        inputs: shape (batch, ...).
        targets: shape (batch, ...), as the loss takes them.
        loss: (outputs, targets) to a scalar.
        parts: what to gather; each pass is made only for those that need it.

    Returns:
        The evidence; a part that could not be had is in its ``failures``.

    Raises:
        UsageError: an empty batch, as many targets as inputs are not given, or inputs that are not finite.
    """
    _check_batch(inputs, targets)
    evidence = Evidence(network, inputs, targets, loss)
    with training_mode(network) as modules:
        with parametrize.cached():  # a parametrised weight is one tensor during one pass
            evidence.weights = scored_weights(modules)
            if parts & _DATA:
                _run_batch(evidence, parts)
        for served, run in _OTHER_PASSES:
            if parts & served:
                _attempt(run, evidence, modules, parts & served)
    return evidence


def _attempt(run: Passing, evidence: Evidence, modules: Sequence[nn.Module], parts: frozenset[Part]) -> None:
    """Make one pass from a fixed random state; if it fails, its parts say why."""
    try:
        with fixed_randomness(modules):
            run(evidence, modules, parts)
    except (DegenerateError, RuntimeError, ValueError) as error:
        evidence.failures |= {part: _sentence(error) for part in parts if part not in evidence.failures}


def _check_batch(inputs: Tensor, targets: Tensor) -> None:
    if inputs.dim() == 0 or len(inputs) == 0 or targets.dim() == 0 or len(targets) != len(inputs):
        raise UsageError(f"proxies: inputs of shape {tuple(inputs.shape)} with targets of shape {tuple(targets.shape)}")
    if inputs.is_floating_point() and not bool(torch.isfinite(inputs).all()):
        raise UsageError("proxies: the inputs hold NaN or infinite values")


def _run_batch(evidence: Evidence, parts: frozenset[Part]) -> None:
    """Fill everything that comes from the labelled batch; failures are noted for the parts they concern."""
    recorder = Recorder(len(evidence.inputs), parts, evidence.weights)
    wants_jacobian = Part.INPUT_GRADIENTS in parts and evidence.inputs.is_floating_point()
    leaf = evidence.inputs.detach().requires_grad_(wants_jacobian)
    try:
        with torch.set_grad_enabled(wants_jacobian or bool(parts & _BACKWARD)), _differentiable(parts), recorder:
            # A copy, so that a first operator that works in place meets neither a leaf nor the caller's data.
            outputs = evidence.network(leaf.clone())
        if not isinstance(outputs, Tensor):
            raise DegenerateError(f"the network returns a {type(outputs).__name__}, not a tensor")
    except (DegenerateError, RuntimeError, ValueError) as error:
        evidence.failures |= dict.fromkeys(_DATA, f"the forward pass failed: {_sentence(error)}")
        return
    evidence.mac_count = recorder.mac_count
    evidence.code_gram, evidence.code_bits = recorder.code_gram, recorder.code_bits
    evidence.pattern_count = recorder.patterns.count() if recorder.patterns is not None else 0
    if not bool(torch.isfinite(outputs.detach()).all()):
        evidence.failures |= dict.fromkeys(_DATA - {Part.MACS}, "the outputs are not finite")
        return
    if wants_jacobian:
        _backward_inputs(evidence, outputs, leaf, keep=bool(parts & _BACKWARD))
    if parts & _BACKWARD:
        _backward_loss(evidence, outputs, recorder, curved=Part.CURVATURE in parts)


def _differentiable(parts: frozenset[Part]) -> AbstractContextManager[None]:
    """Attention whose gradient has a gradient, where that is needed; torch's fused kernels have none."""
    if Part.CURVATURE in parts:
        return sdpa_kernel(SDPBackend.MATH)
    return nullcontext()


def _backward_inputs(evidence: Evidence, outputs: Tensor, leaf: Tensor, keep: bool) -> None:
    """Gradient of the summed outputs with respect to the inputs; the graph is kept where the loss still needs it."""
    if not outputs.requires_grad:
        return
    (evidence.input_gradients,) = torch.autograd.grad(outputs.sum(), leaf, retain_graph=keep, allow_unused=True)


def _backward_loss(evidence: Evidence, outputs: Tensor, recorder: Recorder, curved: bool) -> None:
    """Gradients of the loss; layer outputs add to the salience on the way."""
    try:
        value = evidence.loss(outputs, evidence.targets)
        if not bool(torch.isfinite(value.detach()).all()):
            raise DegenerateError("the loss is not finite")
        if not evidence.weights or not value.requires_grad:
            evidence.weight_gradients = [None] * len(evidence.weights)
            return
        recorder.listening = True
        found = torch.autograd.grad(value, evidence.weights, allow_unused=True, create_graph=curved)
        recorder.listening = False
        evidence.weight_gradients = [None if gradient is None else gradient.detach() for gradient in found]
        evidence.salience = recorder.salience
        if curved:
            _backward_gradient(evidence, found)
    except (DegenerateError, RuntimeError, ValueError) as error:
        evidence.failures |= dict.fromkeys(_BACKWARD, f"the backward pass failed: {_sentence(error)}")


def _backward_gradient(evidence: Evidence, gradients: Sequence[Tensor | None]) -> None:
    """Hessian times gradient, through the graph of the gradients; weights of a linear loss have none."""
    evidence.hessian_gradients = [None] * len(evidence.weights)
    curved = [gradient for gradient in gradients if gradient is not None and gradient.requires_grad]
    if curved:
        # One product after another: what comes out is the derivative of |gradient|^2 / 2.
        products = torch.autograd.grad(curved, evidence.weights, [g.detach() for g in curved], allow_unused=True)
        evidence.hessian_gradients = list(products)


def _sentence(error: Exception) -> str:
    """The first line of a message, for a reason."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
