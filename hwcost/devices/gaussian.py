"""The adapter's Gaussian process: proxies and encoding as feature groups, prior variances averaged by evidence.

With n of 10 to 60 no single best set of variances can be told, so the posterior is averaged over a fixed quasi-random
set drawn from log-normal priors, weighted by what they say of the samples. Some draws have nothing but the proxies, and
where the proxy alone ranks the samples better than the process ranks each from the others, the answer is the proxy's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from archlock.errors import UsageError
from archlock.hwcost.devices.encoding import IntArray
from archlock.hwcost.devices.features import NOISE_VARIANCE, Features
from archlock.hwcost.devices.guard import interval_scale, proxy_latency, proxy_ranks_better
from archlock.scores import FloatArray

DRAWS = 128
VARIANCE_SPREAD = 1.2
"""Standard deviation of the logarithm of a prior variance: a factor of 3.3 either way."""
CONSTANT_SPREAD = 0.3
"""The samples are standardised, so their mean is known to be near zero."""
NOISE_SPREAD = 1.0
PROXY_ONLY = 8
"""One draw of so many has the proxies alone."""
HEAVIEST = 24
"""Draws that the predictive variance is taken over, the heaviest: it costs far more than the mean."""
TAIL = 4.0
"""Degrees of freedom of the Student distribution that judges a left-out sample: one odd measurement decides little."""
ODD = 1.5
"""Standard deviations from which on a sample counts as less certain than the others."""


@dataclass(frozen=True)
class Prediction:
    """Latency of all n architectures on the new device.

    Attributes:
        latency_ms: shape (n,), posterior mean.
        sd_ms: shape (n,), standard deviation of one measurement, noise included, calibrated inside the samples so that
            1.645 of them to either side hold 90 %.
    """

    latency_ms: FloatArray
    sd_ms: FloatArray


@dataclass(frozen=True)
class _Posterior:
    """Weights of the draws and what each predicts with.

    Attributes:
        variances: shape (m, g), noise: shape (m,).
        inverse: shape (m, n, n), inverse covariance of the samples.
        solved: shape (m, n), inverse times the samples.
        weight: shape (m,), sums to 1.
        left_out: shape (n,), what the others predict of each sample.
        surprise: shape (n,), its distance from that, in standard deviations of a measurement that nothing contradicts.
    """

    variances: FloatArray
    noise: FloatArray
    inverse: FloatArray
    solved: FloatArray
    weight: FloatArray
    left_out: FloatArray
    surprise: FloatArray


@lru_cache(maxsize=16)
def _hyper_draws(names: tuple[str, ...], centres: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
    """Prior variances (m, g) and noise (m,); the same for every call."""
    uniform = qmc.Sobol(len(names) + 1, seed=0).random(DRAWS).clip(1e-6, 1 - 1e-6)
    spread = np.array([CONSTANT_SPREAD if name == "constant" else VARIANCE_SPREAD for name in names] + [NOISE_SPREAD])
    drawn = np.array([*centres, NOISE_VARIANCE]) * np.exp(spread * ndtri(uniform))
    variances = drawn[:, :-1]
    more = [place for place, name in enumerate(names) if name not in ("constant", "proxies")]
    variances[::PROXY_ONLY, np.array(more, dtype=np.int64)] = 0.0
    return variances, drawn[:, -1]


def predict_mean(features: Features, rows: IntArray, latency_ms: FloatArray) -> FloatArray:
    """Posterior mean (n,) alone, ms; arguments and errors as `predict`, at a tenth of its time."""
    return _centred(features, rows, latency_ms, with_sd=False).latency_ms


def predict(features: Features, rows: IntArray, latency_ms: FloatArray) -> Prediction:
    """Posterior of a device's latency from measurements of some architectures.

    Args:
        features: of all n architectures.
        rows: shape (k,), the measured ones.
        latency_ms: shape (k,), their latencies.

    Raises:
        UsageError: fewer than three measurements: one fixes the scale, one the offset.
    """
    return _centred(features, rows, latency_ms, with_sd=True)


def _centred(features: Features, rows: IntArray, latency_ms: FloatArray, *, with_sd: bool) -> Prediction:
    if len(rows) < 3:
        raise UsageError(f"{len(rows)} measurements: adaptation needs at least 3")
    centre, size = float(latency_ms.mean()), float(latency_ms.std())
    if size <= 1e-12 * abs(centre):
        # All samples alike: nothing but the proxies' order is left to go by.
        return Prediction(centre * (1 + 1e-6 * features.base), np.zeros(len(features.base)))
    samples = (latency_ms - centre) / size
    posterior = _posterior(features, rows, samples)
    if proxy_ranks_better(features.base[rows], posterior.left_out, samples):
        mean, sd = proxy_latency(features.base, rows, samples)
        return Prediction(centre + size * mean, size * sd)
    mean = _mean(features, rows, posterior)
    scale = size * interval_scale(posterior.surprise)
    return Prediction(centre + size * mean, scale * _deviation(features, rows, posterior) if with_sd else 0 * mean)


def _posterior(features: Features, rows: IntArray, samples: FloatArray) -> _Posterior:
    """Twice: the first pass finds measurements that the others contradict, the second takes them for noisier.

    Their noise grows with the fourth power of the surprise, so that a stray latency, of which a device under other
    load has some, neither sets the scale nor turns the proxy's slope.
    """
    kernels = np.stack([group @ group.T for group in features.rows(rows)])
    first = _weighed(features, kernels, samples, np.ones(len(rows)))
    return _weighed(features, kernels, samples, np.maximum(1.0, (first.surprise / ODD) ** 4))


def _weighed(features: Features, kernels: FloatArray, samples: FloatArray, doubt: FloatArray) -> _Posterior:
    """The draws, weighted by the geometric mean of marginal likelihood and leave-one-out likelihood.

    The first trusts the model, the second what it predicts of samples that it has not seen (Rasmussen and Williams,
    Gaussian Processes for Machine Learning, 2006, equations 5.8 and 5.10 to 5.12); ``doubt`` (n,) multiplies the noise.
    """
    variances, noise = _hyper_draws(features.names, tuple(float(value) for value in features.prior_variance))
    covariance = np.tensordot(variances, kernels, axes=1) + noise[:, None, None] * np.diag(doubt)
    log_volume = np.log(np.diagonal(np.linalg.cholesky(covariance), axis1=1, axis2=2)).sum(axis=1)
    inverse = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
    solved = inverse @ samples
    precision = np.diagonal(inverse, axis1=1, axis2=2)
    left_out = samples - solved / precision
    tail = (TAIL + 1) / 2 * np.log1p(solved**2 / precision / TAIL)
    evidence = -0.5 * (solved @ samples) - log_volume
    mean_log = (evidence + (0.5 * np.log(precision) - tail).sum(axis=1)) / 2
    weight = np.exp(mean_log - mean_log.max())
    weight /= weight.sum()
    centre = weight @ left_out
    within = 1 / precision - noise[:, None] * (doubt - 1)
    spread = np.sqrt(np.maximum(weight @ (within + left_out**2) - centre**2, 1e-12))
    return _Posterior(variances, noise, inverse, solved, weight, centre, np.abs(samples - centre) / spread)


def _mean(features: Features, rows: IntArray, posterior: _Posterior) -> FloatArray:
    """Mean (n,) of the mixture: one product per group, since all draws share the features."""
    total = np.zeros(len(features.base))
    for place, group in enumerate(features.groups):
        total += group @ (group[rows].T @ ((posterior.weight * posterior.variances[:, place]) @ posterior.solved))
    return total


def _deviation(features: Features, rows: IntArray, posterior: _Posterior) -> FloatArray:
    """Standard deviation (n,) of a measurement under the mixture: within the draws and between their means."""
    kept = np.argsort(-posterior.weight)[:HEAVIEST]
    weight = posterior.weight[kept] / posterior.weight[kept].sum()
    crosses = [group @ group[rows].T for group in features.groups]
    lengths = np.stack([(group**2).sum(axis=1) for group in features.groups])
    first, second = np.zeros(len(features.base)), np.zeros(len(features.base))
    for share, draw in zip(weight, kept, strict=True):
        cross = np.zeros_like(crosses[0])
        for variance, part in zip(posterior.variances[draw], crosses, strict=True):
            cross += variance * part
        mean = cross @ posterior.solved[draw]
        within = posterior.variances[draw] @ lengths - ((cross @ posterior.inverse[draw]) * cross).sum(axis=1)
        first += share * mean
        second += share * (np.maximum(within, 0.0) + posterior.noise[draw] + mean**2)
    return np.sqrt(np.maximum(second - first**2, 0.0))
