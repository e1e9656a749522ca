"""One forward pass and at most two backward passes that serve every data-dependent proxy at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from archlock.errors import UsageError
from archlock.proxies.evidence import DegenerateError, Evidence, Loss, Part
from archlock.proxies.layers import scored_weights
from archlock.proxies.preserving import training_mode
from archlock.proxies.recording import Recorder
from archlock.proxies.synaptic_flow import log_synaptic_flow

_BACKWARD = frozenset({Part.WEIGHT_GRADIENTS, Part.SALIENCE})
_DATA = frozenset(Part) - {Part.SYNAPTIC_FLOW}


def gather(network: nn.Module, inputs: Tensor, targets: Tensor, loss: Loss, parts: frozenset[Part]) -> Evidence:
    """Run the network as far as the asked parts need it, and leave it as it was.

    Args:
        network: any module with one tensor in and one tensor out.
        inputs: shape (batch, ...).
        targets: shape (batch, ...), as the loss takes them.
        loss: (outputs, targets) to a scalar.
        parts: what to gather.

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
        if Part.SYNAPTIC_FLOW in parts:
            try:
                evidence.log_synaptic_flow = log_synaptic_flow(modules, inputs)
            except (DegenerateError, RuntimeError, ValueError) as error:
                evidence.failures[Part.SYNAPTIC_FLOW] = _sentence(error)
    return evidence


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
        with torch.set_grad_enabled(wants_jacobian or bool(parts & _BACKWARD)), recorder:
            # A copy, so that a first operator that works in place meets neither a leaf nor the caller's data.
            outputs = evidence.network(leaf.clone())
        if not isinstance(outputs, Tensor):
            raise DegenerateError(f"the network returns a {type(outputs).__name__}, not a tensor")
    except (DegenerateError, RuntimeError, ValueError) as error:
        evidence.failures |= dict.fromkeys(_DATA, f"the forward pass failed: {_sentence(error)}")
        return
    evidence.mac_count = recorder.mac_count
    evidence.code_gram, evidence.code_bits = recorder.code_gram, recorder.code_bits
    if not bool(torch.isfinite(outputs.detach()).all()):
        evidence.failures |= dict.fromkeys(_DATA - {Part.MACS}, "the outputs are not finite")
        return
    if wants_jacobian:
        _backward_inputs(evidence, outputs, leaf, keep=bool(parts & _BACKWARD))
    if parts & _BACKWARD:
        _backward_loss(evidence, outputs, recorder)


def _backward_inputs(evidence: Evidence, outputs: Tensor, leaf: Tensor, keep: bool) -> None:
    """Gradient of the summed outputs with respect to the inputs; the graph is kept where the loss still needs it."""
    if not outputs.requires_grad:
        return
    (evidence.input_gradients,) = torch.autograd.grad(outputs.sum(), leaf, retain_graph=keep, allow_unused=True)


def _backward_loss(evidence: Evidence, outputs: Tensor, recorder: Recorder) -> None:
    """Gradients of the loss; layer outputs add to the salience on the way."""
    try:
        value = evidence.loss(outputs, evidence.targets)
        if not bool(torch.isfinite(value.detach()).all()):
            raise DegenerateError("the loss is not finite")
        if not evidence.weights or not value.requires_grad:
            evidence.weight_gradients = [None] * len(evidence.weights)
            return
        recorder.listening = True
        evidence.weight_gradients = list(torch.autograd.grad(value, evidence.weights, allow_unused=True))
    except (DegenerateError, RuntimeError, ValueError) as error:
        evidence.failures |= dict.fromkeys(_BACKWARD, f"the backward pass failed: {_sentence(error)}")
    evidence.salience = recorder.salience


def _sentence(error: Exception) -> str:
    """The first line of a message, for a reason."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
