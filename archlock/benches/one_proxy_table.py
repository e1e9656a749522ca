"""The one-proxy search on every target: trials, a table of their means, and plain data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

import numpy as np

from archlock.benches.one_proxy import DEVICES, Ground, ProxyTrial, one_proxy_trial
from archlock.scores import FloatArray
from archlock.seeding import numpy_generator

RESAMPLES = 1000


def one_proxy_trials(
    ground: Ground,
    proxy: str,
    samples: int = 20,
    seeds: int = 10,
    evaluations: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> list[ProxyTrial]:
    """A trial for each of `DEVICES` but the proxy, and each seed; target after target.

    Args:
        ground: see `archlock.benches.one_proxy.load_ground`.
        proxy: one of `DEVICES`.
        samples: measurements of each target; 20, the middle of the numbers that adaptation is judged at.
        seeds: how many, from 0 on.
        evaluations: of NSGA-II; 0 to look at every architecture.
        advance: called after each trial.

    Raises:
        UsageError: as `one_proxy_trial`.
    """
    trials = []
    for target in DEVICES:
        for seed in range(seeds) if target != proxy else ():
            trials.append(one_proxy_trial(ground, proxy, target, samples, seed, evaluations))
            advance()
    return trials


def one_proxy_text(trials: Sequence[ProxyTrial]) -> str:
    """Means over the seeds with 95 % bootstrap intervals for each target, and the worst hypervolume ratio."""
    head = (
        f"{'target':<8} {'front':>5}  {'overlap':>20} {'bare':>6}  {'hypervolume ratio':>23} {'worst':>6} {'bare':>6}"
        "  proposed"
    )
    targets = dict.fromkeys(trial.target for trial in trials)
    return "\n".join([head, *(_line([trial for trial in trials if trial.target == target]) for target in targets)])


def _line(trials: Sequence[ProxyTrial]) -> str:
    def values(name: str) -> FloatArray:
        return np.array([getattr(trial, name) for trial in trials], dtype=np.float64)

    def mean(name: str) -> float:
        return float(values(name).mean())

    def interval(name: str, digits: int) -> str:
        low, high = _interval(values(name))
        return f"{mean(name):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"

    worst = float(values("hypervolume").min())
    return (
        f"{trials[0].target:<8} {mean('found'):>5.0f}  {interval('overlap', 3):>20} {mean('unadapted_overlap'):>6.3f}  "
        f"{interval('hypervolume', 4):>23} {worst:>6.4f} {mean('unadapted_hypervolume'):>6.4f}  "
        f"{mean('verified'):.0f}, {mean('failed'):.1f} of them refused by the device"
    )


def _interval(values: FloatArray) -> tuple[float, float]:
    """95 % percentile-bootstrap interval of the mean over seeds (n,)."""
    drawn = numpy_generator(0, "one proxy", "bootstrap").integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


def one_proxy_document(trials: Sequence[ProxyTrial]) -> list[dict[str, object]]:
    """What ``--json`` prints: one object per target and seed."""
    return [asdict(trial) for trial in trials]
