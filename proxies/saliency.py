"""Proxies from the gradient of the loss: grad_norm, snip, plain, fisher and grasp.

Sums run over the weights of convolutions and linear layers, as in Abdelfattah et al., Zero-Cost Proxies for
Lightweight NAS, ICLR 2021, and its public implementation, of which these are independent re-implementations.
"""

from __future__ import annotations

import torch

from archlock.proxies.evidence import DegenerateError, Evidence, Part
from archlock.proxies.proxy import ALL_FAMILIES, Family, Need, Proxy

_LABELLED: frozenset[Need] = frozenset({"labels", "backward", "data"})
_CONVOLUTIONAL: frozenset[Family] = frozenset({"cnn", "hybrid"})


def grad_norm(evidence: Evidence) -> float:
    """Sum over layers of the Euclidean norm of the weight gradient."""
    _, gradients = evidence.reached()
    return sum(float(torch.linalg.vector_norm(gradient, dtype=torch.float64)) for gradient in gradients)


def snip(evidence: Evidence) -> float:
    """Sum over weights of |w dL/dw|, the sensitivity to a mask on the weight (Lee et al., eq. 6, not normalised)."""
    weights, gradients = evidence.reached()
    pairs = zip(weights, gradients, strict=True)
    return sum(float(torch.linalg.vector_norm(w * g, ord=1, dtype=torch.float64)) for w, g in pairs)


def plain(evidence: Evidence) -> float:
    """Sum over weights of w dL/dw, signed.

    Layers followed by batch norm contribute zero up to rounding, because the loss does not depend on their scale.
    """
    weights, gradients = evidence.reached()
    return sum(float((w * g).sum(dtype=torch.float64)) for w, g in zip(weights, gradients, strict=True))


def fisher(evidence: Evidence) -> float:
    """Sum over layers and channels c of (weights of c) * mean over samples of (sum over positions of a dL/da)^2 / 2.

    Each channel's saliency counts once per weight of the channel, as the reference broadcasts it. The channel of a
    linear layer is its last dimension. The output projection inside `torch.nn.MultiheadAttention` is not seen.

    Raises:
        DegenerateError: the gradient reaches no layer's output, or is zero for all of them.
    """
    if evidence.salience is None:
        raise DegenerateError("no gradient of the loss reaches the output of a convolution or linear layer")
    salience = float(evidence.salience)
    if salience == 0:
        raise DegenerateError("the gradient of the loss is zero for every layer output")
    return salience


def grasp(evidence: Evidence) -> float:
    """-sum over weights of w (H g), H the Hessian of the loss and g its gradient over all layers' weights.

    How much a step of gradient flow would lose with each weight (Wang et al.), with the sign of Abdelfattah et
    al.: the greater, the more the weights keep up the gradient.

    Raises:
        DegenerateError: the gradient does not depend on the weights, as where the loss is linear in them.
    """
    evidence.reached()
    pairs = zip(evidence.weights, evidence.hessian_gradients, strict=True)
    products = [(w.detach() * hg).sum(dtype=torch.float64) for w, hg in pairs if hg is not None]
    if not products:
        raise DegenerateError("the gradient of the loss does not depend on the weights")
    return -float(torch.stack(products).sum())


PROXIES = (
    Proxy(
        name="grad_norm",
        better="higher",
        needs=_LABELLED,
        valid_for=ALL_FAMILIES,
        unit="",
        source="Abdelfattah et al., ICLR 2021, section 3.1",
        description="sum over layers of the norm of the loss gradient of the weights",
        parts=frozenset({Part.WEIGHT_GRADIENTS}),
        compute=grad_norm,
    ),
    Proxy(
        name="snip",
        better="higher",
        needs=_LABELLED,
        valid_for=ALL_FAMILIES,
        unit="",
        source="Lee et al., SNIP, ICLR 2019; Abdelfattah et al., ICLR 2021",
        description="sum over weights of |weight x loss gradient|",
        parts=frozenset({Part.WEIGHT_GRADIENTS}),
        compute=snip,
    ),
    Proxy(
        name="fisher",
        better="higher",
        needs=_LABELLED,
        valid_for=_CONVOLUTIONAL,
        unit="",
        source="Theis et al., arXiv 1801.05787, 2018; Turner et al., BlockSwap, ICLR 2020",
        description="Fisher information that would be lost with each channel's activation",
        parts=frozenset({Part.SALIENCE}),
        compute=fisher,
    ),
    Proxy(
        name="plain",
        better="higher",
        needs=_LABELLED,
        valid_for=ALL_FAMILIES,
        unit="",
        source="Mozer & Smolensky, Skeletonization, NeurIPS 1989; Abdelfattah et al., ICLR 2021",
        description="sum over weights of weight x loss gradient, signed",
        parts=frozenset({Part.WEIGHT_GRADIENTS}),
        compute=plain,
    ),
    Proxy(
        name="grasp",
        better="higher",
        needs=_LABELLED,
        valid_for=ALL_FAMILIES,
        unit="",
        source="Wang et al., GraSP, ICLR 2020; sign of Abdelfattah et al., ICLR 2021",
        description="-sum over weights of weight x Hessian-gradient product",
        parts=frozenset({Part.WEIGHT_GRADIENTS, Part.CURVATURE}),
        compute=grasp,
    ),
)
