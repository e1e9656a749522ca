"""AdaProxy, the adaptation of One Proxy Device Is Enough (Lu et al., SIGMETRICS 2021), equation 5, solved exactly.

min over a, b, c of mean((x . (w * (a 1 + b)) + c - y)^2) + strength ||b||, with w the proxy's linear model. The norm is
not squared, so a finite strength gives b = 0 and the unadapted proxy's ranking. Penalised directions alone decide
between the many solutions that a rank-deficient encoding leaves open, so nothing blows up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archlock.scores import FloatArray

STRENGTHS = tuple(float(share) for share in np.geomspace(1.0, 1e-4, 13))
"""Strengths that cross-validation chooses from, as shares of the least one that gives b = 0; never zero, which would
forget the proxy on a rank-deficient encoding."""
BISECTIONS = 64
"""Halvings of a range of some hundred units of log ridge: to rounding."""


@dataclass(frozen=True)
class AdaProxyFit:
    """Weights of an adapted linear model.

    Attributes:
        weights: shape (d,), w * (a 1 + b).
        offset: c.
        strength: penalty used, as a share of the least one that gives b = 0.
    """

    weights: FloatArray
    offset: float
    strength: float

    def predict(self, encoding: FloatArray) -> FloatArray:
        """Latency of architectures (n, d) in the unit of what was fitted; shape (n,)."""
        return np.asarray(encoding @ self.weights + self.offset, dtype=np.float64)


def proxy_weights(encoding: FloatArray, latency: FloatArray) -> FloatArray:
    """The proxy's linear model w (d,) from encodings (n, d) and latencies (n,): least squares of least norm."""
    weights, *_ = np.linalg.lstsq(encoding, latency, rcond=1e-10)
    return np.asarray(weights, dtype=np.float64)


@dataclass(frozen=True)
class _Reduced:
    """The problem in b alone, a and c eliminated by projection, in the singular basis of what remains.

    Attributes:
        scaled: shape (n, d), encoding times proxy weights.
        values: shape (r,), singular values s of the projected ``scaled``.
        basis: shape (r, d), their right vectors.
        target: shape (r,), the projected target in the left vectors.
    """

    scaled: FloatArray
    values: FloatArray
    basis: FloatArray
    target: FloatArray

    @classmethod
    def of(cls, encoding: FloatArray, weights: FloatArray, latency: FloatArray) -> _Reduced:
        scaled = encoding * weights
        kept = np.column_stack([scaled.sum(axis=1), np.ones(len(scaled))])
        # Left vectors rather than QR: the proxy's prediction can be constant over the samples.
        left, values, _ = np.linalg.svd(kept, full_matrices=False)
        left = left[:, values > 1e-10 * values[0]]
        projected = scaled - left @ (left.T @ scaled)
        u, s, v = np.linalg.svd(projected, full_matrices=False)
        held = s > 1e-9 * max(float(np.linalg.norm(scaled)), 1e-300)
        return cls(scaled, s[held], v[held], u[:, held].T @ (latency - left @ (left.T @ latency)))

    def least_strength(self) -> float:
        """The least penalty that gives b = 0: the gradient's norm there."""
        return float(2 / len(self.scaled) * np.linalg.norm(self.values * self.target))

    def shifts(self, strengths: FloatArray) -> FloatArray:
        """The minimising b (q, d) for each strength (q,): stationary where the penalty is a ridge that solves one
        equation, which rises with the ridge; all are bisected at once.
        """
        s, target = self.values, self.target
        if not len(s):
            return np.zeros((len(strengths), self.scaled.shape[1]))
        low = np.full(len(strengths), np.log(s.min() ** 2) - 60.0)
        high = np.full(len(strengths), np.log(s.max() ** 2) + 60.0)
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            ridge = np.exp(middle)[:, None]
            pull = 2 / len(self.scaled) * np.linalg.norm(ridge * s * target / (s**2 + ridge), axis=1)
            low, high = np.where(pull < strengths, middle, low), np.where(pull < strengths, high, middle)
        found = (s * target / (s**2 + np.exp(low)[:, None])) @ self.basis
        return np.asarray(np.where((strengths < self.least_strength())[:, None], found, 0.0), dtype=np.float64)


def fit_adaproxy(encoding: FloatArray, weights: FloatArray, latency: FloatArray, strength: float) -> AdaProxyFit:
    """Solve the objective for one strength.

    Args:
        encoding: shape (n, d), architectures measured on the new device.
        weights: shape (d,), the proxy's linear model.
        latency: shape (n,), what was measured, any unit.
        strength: penalty as a share of the least one that gives b = 0; above zero, at most 1.
    """
    return _solved(_Reduced.of(encoding, weights, latency), weights, latency, (strength,))[0]


def _solved(
    problem: _Reduced, weights: FloatArray, latency: FloatArray, strengths: Sequence[float]
) -> list[AdaProxyFit]:
    shifts = problem.shifts(np.array(strengths) * problem.least_strength())
    base = problem.scaled.sum(axis=1)
    rest = latency - shifts @ problem.scaled.T
    spread = base - base.mean()
    size = float(spread @ spread)
    # A proxy that is constant over the samples tells nothing of a: keep its order.
    known = size > 1e-12 * max(float(base @ base), 1e-300)
    scales = rest @ spread / size if known else np.ones(len(shifts))
    return [
        AdaProxyFit(weights * (a + shift), float(left.mean() - a * base.mean()), strength)
        for a, shift, left, strength in zip(scales, shifts, rest, strengths, strict=True)
    ]


def adaproxy(encoding: FloatArray, weights: FloatArray, latency: FloatArray, folds: int = 5) -> AdaProxyFit:
    """Adapt a proxy's linear model to n measurements, the strength chosen by cross-validation inside them.

    Args:
        encoding: shape (n, d), n at least 2.
        weights: shape (d,), see `proxy_weights`.
        latency: shape (n,).
        folds: parts of the cross-validation, in the order in which the samples come.
    """
    count = len(latency)
    part = np.arange(count) % min(folds, count)
    errors = np.zeros(len(STRENGTHS))
    for held in range(int(part.max()) + 1):
        inside, outside = part != held, part == held
        problem = _Reduced.of(encoding[inside], weights, latency[inside])
        for place, fit in enumerate(_solved(problem, weights, latency[inside], STRENGTHS)):
            errors[place] += float(((fit.predict(encoding[outside]) - latency[outside]) ** 2).sum())
    return fit_adaproxy(encoding, weights, latency, STRENGTHS[int(errors.argmin())])
