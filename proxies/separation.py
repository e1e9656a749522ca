"""Proxies of how well an untrained network tells the samples of a batch apart: jacov and nwot."""

from __future__ import annotations

import torch

from archlock.proxies.evidence import DegenerateError, Evidence, Part
from archlock.proxies.proxy import ALL_FAMILIES, Proxy

_STABILISER = 1e-5
"""k of Mellor et al., arXiv 2006.04647v1, section 3."""


def jacov(evidence: Evidence) -> float:
    """-sum(log(v + k) + 1 / (v + k)) over eigenvalues v of the correlation of the samples' input gradients, k = 1e-5.

    The gradient is that of the summed outputs with respect to each input.
    """
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
    unit = centred / norms
    eigenvalues = torch.linalg.eigvalsh(unit @ unit.T).clamp_min(0) + _STABILISER
    return -float((eigenvalues.log() + 1 / eigenvalues).sum())


def nwot(evidence: Evidence) -> float:
    """Log |K|, where K[i, j] counts the units that are both active or both inactive for samples i and j.

    A unit is active where the pre-activation of a ReLU is positive. For the other activations of
    `archlock.proxies.recording.RELU_LIKE` (GELU, SiLU, hardswish, ...) the sign of the pre-activation is used as well.
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
)
