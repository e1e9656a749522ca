"""Features of TransNAS-Bench-101 macro networks: 4 to 6 modules, each plain, wider, coarser, or both."""

from __future__ import annotations

import numpy as np

from archlock.locking.tabular.problem import IntArray
from archlock.scores import FloatArray


def macro_shape(codes: IntArray) -> FloatArray:
    """How channels and resolution change along the depth; shape (n, 4 * modules + 7).

    Per module: whether it exists, doublings of channels and halvings of the resolution up to and with it, and their
    difference. Then: modules, doublings and halvings in all, mean position of either, and log2 of the weights and of
    the multiply-accumulates in units of a module at the first width and resolution.

    Args:
        codes: shape (n, modules): 0 no module, 1 plain, 2 channels x2, 3 resolution /2, 4 both.
    """
    exists = codes > 0
    wider, coarser = np.isin(codes, (2, 4)), np.isin(codes, (3, 4))
    doublings, halvings = np.cumsum(wider, axis=1), np.cumsum(coarser, axis=1)
    # Weights of a convolution grow with the square of the channels, its work falls with the square of the resolution.
    weights = np.where(exists, 4.0**doublings, 0)
    work = np.where(exists, 4.0 ** (doublings - halvings), 0)
    positions = np.arange(1, codes.shape[1] + 1)
    totals = [
        exists.sum(axis=1), wider.sum(axis=1), coarser.sum(axis=1), _mean_position(wider, positions),
        _mean_position(coarser, positions), np.log2(weights.sum(axis=1)), np.log2(work.sum(axis=1)),
    ]  # fmt: skip
    per_module = [exists, doublings * exists, halvings * exists, (doublings - halvings) * exists]
    return np.hstack([*per_module, np.stack(totals, axis=1)]).astype(np.float64)


def _mean_position(there: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], positions: IntArray) -> FloatArray:
    """Mean position of what is there; one past the last where nothing is."""
    count = there.sum(axis=1)
    mean = (there * positions).sum(axis=1) / np.maximum(count, 1)
    return np.asarray(np.where(count > 0, mean, positions[-1] + 1), dtype=np.float64)
