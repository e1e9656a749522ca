"""Proxies of how well an untrained network tells samples apart: jacov, epe_nas, nwot, swap and linear_regions."""

from __future__ import annotations

import torch
from torch import Tensor

from archlock.proxies.evidence import DegenerateError, Evidence, Part
from archlock.proxies.proxy import ALL_FAMILIES, Proxy

_STABILISER = 1e-5
"""k of Mellor et al., arXiv 2006.04647v1, section 3."""

_MANY_CLASSES = 100
"""Threshold of Lopes et al. above which classes are compared with one another."""


def jacov(evidence: Evidence) -> float:
    """-sum(log(v + k) + 1 / (v + k)) over eigenvalues v of the correlation of the samples' input gradients, k = 1e-5.

    The gradient is that of the summed outputs with respect to each input.
    """
    unit = _unit_gradients(evidence)
    eigenvalues = torch.linalg.eigvalsh(unit @ unit.T).clamp_min(0) + _STABILISER
    return -float((eigenvalues.log() + 1 / eigenvalues).sum())


def epe_nas(evidence: Evidence) -> float:
    """Sum over classes of |sum of log(|c| + k)|, c the correlations of a class's input gradients, k = 1e-5.

    With more than 100 classes each inner sum is divided by its entries, and the score is the sum over pairs of classes
    of the difference, divided by the classes. Classes are those of the batch; one with a single sample adds nothing.

    Raises:
        DegenerateError: the targets are not classes.
    """
    if evidence.targets.dim() != 1 or evidence.targets.is_floating_point():
        raise DegenerateError("the targets are not classes")
    unit = _unit_gradients(evidence)
    sums, entries = [], []
    for label in evidence.targets.unique():
        members = unit[evidence.targets == label]
        logs = ((members @ members.T).abs().clamp_max(1) + _STABILISER).log()
        sums.append(float(logs.sum()))
        entries.append(logs.numel())
    if len(sums) <= _MANY_CLASSES:
        return sum(map(abs, sums))
    means = torch.tensor([total / count for total, count in zip(sums, entries, strict=True)], dtype=torch.float64)
    return float(torch.pdist(means[:, None], p=1).sum()) / len(sums)


def _unit_gradients(evidence: Evidence) -> Tensor:
    """Centred input gradients of length one; shape (batch, inputs), float64."""
    if evidence.input_gradients is None:
        raise DegenerateError("the outputs do not depend on the inputs")
    rows = evidence.input_gradients.flatten(1).double()
    if len(rows) < 2:
        raise DegenerateError("a correlation needs at least two samples")
    centred = rows - rows.mean(dim=1, keepdim=True)
    norms = centred.norm(dim=1, keepdim=True)
    # A constant row leaves rounding noise after centring; its correlation would be that of the noise.
    noise = 4 * torch.finfo(evidence.input_gradients.dtype).eps
    if bool((norms <= noise * rows.norm(dim=1, keepdim=True)).any()):
        raise DegenerateError("the input gradient of a sample is constant")
    unit: Tensor = centred / norms
    return unit


def nwot(evidence: Evidence) -> float:
    """Log |K|, where K[i, j] counts the units that are both active or both inactive for samples i and j.

    A unit is active where the pre-activation of a ReLU is positive. For the other activations of
    `archlock.proxies.recording.RELU_LIKE` (GELU, SiLU, hardswish, ...) the sign of the pre-activation is used as well.

    Raises:
        DegenerateError: no ReLU-like activation was called, or K is singular, as where two samples share a code.
    """
    if evidence.code_gram is None:
        raise DegenerateError("no ReLU-like activation was called")
    active = evidence.code_gram.diagonal()
    agreement = 2 * evidence.code_gram - active[:, None] - active[None, :] + evidence.code_bits
    factor, failed = torch.linalg.cholesky_ex(agreement)
    pivots = factor.diagonal()
    rounding = (evidence.code_bits * len(active) * torch.finfo(torch.float64).eps) ** 0.5
    if bool(failed) or bool((pivots <= rounding).any()):
        raise DegenerateError("the activation codes of the batch are linearly dependent")
    return 2 * float(pivots.log().sum())


def swap(evidence: Evidence) -> float:
    """Distinct sample-wise activation patterns: over all units, which samples of the batch switch the unit on.

    Raises:
        DegenerateError: no ReLU-like activation was called.
    """
    if not evidence.pattern_count:
        raise DegenerateError("no ReLU-like activation was called")
    return float(evidence.pattern_count)


def linear_regions(evidence: Evidence) -> float:
    """Distinct linear regions that the samples of the batch fall into: samples whose codes of all units differ.

    At most the number of samples, which wide networks reach; it tells only narrow networks or very large batches apart.

    Raises:
        DegenerateError: no ReLU-like activation was called.
    """
    if evidence.code_gram is None:
        raise DegenerateError("no ReLU-like activation was called")
    active = evidence.code_gram.diagonal()
    distances = active[:, None] + active[None, :] - 2 * evidence.code_gram
    earlier = torch.tril(distances == 0, diagonal=-1).any(dim=1)
    return float((~earlier).sum())


PROXIES = (
    Proxy(
        name="jacov",
        better="higher",
        needs=frozenset({"backward", "data"}),
        valid_for=ALL_FAMILIES,
        unit="",
        source="Mellor et al., Neural Architecture Search without Training, arXiv 2006.04647v1, 2020",
        description="how uncorrelated the input gradients of different samples are",
        parts=frozenset({Part.INPUT_GRADIENTS}),
        compute=jacov,
    ),
    Proxy(
        name="epe_nas",
        better="higher",
        needs=frozenset({"labels", "backward", "data"}),
        valid_for=ALL_FAMILIES,
        unit="",
        source="Lopes et al., EPE-NAS, ICANN 2021, arXiv 2102.08099",
        description="how correlated the input gradients are within each class, in logarithms",
        parts=frozenset({Part.INPUT_GRADIENTS}),
        compute=epe_nas,
    ),
    Proxy(
        name="nwot",
        better="higher",
        needs=frozenset({"data"}),
        valid_for=ALL_FAMILIES,
        unit="nat",
        source="Mellor et al., Neural Architecture Search without Training, ICML 2021 (arXiv 2006.04647v3)",
        description="log determinant of the agreement of the samples' binary activation codes",
        parts=frozenset({Part.CODES}),
        compute=nwot,
    ),
    Proxy(
        name="swap",
        better="higher",
        needs=frozenset({"data"}),
        valid_for=ALL_FAMILIES,
        unit="patterns",
        source="Peng et al., SWAP-NAS, ICLR 2024, without regularisation",
        description="distinct patterns over the samples of the activation units",
        parts=frozenset({Part.PATTERNS}),
        compute=swap,
    ),
    Proxy(
        name="linear_regions",
        better="higher",
        needs=frozenset({"data"}),
        valid_for=ALL_FAMILIES,
        unit="regions",
        source="Chen et al., TE-NAS, ICLR 2021, section 3.1.2",
        description="distinct linear regions that the samples fall into",
        parts=frozenset({Part.CODES}),
        compute=linear_regions,
    ),
)
