"""Laws of the judgement: what oracle and random are worth, and what must not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlock.errors import BudgetError, UsageError
from archlock.locking.tabular.metrics import Judge, paper_metric, percentiles, raw_threshold, robust_percentiles

seeds = st.integers(0, 2**32 - 1)


def tables(seed, classes=200):
    """Source and target values of some classes, ties included, and a threshold that about a tenth of them meets."""
    rng = np.random.default_rng(seed)
    source, target = np.round(rng.normal(size=(2, classes)), 2)
    return rng, source, target, raw_threshold(source, 90)


@given(seeds)
def test_the_oracle_closes_the_whole_gap(seed):
    _, source, target, threshold = tables(seed)
    judge = Judge.of(source, target, threshold)
    judgement = judge.judge(judge.oracle_picks())
    assert all(judgement.admissible)
    assert judgement.gap_closed == pytest.approx(1)


@given(seeds)
def test_random_admissible_classes_close_nothing_on_average(seed):
    _, source, target, threshold = tables(seed)
    judge = Judge.of(source, target, threshold)
    admissible = np.flatnonzero(judge.admissible)
    # Every admissible class stands once at each place of the five, so that the mean is the exact expectation.
    picks = [np.roll(admissible, shift)[:5] for shift in range(len(admissible))]
    assert np.mean([judge.judge(five).gap_closed for five in picks]) == pytest.approx(0, abs=1e-9)


@given(seeds)
def test_no_admissible_pick_beats_the_oracle(seed):
    rng, source, target, threshold = tables(seed)
    judge = Judge.of(source, target, threshold)
    picks = rng.choice(np.flatnonzero(judge.admissible), size=5, replace=False)
    assert judge.judge(picks).gap_closed <= 1 + 1e-12


@given(seeds)
def test_only_the_order_of_values_matters(seed):
    rng, source, target, threshold = tables(seed)
    picks = rng.choice(len(source), size=5, replace=False)
    before = Judge.of(source, target, threshold).judge(picks)
    after = Judge.of(np.exp(source), 7 + target**3, np.exp(threshold)).judge(picks)
    assert after == before


@given(seeds)
def test_the_numbering_of_classes_does_not_matter(seed):
    rng, source, target, threshold = tables(seed)
    order = rng.permutation(len(source))
    picks = rng.choice(len(source), size=5, replace=False)
    before = Judge.of(source, target, threshold).judge(picks)
    after = Judge.of(source[order], target[order], threshold).judge(np.argsort(order)[picks])
    assert after.gap_closed == pytest.approx(before.gap_closed)
    assert after.target_percentiles == before.target_percentiles


def test_an_inadmissible_pick_counts_as_random_however_low_it_is_on_the_target():
    source, target = np.arange(100.0), np.arange(100.0) * np.where(np.arange(100) % 2, 1, -1)
    judge = Judge.of(source, target, 90.0)
    worst = int(np.argmin(np.where(judge.admissible, np.inf, target)))
    good = judge.oracle_picks()
    judgement = judge.judge((worst, *good[:4]))
    assert judgement.admissible == (False, True, True, True, True)
    assert judgement.target_percentile == pytest.approx((judge.random + judge.target[list(good[:4])].sum()) / 5)
    assert judgement.target_percentiles[0] == judge.target[worst]


def test_percentiles_run_from_zero_to_a_hundred_and_share_ties():
    assert percentiles(np.array([3.0, 1.0, 2.0, 2.0, 9.0])).tolist() == [75.0, 0.0, 37.5, 37.5, 100.0]
    with pytest.raises(UsageError, match="two classes"):
        percentiles(np.array([1.0]))


def test_the_threshold_admits_exactly_the_classes_of_that_percentile():
    values = np.random.default_rng(0).normal(size=500)
    threshold = raw_threshold(values)
    assert ((values >= threshold) == (percentiles(values) >= 95)).all()
    assert raw_threshold(np.array([0.0, 1.0, 1.0, 1.0])) == 1.0  # ties: no class reaches percentile 95


@given(seeds)
def test_a_robust_percentile_is_the_best_that_one_edit_reaches(seed):
    rng = np.random.default_rng(seed)
    plain = percentiles(rng.normal(size=40))
    near = tuple(rng.choice(40, size=rng.integers(0, 6), replace=False) for _ in range(40))
    robust = robust_percentiles(plain, near)
    assert (robust >= plain).all()
    for index, others in enumerate(near):
        assert robust[index] == max([plain[index], *plain[others]])


def test_robust_judging_lets_no_edit_make_a_pick_worth_more():
    _, source, target, threshold = tables(3)
    near = tuple(np.array([(index + 1) % 200]) for index in range(200))
    plain, robust = Judge.of(source, target, threshold), Judge.of(source, target, threshold, near)
    assert robust.random > plain.random
    assert robust.oracle >= plain.oracle


def test_a_threshold_that_too_few_meet_names_what_can_be_met():
    source, target = np.arange(50.0), np.arange(50.0)[::-1]
    with pytest.raises(BudgetError, match=r"threshold 60: 0 of 50 architectures meet it.*at 44 there are as many"):
        Judge.of(source, target, 60.0)
    with pytest.raises(BudgetError, match="5 of 50"):
        Judge.of(source, target, 45.0)
    Judge.of(source, target, 44.0)


def test_a_target_on_which_all_are_equal_has_no_lock():
    with pytest.raises(UsageError, match="no lock to find"):
        Judge.of(np.arange(50.0), np.zeros(50), 30.0)


def test_the_papers_metric_is_a_relative_fall_and_points_lost():
    source, target = np.arange(101.0), np.arange(101.0)
    judge = Judge.of(source, target, 50.0)
    fall = paper_metric(judge.judge((50, 51, 52, 53, 54)), judge.judge((96, 97, 98, 99, 100)))
    assert fall.target_fall == pytest.approx((98 - 52) / 98)
    assert fall.source_lost == pytest.approx(46)
