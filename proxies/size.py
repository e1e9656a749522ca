"""Proxies that need no labels and no gradients of data: counts, l2_norm, synflow and its variants."""

from __future__ import annotations

import torch

from archlock.proxies.evidence import DegenerateError, Evidence, Part
from archlock.proxies.proxy import ALL_FAMILIES, Family, Proxy

_CONVOLUTIONAL: frozenset[Family] = frozenset({"cnn", "hybrid"})


def params(evidence: Evidence) -> float:
    """Number of parameters, a shared one counted once."""
    return float(sum(weight.numel() for weight in evidence.network.parameters()))


def macs(evidence: Evidence) -> float:
    """Multiply-accumulates per sample of convolutions, linear layers, matrix products and attention.

    Raises:
        DegenerateError: no convolution, linear layer or matrix product ran.
    """
    if evidence.mac_count == 0:
        raise DegenerateError("the network multiplies nothing: no convolution, linear layer or matrix product ran")
    return evidence.mac_count / len(evidence.inputs)


def l2_norm(evidence: Evidence) -> float:
    """Sum over convolutions and linear layers of the Euclidean norm of the weight.

    Raises:
        DegenerateError: the network has neither convolution nor linear layer.
    """
    if not evidence.weights:
        raise DegenerateError("the network has no convolution or linear layer")
    return sum(float(torch.linalg.vector_norm(w.detach(), dtype=torch.float64)) for w in evidence.weights)


def synflow(evidence: Evidence) -> float:
    """Natural logarithm of the synaptic flow; see `archlock.proxies.synaptic_flow`."""
    return evidence.log_synaptic_flow


def layers(evidence: Evidence) -> float:
    """Number of convolutions and linear layers, those that share a weight counted once."""
    return float(len(evidence.weights))


def logsynflow(evidence: Evidence) -> float:
    """Sum over weights of |w| log(1 + |dR/dw|), R the output of the synaptic flow."""
    return evidence.logarithmic_flow


def dss(evidence: Evidence) -> float:
    """Natural logarithm of the synaptic diversity of attention plus the synaptic saliency of all other layers.

    In the pass of the synaptic flow (normalisations left out), a weight of attention counts the product of the nuclear
    norms of itself and of its gradient, any other the sum of |w dR/dw|.
    """
    return evidence.log_attention_flow


PROXIES = (
    Proxy(
        name="l2_norm",
        better="higher",
        needs=frozenset(),
        valid_for=ALL_FAMILIES,
        unit="",
        source="Abdelfattah et al., ICLR 2021, public implementation",
        description="sum over layers of the norm of the weights",
        parts=frozenset(),
        compute=l2_norm,
    ),
    Proxy(
        name="synflow",
        better="higher",
        needs=frozenset({"backward"}),
        valid_for=_CONVOLUTIONAL,
        unit="nat",
        source="Tanaka et al., Pruning neural networks without any data, NeurIPS 2020; Abdelfattah et al., ICLR 2021",
        description="log of the flow of ones through the absolute weights, normalisations left out",
        parts=frozenset({Part.SYNAPTIC_FLOW}),
        compute=synflow,
    ),
    Proxy(
        name="params",
        better="higher",
        needs=frozenset(),
        valid_for=ALL_FAMILIES,
        unit="parameters",
        source="count; baseline of White et al., NAS-Bench-Suite-Zero, NeurIPS 2022",
        description="number of parameters",
        parts=frozenset(),
        compute=params,
    ),
    Proxy(
        name="macs",
        better="higher",
        needs=frozenset(),
        valid_for=ALL_FAMILIES,
        unit="MAC/sample",
        source="count; baseline of White et al., NAS-Bench-Suite-Zero, NeurIPS 2022 ('flops')",
        description="multiply-accumulates of one sample's forward pass",
        parts=frozenset({Part.MACS}),
        compute=macs,
    ),
    Proxy(
        name="layers",
        better="higher",
        needs=frozenset(),
        valid_for=ALL_FAMILIES,
        unit="layers",
        source="count; the depth term of Tybl and Neumann, CVPR 2025",
        description="number of convolutions and linear layers",
        compute=layers,
    ),
    Proxy(
        name="logsynflow",
        better="higher",
        needs=frozenset({"backward"}),
        valid_for=_CONVOLUTIONAL,
        unit="",
        source="Cavagnero et al., FreeREA, WACV 2023",
        description="synaptic flow with the logarithm of each gradient",
        parts=frozenset({Part.LOGARITHMIC_FLOW}),
        compute=logsynflow,
    ),
    Proxy(
        name="dss",
        better="higher",
        needs=frozenset({"backward"}),
        valid_for=frozenset({"vit", "hybrid"}),
        unit="nat",
        source="Zhou et al., Training-free Transformer Architecture Search, CVPR 2022",
        description="log of the synaptic diversity of attention plus the saliency of other layers",
        parts=frozenset({Part.ATTENTION_FLOW}),
        compute=dss,
    ),
)
