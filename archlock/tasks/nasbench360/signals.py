"""One-dimensional signals for two-dimensional spaces: one row, or a time-frequency picture of each channel."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from archlock.tasks.families.rhythms import FRAMES, scalogram
from archlock.tasks.samples import FloatImages

AT_ONCE = 4096
"""Signals that are transformed together, to bound memory."""
FASTEST_PER_SAMPLE = 0.375
CYCLES_AT_LEAST = 3.0
"""The slowest wavelet fits this often into a signal."""


def seen_as(signals: NDArray[Any], view: Literal["picture", "row"]) -> FloatImages:
    """Signals (n, channels, length) as ``row``, (n, channels, 1, length), or ``picture``, (n, channels, 32, 32).

    A picture is the scalogram of `archlock.tasks.families.rhythms`: 32 Morlet wavelets from three cycles per signal
    to 0.375 cycles per sample, in 32 frames; the signal is lengthened to whole frames by its last value.
    """
    if view == "row":
        return np.ascontiguousarray(signals[:, :, None, :], dtype=np.float32)
    count, channels, length = signals.shape
    frame = -(-length // FRAMES)
    scales = np.geomspace(CYCLES_AT_LEAST / length, FASTEST_PER_SAMPLE, FRAMES)
    flat = signals.reshape(count * channels, length)
    pictures = np.empty((len(flat), FRAMES, FRAMES), dtype=np.float32)
    for start in range(0, len(flat), AT_ONCE):
        part = flat[start : start + AT_ONCE].astype(np.float64)
        whole = np.pad(part, ((0, 0), (0, frame * FRAMES - length)), mode="edge")
        pictures[start : start + AT_ONCE] = scalogram(whole, scales, 1.0, padded=3 * frame * FRAMES // 2)
    return pictures.reshape(count, channels, FRAMES, FRAMES)


def standardised(signals: NDArray[Any]) -> NDArray[np.float64]:
    """Signals with mean 0 and spread 1 along the last axis, as the benchmark scales them; constant ones become 0."""
    values = signals.astype(np.float64)
    centred = values - values.mean(axis=-1, keepdims=True)
    spread = values.std(axis=-1, keepdims=True)
    return np.asarray(centred / np.where(spread > 0, spread, 1.0))
