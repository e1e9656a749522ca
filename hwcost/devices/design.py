"""Which architectures to measure on a new device: greedy active learning Cohn under the adapter's prior.

Each choice lowers the mean prior variance over a reference sample most (Cohn 1996; Seo et al. 2000). It needs no
measurement, so that all n can be measured in one go.
"""

from __future__ import annotations

import numpy as np

from archlock.errors import UsageError
from archlock.hwcost.devices.encoding import IntArray
from archlock.hwcost.devices.features import NOISE_VARIANCE, Features

CANDIDATES = 500
"""Architectures drawn to choose from; more bring nothing measurable and cost their square."""
REFERENCE = 500
"""Architectures drawn to take the mean variance over."""


def choose_measurements(features: Features, rows: IntArray, samples: int, rng: np.random.Generator) -> IntArray:
    """Rows to measure, in order: the first k of them are the choice for k samples.

    Args:
        features: of all architectures.
        rows: architectures that can be measured.
        samples: how many to choose.
        rng: draws candidates and reference.

    Raises:
        UsageError: more samples than architectures, or fewer than one.
    """
    if not 1 <= samples <= len(rows):
        raise UsageError(f"{samples} samples: expected between 1 and the {len(rows)} architectures that can be chosen")
    drawn = rng.permutation(rows)
    candidates = drawn[: max(CANDIDATES, 2 * samples)]
    reference = drawn[len(candidates) : len(candidates) + REFERENCE]
    both = np.concatenate([candidates, reference if len(reference) else candidates])
    weighted = [group * np.sqrt(size) for group, size in zip(features.rows(both), features.prior_variance, strict=True)]
    stacked = np.hstack(weighted)
    count = len(candidates)
    covariance = stacked @ stacked[:count].T
    free = np.ones(count, dtype=np.bool_)
    chosen: list[int] = []
    for _ in range(samples):
        spread = covariance.diagonal() + NOISE_VARIANCE
        gain = (covariance[count:] ** 2).sum(axis=0) / spread
        place = int(np.where(free, gain, -np.inf).argmax())
        free[place] = False
        chosen.append(place)
        covariance -= np.outer(covariance[:, place], covariance[place] / spread[place])
    return np.asarray(candidates[chosen], dtype=np.int64)
