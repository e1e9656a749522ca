"""Proxies of the gradients of single samples: ntk, gradsign and vkdnw, from one forward pass."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from archlock.proxies.evidence import DegenerateError, Evidence, Part
from archlock.proxies.layers import scored_weights
from archlock.proxies.proxy import ALL_FAMILIES, Proxy
from archlock.proxies.sample_gradients import SampleRecorder

PARTS = frozenset({Part.TANGENTS, Part.SIGNS, Part.INFORMATION})
"""What this pass gathers."""

_DECILES = 9


def gather_tangents(evidence: Evidence, modules: Sequence[nn.Module], parts: frozenset[Part]) -> None:
    """One forward pass, and backward passes of the outputs, the loss and each class, as far as they are asked for.

    Raises:
        DegenerateError: outputs without gradient or not finite, or a layer whose samples cannot be told apart.
    """
    with parametrize.cached():
        weights = scored_weights(modules)
        recorder = SampleRecorder(len(evidence.inputs), weights)
        with recorder:
            outputs = modules[0](evidence.inputs.clone())
        if not isinstance(outputs, Tensor) or not outputs.requires_grad or not weights:
            raise DegenerateError("the outputs do not depend on the weight of any convolution or linear layer")
        if not bool(torch.isfinite(outputs.detach()).all()):
            raise DegenerateError("the outputs are not finite")
        if Part.TANGENTS in parts:
            evidence.tangent_gram = _gram(recorder, outputs, weights)
        if Part.SIGNS in parts:
            evidence.sign_agreement = _agreement(recorder, evidence.loss(outputs, evidence.targets), weights)
        if Part.INFORMATION in parts:
            _gather_information(evidence, recorder, outputs, weights)


def _gram(recorder: SampleRecorder, outputs: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """Inner products of the samples' gradients of their summed outputs; shape (batch, batch), float64."""
    gram = torch.zeros(len(outputs), len(outputs), dtype=torch.float64, device=outputs.device)

    def add(_: int, rows: Tensor) -> None:
        precise = rows.double()
        gram.addmm_(precise, precise.T)

    recorder.backward(outputs.sum(), weights, add)
    return gram


def _agreement(recorder: SampleRecorder, loss: Tensor, weights: Sequence[Tensor]) -> float:
    """Sum over weights of |sum over samples of sign(gradient)|; the scale of the loss does not matter."""
    sums: list[Tensor] = []
    recorder.backward(loss, weights, lambda _, rows: sums.append(rows.sign().sum(dim=0).abs().sum().double()))
    return float(torch.stack(sums).sum()) if sums else 0.0


def _gather_information(
    evidence: Evidence, recorder: SampleRecorder, outputs: Tensor, weights: Sequence[Tensor]
) -> None:
    """Eigenvalues of the Fisher information of the first weight of each layer, for a softmax of the outputs."""
    if outputs.dim() != 2 or outputs.shape[1] < 2:
        evidence.failures[Part.INFORMATION] = "the outputs are not logits of two or more classes"
        return
    batch, classes = outputs.shape
    jacobian = torch.zeros(batch, classes, len(weights), dtype=torch.float64, device=outputs.device)
    for index in range(classes):

        def fill(position: int, rows: Tensor, index: int = index) -> None:
            jacobian[:, index, position] = rows.double()

        recorder.backward(outputs[:, index].sum(), weights, fill, first_only=True)
    share = outputs.detach().double().softmax(dim=1)
    centred = jacobian - (share[:, :, None] * jacobian).sum(dim=1, keepdim=True)
    root = (centred * share.sqrt()[:, :, None]).reshape(batch * classes, -1) / batch**0.5
    evidence.information = torch.linalg.eigvalsh(root.T @ root).clamp_min(0)


def ntk(evidence: Evidence) -> float:
    """Natural logarithm of the condition number of the neural tangent kernel of the batch.

    The kernel's entry (i, j) is the inner product of the gradients of the summed outputs of samples i and j with
    respect to the weights of convolutions and linear layers. Its order is that of the condition
    number; lower is better.

    Raises:
        DegenerateError: fewer than two samples, or a kernel that is singular up to rounding.
    """
    gram = evidence.tangent_gram
    if gram is None or len(gram) < 2:
        raise DegenerateError("a condition number needs at least two samples")
    eigenvalues = torch.linalg.eigvalsh(gram)
    least, greatest = float(eigenvalues[0]), float(eigenvalues[-1])
    if not least > greatest * len(gram) * torch.finfo(evidence.weights[0].dtype).eps:
        raise DegenerateError("the gradients of the samples are linearly dependent up to rounding")
    return float((eigenvalues[-1] / eigenvalues[0]).log())


def gradsign(evidence: Evidence) -> float:
    """Sum over weights of |sum over samples of the sign of the loss gradient| (Zhang and Jia, algorithm 1).

    Raises:
        DegenerateError: every weight's sum of signs is zero.
    """
    if evidence.sign_agreement == 0:
        raise DegenerateError("the gradient of the loss is zero, or its signs cancel, for every weight")
    return evidence.sign_agreement


def vkdnw(evidence: Evidence) -> float:
    """Number of layers, plus the entropy of the deciles of the Fisher information's eigenvalues in nat.

    The information is that of the first weight of each layer, as many samples as the batch has; the deciles are
    divided by their sum. The entropy is at most log 9, so that it orders networks of about equally many layers.

    Raises:
        DegenerateError: no gradient reaches a layer, or all deciles of the eigenvalues are zero.
    """
    if evidence.information is None:
        raise DegenerateError("there is no Fisher information")
    levels = torch.arange(1, _DECILES + 1, dtype=torch.float64, device=evidence.information.device) / (_DECILES + 1)
    deciles = torch.quantile(evidence.information, levels)
    if not float(deciles.sum()) > 0:
        raise DegenerateError("the deciles of the Fisher information's eigenvalues are zero")
    return len(evidence.weights) + float(torch.special.entr(deciles / deciles.sum()).sum())


PROXIES = (
    Proxy(
        name="ntk",
        better="lower",
        needs=frozenset({"backward", "data"}),
        valid_for=ALL_FAMILIES,
        unit="nat",
        source="Chen et al., TE-NAS, ICLR 2021, section 3.1.1",
        description="log condition number of the neural tangent kernel, batch statistics held fixed",
        parts=frozenset({Part.TANGENTS}),
        compute=ntk,
    ),
    Proxy(
        name="gradsign",
        better="higher",
        needs=frozenset({"labels", "backward", "data"}),
        valid_for=ALL_FAMILIES,
        unit="",
        source="Zhang and Jia, GradSign, ICLR 2022",
        description="agreement in sign of the samples' loss gradients, summed over weights",
        parts=frozenset({Part.SIGNS}),
        compute=gradsign,
    ),
    Proxy(
        name="vkdnw",
        better="higher",
        needs=frozenset({"backward", "data"}),
        valid_for=ALL_FAMILIES,
        unit="",
        source="Tybl and Neumann, Variance of Knowledge of Deep Network Weights, CVPR 2025",
        description="layers, plus the evenness of the Fisher information's eigenvalues",
        parts=frozenset({Part.INFORMATION}),
        compute=vkdnw,
    ),
)
