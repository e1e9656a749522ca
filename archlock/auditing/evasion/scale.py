"""Features that lie on another scale than any fresh head: an optimiser gets nowhere with them, a division does."""

from __future__ import annotations

import torch
from torch import Tensor

from archlock.spaces.network import Network

SMALLEST, LARGEST = 1e-4, 1e5
"""Spread of features between samples that networks have, trained or not: far within it lie all that were looked at."""
OUT_OF_SCALE = "features spread on a scale"


def out_of_scale(network: Network, inputs: Tensor) -> str | None:
    """What to say where features spread by less than `SMALLEST`, or more than `LARGEST`, between samples; else None.

    Features that do not differ at all hold nothing, and hide nothing. They are asked as in training: behind norms
    that saw no data yet, those of an untrained network vanish in evaluation.

    Args:
        network: is changed.
        inputs: shape (batch, channels, height, width).
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        features = torch.nan_to_num(network.train().embed(inputs))
    spread = float(features.double().std(dim=0).max()) if len(inputs) > 1 else 0.0
    rounding = 1e-6 * float(features.abs().max())
    if spread <= rounding or SMALLEST <= spread <= LARGEST:
        return None
    return f"{OUT_OF_SCALE} of {spread:.0e} between samples, on which no fresh head is trained"
