"""Many trials as one figure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from archlock.errors import UsageError
from archlock.locking.tabular.summary import Outcome, summarise

TASKS = ("a", "b", "c", "d")


def outcomes(ours, tasks=TASKS, seeds=3):
    pairs = [(source, target) for source in tasks for target in tasks if source != target]
    return [Outcome(*pair, seed, ours(*pair, seed), 80.0, 30.0) for pair in pairs for seed in range(seeds)]


def ends(summary):
    return summary.interval.low, summary.interval.high


def width(summary):
    low, high = ends(summary)
    return high - low


def test_two_tasks_are_one_choice_of_pairs_so_that_seeds_alone_are_drawn_again():
    some = outcomes(lambda source, target, seed: 40.0 + TASKS.index(source) + 5 * seed, tasks=TASKS[:2])
    assert summarise(some).interval.over == "seeds"
    assert width(summarise(some)) > 0
    assert summarise([one for one in some if one.seed == 0]).interval is None


def test_random_is_zero_and_the_oracle_one():
    assert summarise(outcomes(lambda *_: 80.0)).mean == 0
    best = summarise(outcomes(lambda *_: 30.0))
    assert (best.mean, *ends(best), best.pooled, best.positive) == (1, 1, 1, 1, 1)
    assert (best.pairs, best.seeds) == (12, 3)


def test_pooled_weighs_pairs_by_their_room_and_the_mean_does_not():
    two = [Outcome("a", "b", 0, 50.0, 100.0, 0.0), Outcome("b", "a", 0, 100.0, 100.0, 90.0)]
    summary = summarise(two)
    assert summary.mean == pytest.approx(0.25)
    assert summary.pooled == pytest.approx(50 / 110)
    assert summary.positive == 0.5


def test_the_interval_holds_the_mean_and_widens_where_tasks_differ():
    rng = np.random.default_rng(0)
    same = summarise(outcomes(lambda *_: 60.0 + rng.normal()))
    by_task = summarise(outcomes(lambda source, *_: 50.0 + 10 * TASKS.index(source) + rng.normal()))
    for one in (same, by_task):
        assert one.interval
        assert one.interval.low <= one.mean <= one.interval.high
        assert one.interval.over == "tasks and seeds"
    assert width(by_task) > 3 * width(same)


def test_resampling_tasks_is_wider_than_resampling_pairs_as_if_they_were_independent():
    several = outcomes(lambda source, target, _: 40.0 + 10 * TASKS.index(source) + 10 * TASKS.index(target), seeds=1)
    gaps = np.array([(one.random - one.ours) / 50 for one in several])
    drawn = gaps[np.random.default_rng(0).integers(len(gaps), size=(4000, len(gaps)))].mean(axis=1)
    summary = summarise(several)
    assert width(summary) > np.quantile(drawn, 0.95) - np.quantile(drawn, 0.05)


def test_admissible_share_is_held_against_95_percent():
    good = [replace(one, admissible=0.96) for one in outcomes(lambda *_: 60.0)]
    assert summarise(good).admissible_enough
    assert not summarise([replace(one, admissible=0.94) for one in good]).admissible_enough


def test_the_same_trials_in_any_order_give_the_same_figures():
    some = outcomes(lambda source, target, seed: 40.0 + 7 * TASKS.index(source) + 3 * TASKS.index(target) + seed)
    mixed = [some[index] for index in np.random.default_rng(1).permutation(len(some))]
    one, other = summarise(some), summarise(mixed)
    assert ends(one) == pytest.approx(ends(other))
    for name in ("mean", "pooled", "positive", "ours"):
        assert getattr(one, name) == pytest.approx(getattr(other, name))


def test_missing_and_repeated_trials_are_refused():
    some = outcomes(lambda *_: 60.0)
    with pytest.raises(UsageError, match="no trials"):
        summarise([])
    with pytest.raises(UsageError, match="same seeds"):
        summarise(some[:-1])
    with pytest.raises(UsageError, match="same seeds"):
        summarise([*some, some[0]])
