"""Trials of an adaptation: measure a few architectures of the target, judge on all that were not measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.stats import rankdata
from sklearn.linear_model import RidgeCV

from archlock.errors import UsageError
from archlock.hwcost.devices.adaproxy_fit import adaproxy, proxy_weights
from archlock.hwcost.devices.adapter import Adapter
from archlock.hwcost.devices.encoding import IntArray
from archlock.hwcost.devices.gaussian import predict, predict_mean
from archlock.hwcost.devices.guard import NORMAL_90
from archlock.scores import FloatArray, Score, ScoreFailed
from archlock.seeding import numpy_generator

Method = Literal["gaussian", "gaussian-random", "adaproxy", "ridge"]
METHODS: tuple[str, ...] = get_args(Method)
"""``gaussian`` chooses what to measure, the others take a uniform sample; ``ridge`` knows no proxy."""


@dataclass(frozen=True)
class Trial:
    """One seed: what was measured and what it gave.

    Attributes:
        seed: of the sample or of the design.
        measured_rows: architectures measured on the target.
        held_out: number of architectures judged.
        before: Spearman of the unadapted proxy with the target over them.
        after: Spearman of the adapted one.
        covered: share of them inside the 90 % predictive interval; for ``gaussian`` methods when asked for.
    """

    seed: int
    measured_rows: tuple[int, ...]
    held_out: int
    before: Score | ScoreFailed
    after: Score | ScoreFailed
    covered: Score | ScoreFailed

    def is_below(self) -> bool:
        """Whether adaptation ranks worse than the unadapted proxy."""
        before, after = self.before, self.after
        return isinstance(before, Score) and isinstance(after, Score) and after.value < before.value


def adapt(
    adapter: Adapter, target: str, samples: int, seed: int, *, method: Method = "gaussian", with_coverage: bool = False
) -> Trial:
    """Adapt with ``samples`` measurements of the target and judge on all other architectures.

    Args:
        adapter: see `Adapter.of`.
        target: a device of the table; of its latencies only those of the measured rows are read before judging.
        samples: architectures to measure.
        seed: draws the sample, or the candidates that the design chooses from.
        method: one of `METHODS`.
        with_coverage: also the share of held-out latencies inside the predictive interval.

    Raises:
        UsageError: too few or too many samples, an unknown method, no encoding or several proxies for AdaProxy.
    """
    if method not in METHODS:
        raise UsageError(f"method {method!r}: expected one of {', '.join(METHODS)}")
    rows = adapter.rows(target)
    if not 3 <= samples <= len(rows) - 2:
        raise UsageError(f"{samples} samples of {len(rows)} architectures measured on {target}: expected 3 or more, "
                         "with two left to judge on")  # fmt: skip
    chosen = adapter.choose(rows, samples, seed) if method == "gaussian" else _uniform(rows, samples, seed)
    latency = adapter.table.latency_ms[:, adapter.table.column(target)]
    held = np.setdiff1d(rows, chosen)
    adapted = _PREDICTORS[method](adapter, chosen, latency[chosen])
    return Trial(
        seed,
        tuple(int(row) for row in chosen),
        len(held),
        spearman(adapter.features.base[held], latency[held]),
        spearman(adapted[held], latency[held]),
        _coverage(adapter, chosen, held, latency) if with_coverage else ScoreFailed("not asked for"),
    )


def spearman(predicted: FloatArray, true: FloatArray) -> Score | ScoreFailed:
    """Spearman's rank correlation of two arrays (n,)."""
    ranks = [rankdata(values) for values in (predicted, true)]
    centred = [rank - rank.mean() for rank in ranks]
    sizes = [float(np.linalg.norm(rank)) for rank in centred]
    for name, size in (("measured latencies", sizes[1]), ("predictions", sizes[0])):
        if size == 0:
            return ScoreFailed(f"the {name} of the architectures held out are all equal and rank nothing")
    return Score(float(centred[0] @ centred[1]) / (sizes[0] * sizes[1]))


def _uniform(rows: IntArray, samples: int, seed: int) -> IntArray:
    return np.asarray(numpy_generator(seed, "adapt", "uniform").permutation(rows)[:samples], dtype=np.int64)


def _gaussian(adapter: Adapter, rows: IntArray, latency_ms: FloatArray) -> FloatArray:
    return predict_mean(adapter.features, rows, latency_ms)


def _adaproxy(adapter: Adapter, rows: IntArray, latency_ms: FloatArray) -> FloatArray:
    if len(adapter.proxies) != 1:
        raise UsageError(f"AdaProxy adapts one proxy, not {len(adapter.proxies)}: give one --proxy")
    hot = adapter.table.known_encoding().one_hot()
    weights = proxy_weights(hot[adapter.usable], adapter.proxies_ms[adapter.usable, 0])
    return adaproxy(hot[rows], weights, latency_ms).predict(hot)


def _ridge(adapter: Adapter, rows: IntArray, latency_ms: FloatArray) -> FloatArray:
    hot = adapter.table.known_encoding().one_hot()
    model = RidgeCV(alphas=np.geomspace(1e-3, 1e3, 13)).fit(hot[rows], latency_ms)
    return np.asarray(model.predict(hot), dtype=np.float64)


_PREDICTORS: dict[str, Callable[[Adapter, IntArray, FloatArray], FloatArray]] = {
    "gaussian": _gaussian,
    "gaussian-random": _gaussian,
    "adaproxy": _adaproxy,
    "ridge": _ridge,
}


def _coverage(adapter: Adapter, rows: IntArray, held: IntArray, latency_ms: FloatArray) -> Score:
    found = predict(adapter.features, rows, latency_ms[rows])
    off = np.abs(found.latency_ms[held] - latency_ms[held])
    return Score(float((off <= NORMAL_90 * found.sd_ms[held]).mean()))
