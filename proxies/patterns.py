"""Distinct patterns of activation units over the samples of a batch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_WORD = 52
"""Samples whose bits fit one float64 exactly."""


class UnitPatterns:
    """Collects, unit by unit, which samples of the batch switch it on.

    Args:
        batch: samples in the batch.
    """

    def __init__(self, batch: int) -> None:
        self._powers = [
            torch.pow(2.0, torch.arange(min(_WORD, batch - start), dtype=torch.float64))
            for start in range(0, batch, _WORD)
        ]
        self._layers: list[NDArray[np.float64]] = []

    def add(self, active: Tensor) -> None:
        """Add the units of one activation: shape (batch, units), 1 where active and 0 elsewhere."""
        bits = active.double().split(_WORD)
        words = [power.to(chunk.device) @ chunk for power, chunk in zip(self._powers, bits, strict=True)]
        # Each layer is made distinct at once, so that memory holds patterns and not units.
        self._layers.append(_distinct(torch.stack(words, dim=1).cpu().numpy()))

    def count(self) -> int:
        """Distinct patterns over all units so far."""
        return len(_distinct(np.concatenate(self._layers))) if self._layers else 0


def _distinct(words: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distinct rows; shape (patterns, words)."""
    if words.shape[1] == 1:
        return np.unique(words)[:, None]
    # Two exact integers in one complex number sort many times faster than rows do.
    if words.shape[1] == 2:
        pairs = np.unique(words[:, 0] + 1j * words[:, 1])
        return np.stack([pairs.real, pairs.imag], axis=1)
    return np.unique(words, axis=0)
