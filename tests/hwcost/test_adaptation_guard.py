"""What the samples say of an adaptation: fall back to the proxy, scale the interval, doubt a stray latency."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from archlock.hwcost.devices.features import Features
from archlock.hwcost.devices.gaussian import predict, predict_mean
from archlock.hwcost.devices.guard import interval_scale, proxy_latency, proxy_ranks_better


@given(st.lists(st.floats(0, 9), min_size=3, max_size=60), st.floats(1, 5))
def test_larger_errors_never_narrow_the_interval(surprise: list[float], factor: float) -> None:
    errors = np.array(surprise)
    assert interval_scale(factor * errors) >= interval_scale(errors)


def test_normal_errors_leave_the_interval_about_as_it_is() -> None:
    errors = np.abs(np.random.default_rng(0).normal(size=60))
    assert 0.85 < interval_scale(errors) < 1.2
    assert interval_scale(3 * errors) > 2


def test_the_proxy_is_kept_where_it_ranks_the_samples_better_and_few_samples_ask_for_more() -> None:
    samples = np.arange(30.0)
    shuffled = np.random.default_rng(0).permutation(30).astype(np.float64)
    assert proxy_ranks_better(samples, shuffled, samples)
    assert not proxy_ranks_better(shuffled, samples, samples)
    assert not proxy_ranks_better(samples, samples, samples)
    nearly = np.array([0, 1, 2, 3, 4, 5, 6, 7, 9, 8], dtype=np.float64)
    assert not proxy_ranks_better(samples[:10], nearly, samples[:10])


@given(st.integers(0, 50))
def test_the_fallback_keeps_the_ranking_of_the_proxy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    base, rows = rng.normal(size=40), rng.permutation(40)[:8]
    mean, sd = proxy_latency(base, rows, rng.normal(size=8))
    assert np.array_equal(np.argsort(mean), np.argsort(base))
    assert (sd > 0).all()


def test_a_stray_measurement_decides_little() -> None:
    rng = np.random.default_rng(0)
    proxy = rng.uniform(1, 3, size=200)
    target = 5 * proxy * np.exp(rng.normal(0, 0.03, size=200))
    features, rows = Features.of(proxy[:, None], None), np.arange(12)
    stray = target[rows].copy()
    stray[stray.argmin()] *= 6
    clean, found = (predict_mean(features, rows, values) for values in (target[rows], stray))
    assert np.corrcoef(found, target)[0, 1] > 0.95
    assert np.abs(found - clean).mean() < 0.5 * np.abs(stray - target[rows]).max() / 12
    assert predict(features, rows, stray).sd_ms.mean() > predict(features, rows, target[rows]).sd_ms.mean()
