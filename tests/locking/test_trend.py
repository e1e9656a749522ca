"""The trend: what size and source score explain is no lock."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.locking.candidate import Candidate
from archlock.locking.laboratory import HardwareCost
from archlock.locking.trend import Trend


def candidates_of(seed: int, count: int = 60, lock: float = 0.0) -> list[Candidate]:
    """Candidates whose transfer score is their log size and source score, less a lock for the first."""
    rng = np.random.default_rng(seed)
    found = []
    for index in range(count):
        parameters, macs = (int(10 ** rng.uniform(3, 5)) for _ in range(2))
        source = float(rng.uniform(0.8, 0.95))
        transfer = float(np.log(parameters) + 0.5 * np.log(macs) + 10 * source) - (lock if index == 0 else 0.0)
        cost = HardwareCost(1e-5, 1e-6, parameters, macs)
        found.append(Candidate((index,), source, transfer, transfer + 1, transfer + 2, cost, 0.0))
    return found


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_what_size_and_source_explain_is_no_lock(seed: int) -> None:
    found = candidates_of(seed)
    trend = Trend.fit(found)
    assert trend.excess(found) == pytest.approx(np.zeros((60, 3)), abs=0.4)


@given(seed=st.integers(0, 1000), lock=st.floats(1, 5))
@settings(max_examples=20, deadline=None)
def test_a_lock_stands_out_by_about_its_depth(seed: int, lock: float) -> None:
    trend = Trend.fit(candidates_of(seed))
    locked, *others = candidates_of(seed, lock=lock)
    assert trend.lock(locked) == pytest.approx(-lock, abs=0.5)
    assert trend.lock(locked) < min(trend.lock(one) for one in others)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_or_equal_candidates_are_no_harm(count: int) -> None:
    trend = Trend.fit(candidates_of(0, count=1) * count)
    assert np.isfinite(trend.excess(candidates_of(1))).all()


def test_a_candidate_is_judged_alike_alone_and_in_company() -> None:
    found = candidates_of(3)
    trend = Trend.fit(found)
    together = trend.excess(found)
    assert np.allclose(together, [trend.excess([one])[0] for one in found])
