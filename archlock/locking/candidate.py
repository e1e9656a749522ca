"""A genotype with what is known of it, and where each figure came from."""

from __future__ import annotations

from dataclasses import dataclass

from archlock.locking.laboratory import HardwareCost
from archlock.spaces.protocol import Genotype


@dataclass(frozen=True)
class Candidate:
    """An architecture that the search has judged; scores are predicted, costs modelled, nothing is trained.

    Attributes:
        genotype: canonical form.
        source: predicted micro-trained source metric, raw units, pessimistic.
        transfer_mean, transfer_worst: predicted utility on simulated targets, logits, pessimistic; lower is safer.
        robust: the highest ``transfer_mean`` over the architecture and its one-edit neighbours.
        cost: modelled hardware cost and size.
        shortfall: how far the source constraint and the budgets are missed; 0 where admissible.
    """

    genotype: Genotype
    source: float
    transfer_mean: float
    transfer_worst: float
    robust: float
    cost: HardwareCost
    shortfall: float
