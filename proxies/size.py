"""Proxies that need no labels and no gradients of data: params, macs, l2_norm and synflow."""

from __future__ import annotations

import torch

from archlock.proxies.evidence import DegenerateError, Evidence, Part
from archlock.proxies.proxy import ALL_FAMILIES, Family, Proxy

_CONVOLUTIONAL: frozenset[Family] = frozenset({"cnn", "hybrid"})


def params(evidence: Evidence) -> float:
    """Number of parameters, a shared one counted once."""
    return float(sum(weight.numel() for weight in evidence.network.parameters()))


def macs(evidence: Evidence) -> float:
    """Multiply-accumulates per sample of convolutions, linear layers, matrix products and attention."""
    if evidence.mac_count == 0:
        raise DegenerateError("the network multiplies nothing: no convolution, linear layer or matrix product ran")
    return evidence.mac_count / len(evidence.inputs)


def l2_norm(evidence: Evidence) -> float:
    """Sum over convolutions and linear layers of the Euclidean norm of the weight."""
    if not evidence.weights:
        raise DegenerateError("the network has no convolution or linear layer")
    return sum(float(torch.linalg.vector_norm(w.detach(), dtype=torch.float64)) for w in evidence.weights)


def synflow(evidence: Evidence) -> float:
    """Natural logarithm of the synaptic flow; see `archlock.proxies.synaptic_flow`."""
    return evidence.log_synaptic_flow


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
)
