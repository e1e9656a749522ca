"""Scores and their batch form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlock.scores import Direction, Score, ScoreBatch, ScoreFailed

finite = st.floats(-1e9, 1e9)
outcomes = st.lists(finite | st.none(), min_size=2, max_size=12)


def batch(values: list[float | None], better: Direction = "higher") -> ScoreBatch:
    return ScoreBatch.of([ScoreFailed("no") if value is None else Score(value, "s", better) for value in values])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_score_is_finite(value: float) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        Score(value)


def test_a_batch_keeps_values_masks_reasons_unit_and_direction() -> None:
    scores = ScoreBatch.of([Score(2.0, "J", "lower"), ScoreFailed("overflow"), Score(1.0, "J", "lower")])
    assert scores.known.tolist() == [True, False, True]
    assert scores.values[scores.known].tolist() == [2.0, 1.0]
    assert scores.reasons == ("", "overflow", "")
    assert (scores.unit, scores.better) == ("J", "lower")
    assert np.isfinite(scores.values).all()


def test_units_and_directions_do_not_mix() -> None:
    with pytest.raises(ValueError, match="different kinds"):
        ScoreBatch.of([Score(1.0, "J"), Score(1.0, "s")])
    with pytest.raises(ValueError, match="different kinds"):
        ScoreBatch.of([Score(1.0, "s"), Score(1.0, "s", "lower")])


def test_a_batch_of_failures_alone_has_ranks_too() -> None:
    scores = ScoreBatch.of([ScoreFailed("a"), ScoreFailed("b")])
    assert not scores.known.any()
    assert np.isfinite(scores.ranks()).all()
    assert ScoreBatch.of([]).ranks().shape == (0,)


@given(outcomes)
def test_ranks_lie_between_0_and_1_and_average_a_half(values: list[float | None]) -> None:
    ranks = batch(values).ranks()
    assert ((ranks >= 0) & (ranks <= 1)).all()
    assert ranks.mean() == pytest.approx(0.5)


@given(outcomes)
def test_the_better_one_ranks_above_and_a_failure_below_everything_known(values: list[float | None]) -> None:
    ranks = batch(values).ranks()
    for i, first in enumerate(values):
        for j, second in enumerate(values):
            if first is not None and second is not None:
                assert (first > second) == (ranks[i] > ranks[j])
            if first is not None and second is None:
                assert ranks[i] > ranks[j]


@given(st.lists(finite, min_size=2, max_size=12))
def test_lower_is_the_mirror_of_higher(values: list[float]) -> None:
    assert batch([*values], "lower").ranks() == pytest.approx(1 - batch([*values]).ranks())


@given(outcomes, st.randoms(use_true_random=False))
def test_ranks_do_not_depend_on_the_order(values: list[float | None], random: object) -> None:
    order = list(range(len(values)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert batch([values[i] for i in order]).ranks() == pytest.approx(batch(values).ranks()[order])
