"""How one proxy's scores agree with published scores and with accuracy: Spearman correlations over cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from archlock.proxies import PROXIES
from archlock.scores import FloatArray, ScoreBatch

TIED: Mapping[str, int] = {"l2_norm": 2}
"""Proxies that differ, among cells of as many convolutions, by nothing but the draw of the weights: how many digits
of them are told apart. Without that, two draws of the same table do not agree to .95 with one another."""

BARS: Mapping[str, float] = {
    **dict.fromkeys(("params", "macs", "l2_norm", "synflow", "snip", "grad_norm", "fisher", "nwot"), 0.95),
    "jacov": 0.90,
}
"""Least Spearman correlation with the published score."""

NEAR = 0.05
"""Greatest difference of our Spearman correlation with accuracy from the published score's."""


@dataclass(frozen=True)
class ProxyRow:
    """One proxy's agreement, over the cells; Spearman correlations, None where one side has no order.

    Attributes:
        name: of the proxy.
        known: cells that have our score.
        with_published: ours with the published score.
        with_published_tied: likewise, ours to the digits of `TIED`; None for other proxies.
        with_accuracy: ours, oriented so that higher is better, with true accuracy.
        published_with_accuracy: the published score, as published, with true accuracy.
        bar: least ``with_published`` asked for, or None.
        reason: why most cells without a score have none.
    """

    name: str
    known: int
    with_published: float | None
    with_published_tied: float | None
    with_accuracy: float | None
    published_with_accuracy: float | None
    bar: float | None
    reason: str

    @property
    def meets(self) -> bool | None:
        """Whether the bar is met; None without a bar."""
        return None if self.bar is None else (self.with_published or 0.0) >= self.bar

    @property
    def meets_tied(self) -> bool | None:
        """Whether the bar is met where ties of noise count as ties; None without a bar or without such ties."""
        if self.bar is None or self.with_published_tied is None:
            return None
        return self.with_published_tied >= self.bar

    @property
    def near(self) -> bool | None:
        """Whether ours orders by accuracy as the published score does, within `NEAR`; None where there is no such."""
        if self.with_accuracy is None or self.published_with_accuracy is None:
            return None
        return abs(self.with_accuracy - self.published_with_accuracy) <= NEAR


def compare(name: str, batch: ScoreBatch, published: FloatArray | None, accuracy: FloatArray) -> ProxyRow:
    """One proxy's row.

    Args:
        name: of the proxy.
        batch: its scores of ``cells`` cells.
        published: shape (cells,), NaN where there is none; None for a proxy that nobody published.
        accuracy: shape (cells,), higher being better.
    """
    signed = batch.values if PROXIES[name].better == "higher" else -batch.values
    known = batch.known if published is None else batch.known & np.isfinite(published)
    theirs = None if published is None else published[known]
    digits = TIED.get(name)
    tied = None if digits is None or theirs is None else spearman(_rounded(batch.values[known], digits), theirs)
    reasons = [reason for reason in batch.reasons if reason]
    return ProxyRow(
        name=name,
        known=int(batch.known.sum()),
        with_published=None if theirs is None else spearman(batch.values[known], theirs),
        with_published_tied=tied,
        with_accuracy=spearman(signed[known], accuracy[known]),
        published_with_accuracy=None if theirs is None else spearman(theirs, accuracy[known]),
        bar=BARS.get(name),
        reason=max(set(reasons), key=reasons.count) if reasons else "",
    )


def spearman(first: FloatArray, second: FloatArray) -> float | None:
    """Spearman's rank correlation of two arrays of shape (n,); None where one has no order or n < 3."""
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(spearmanr(first, second).statistic)


def _rounded(values: FloatArray, digits: int) -> FloatArray:
    return np.array([float(f"{value:.{digits}g}") for value in values], dtype=np.float64)
