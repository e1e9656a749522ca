"""What the n samples themselves say of an adaptation: whether it ranks better than the bare proxy, and how far it errs.

Both read what the adapter predicts of each sample from the others, so that no further measurement is needed.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from archlock.hwcost.devices.encoding import IntArray
from archlock.scores import FloatArray

COVERAGE = 0.9
NORMAL_90 = 1.6448536269514722
"""Standard deviations to either side that hold 90 % of a normal distribution."""
PRIOR_SAMPLES = 10
"""The model's own interval counts as so many samples beside the measured ones: a quantile of ten says little."""
ENOUGH = 20
MARGIN = 0.03
"""From 20 samples on, the proxy wins where it ranks them better; below that by .03 more for each sample that lacks,
since leaving one of ten out weakens the adapter itself."""


def interval_scale(surprise: FloatArray) -> float:
    """Factor on the model's standard deviations that makes its 90 % interval hold what it says.

    The conformal quantile of the samples' leave-one-out errors (Vovk et al. 2005), in standard deviations, averaged
    with the normal one: the samples are designed rather than drawn, which conformal coverage would ask for.

    Args:
        surprise: shape (n,), distance of each sample from what the others predict, in standard deviations.
    """
    count = len(surprise)
    place = min(int(np.ceil((count + 1) * COVERAGE)), count) - 1
    quantile = float(np.sort(surprise)[place])
    return (PRIOR_SAMPLES + count * quantile / NORMAL_90) / (PRIOR_SAMPLES + count)


def proxy_ranks_better(base: FloatArray, left_out: FloatArray, samples: FloatArray) -> bool:
    """Whether the bare proxy ranks the samples better than the adapter ranks each from the others; shape (n,) all."""
    margin = MARGIN * max(0, ENOUGH - len(samples))
    return _rank_correlation(left_out, samples) < _rank_correlation(base, samples) - margin


def proxy_latency(base: FloatArray, rows: IntArray, samples: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation (n,) of a rising line through the samples: the unadapted ranking.

    Args:
        base: shape (n,), the unadapted proxy.
        rows: shape (k,), the samples' places.
        samples: shape (k,), in any unit.
    """
    known = base[rows] - base[rows].mean()
    slope = float(known @ samples) / max(float(known @ known), 1e-12)
    # Ranks agree, or the proxy would not be asked; one stray sample can still turn the line.
    slope = max(slope, 1e-6 * float(samples.std()))
    mean = samples.mean() + slope * (base - base[rows].mean())
    off = samples - mean[rows]
    return mean, np.full(len(base), np.sqrt(float(off @ off) / max(len(rows) - 2, 1)))


def _rank_correlation(first: FloatArray, second: FloatArray) -> float:
    """Spearman's; 0 where one side is constant."""
    ranks = [rankdata(values) for values in (first, second)]
    centred = [rank - rank.mean() for rank in ranks]
    size = float(np.linalg.norm(centred[0]) * np.linalg.norm(centred[1]))
    return float(centred[0] @ centred[1]) / size if size else 0.0
