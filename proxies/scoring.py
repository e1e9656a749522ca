"""Scoring networks: the asked proxies of one network, or of many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from torch import Tensor, nn

from archlock.proxies.evidence import DegenerateError, Evidence, Loss, Part
from archlock.proxies.proxy import Proxy
from archlock.proxies.registry import find_proxies
from archlock.proxies.shared_pass import gather
from archlock.scores import Score, ScoreBatch, ScoreFailed


def score_network(
    network: nn.Module, inputs: Tensor, targets: Tensor, loss: Loss, names: Sequence[str] | None = None
) -> dict[str, Score | ScoreFailed]:
    """Zero-cost scores of one untrained network from one shared pass.

    The network is scored in training mode (batch norm with the statistics of the batch) and left exactly as it was:
    weights, gradients, buffers, modes and the global random state. A frozen weight is scored like any other. Dropout
    draws from a fixed seed, so the same network and batch give the same scores.

    Args:
        network: any module that maps one tensor to one tensor.
        inputs: shape (batch, ...), on the network's device.
        targets: shape (batch, ...), as the loss takes them.
        loss: (outputs, targets) to a differentiable scalar.
        names: proxies to compute; all of `archlock.proxies.PROXIES` for None.

    Returns:
        Proxy name to its score, or to the reason why there is none (a degenerate network never gives NaN).

    Raises:
        UsageError: an unknown proxy, or a batch that is empty, not finite or not labelled throughout.
    """
    proxies = find_proxies(names)
    parts = frozenset[Part]().union(*(proxy.parts for proxy in proxies))
    evidence = gather(network, inputs, targets, loss, parts)
    return {proxy.name: _score(proxy, evidence) for proxy in proxies}


def score_many(
    networks: Iterable[nn.Module], inputs: Tensor, targets: Tensor, loss: Loss, names: Sequence[str] | None = None
) -> dict[str, ScoreBatch]:
    """`score_network` for each of many networks on the same batch; each network is taken, scored and let go.

    A proxy that ranks networks among others, such as ``az_nas``, has its scores here only.

    Returns:
        Proxy name to the scores in the order of the networks. Raises as `score_network`.
    """
    asked = find_proxies(names)
    wanted = [name for proxy in asked for name in (proxy.components or (proxy.name,))]
    proxies = find_proxies(wanted)
    rows = [score_network(network, inputs, targets, loss, wanted) for network in networks]
    # Unit and direction are said here too, because a batch of failures alone does not know them.
    batches = {
        proxy.name: replace(ScoreBatch.of([row[proxy.name] for row in rows]), unit=proxy.unit, better=proxy.better)
        for proxy in proxies
    }
    joined = {proxy.name: proxy.combine(batches) for proxy in asked if proxy.combine is not None}
    return {proxy.name: (joined if proxy.name in joined else batches)[proxy.name] for proxy in asked}


def _score(proxy: Proxy, evidence: Evidence) -> Score | ScoreFailed:
    for part in sorted(proxy.parts & evidence.failures.keys()):
        return ScoreFailed(evidence.failures[part])
    try:
        value = proxy.compute(evidence)
    except DegenerateError as error:
        return ScoreFailed(str(error))
    if not math.isfinite(value):
        return ScoreFailed(f"{proxy.name} is not finite")
    return Score(value, proxy.unit, proxy.better)
