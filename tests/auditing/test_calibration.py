"""Calibration of quick audits: leave-one-out in closed form, coverage on what it was not fitted to, and what ships."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archlock.auditing.prediction.calibration import LEAST_ANCHORS, RIDGE, AnchorCases, fit_kind, judged
from archlock.auditing.prediction.predicting import inputs_of, other_family, predict_attack, shipped_calibration
from archlock.auditing.record import PredictedAttack
from archlock.errors import UsageError

NAMES = ("probe", "chance", "logme")


def cases(seed: int, n: int, noise: float = 0.1) -> AnchorCases:
    """Metrics that follow two of three inputs, with noise."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(n, 3))
    return AnchorCases(inputs, 0.5 + inputs @ np.array([0.2, -0.1, 0.0]) + noise * rng.normal(size=n))


def test_the_interval_is_the_residual_of_leaving_one_out() -> None:
    anchors = cases(0, 40)
    found = fit_kind(NAMES, anchors, level=0.9)
    means, scales = anchors.inputs.mean(axis=0), anchors.inputs.std(axis=0)
    standard = (anchors.inputs - means) / scales
    left_out = []
    for one in range(40):
        others = np.arange(40) != one
        x, y = standard[others], anchors.reached[others]
        shift = x.mean(axis=0)
        gram = (x - shift).T @ (x - shift) + RIDGE * np.eye(3)
        weights = np.linalg.solve(gram, (x - shift).T @ (y - y.mean()))
        left_out.append(abs(anchors.reached[one] - y.mean() - (standard[one] - shift) @ weights))
    # 37 of 40 residuals lie within an interval that holds the next of 41 with a probability of 9 in 10.
    assert found.half_width == pytest.approx(np.sort(left_out)[36], rel=0.02)


@settings(max_examples=20)
@given(st.integers(0, 1_000))
def test_intervals_cover_about_what_they_say(seed: int) -> None:
    fitted = judged(fit_kind(NAMES, cases(seed, 200)), cases(seed + 10_000, 2_000))
    assert fitted.cases == 2_000
    assert fitted.coverage is not None
    assert 0.8 < fitted.coverage < 0.97


def test_more_noise_gives_wider_intervals() -> None:
    narrow, wide = (fit_kind(NAMES, cases(3, 100, noise)).half_width for noise in (0.01, 0.1))
    assert wide > 5 * narrow


def test_few_anchors_are_refused() -> None:
    with pytest.raises(UsageError, match=str(LEAST_ANCHORS)):
        fit_kind(NAMES, cases(0, LEAST_ANCHORS - 1))


def test_no_cases_leave_the_coverage_unknown() -> None:
    fitted = fit_kind(NAMES, cases(0, 50))
    assert judged(fitted, AnchorCases(np.empty((0, 3)), np.empty(0))).coverage is None


LOOK: dict[str, Any] = {"probe": [0.4, 0.9], "chance": 0.1,
        "estimates": {"logme": -0.4, "h-score": 1.0, "sfda": -1.2, "n-leep": -1.1}}  # fmt: skip


def test_what_ships_was_judged_on_disjoint_cases_and_covers_what_it_says() -> None:
    [known] = shipped_calibration().kinds.values()
    assert known.cases >= 200
    assert known.coverage is not None
    assert 0.85 <= known.coverage <= 0.95


def like_the_anchors() -> dict[str, float | None]:
    """A model and a target in the middle of the anchors' population."""
    [known] = shipped_calibration().kinds.values()
    return {name: (low + high) / 2 for name, (low, high) in known.population.items() if name not in known.inputs}


def predicted(**changes: Any) -> PredictedAttack:
    """What a look like the anchors' predicts, but for changes to the case."""
    found = predict_attack("glyphs", LOOK, "classification", like_the_anchors() | changes, "hybrid")
    assert found is not None
    return found


def test_a_prediction_has_its_interval_and_never_reads_the_test_metric() -> None:
    found = predicted()
    assert found.outside == ()
    assert found.figure.low is not None
    assert found.figure.high is not None
    assert 0 <= found.figure.low < found.figure.value < found.figure.high <= 1
    assert found.coverage is not None
    assert 0 < found.coverage < 1
    other = predict_attack("glyphs", {**LOOK, "probe": [0.4, 0.1]}, "classification", like_the_anchors(), "hybrid")
    assert other == found


@pytest.mark.parametrize(
    ("name", "figure"),
    [("parameters", 25e6), ("multiply-adds", 4e9), ("width", 224.0), ("source metric", None), ("target samples", 10.0)],
)
def test_a_model_unlike_the_anchors_gets_no_interval_and_is_told_why(name: str, figure: float | None) -> None:
    found = predicted(**{name: figure})
    assert (found.figure.low, found.figure.high, found.coverage) == (None, None, None)
    [why] = found.outside
    assert why.startswith(name)


@pytest.mark.parametrize(
    ("space", "why"),
    [
        (None, "architecture of no known space (hybrid)"),
        ("nasbench201", "architecture of the space nasbench201 (hybrid)"),
    ],
)
def test_a_model_of_another_family_gets_no_interval_however_like_the_anchors_its_figures_are(
    space: str | None, why: str
) -> None:
    found = predict_attack("glyphs", LOOK, "classification", like_the_anchors(), space)
    assert found is not None
    assert found.outside == (why,)
    assert (found.figure.low, found.figure.high, found.coverage, found.cases) == (None, None, None, 0)
    assert found.figure.value == predicted().figure.value


def test_where_the_populations_spaces_are_not_known_no_family_is_another() -> None:
    assert other_family(None, ()) == other_family("hybrid", ()) == ()


def test_a_look_unlike_the_anchors_gets_no_interval() -> None:
    look = {**LOOK, "estimates": {**LOOK["estimates"], "logme": 40.0}}
    found = predict_attack("glyphs", look, "classification", like_the_anchors(), "hybrid")
    assert found is not None
    assert found.figure.low is None
    assert [why.split()[0] for why in found.outside] == ["logme"]


def test_the_population_is_where_coverage_was_measured() -> None:
    anchors, others = cases(0, 100), cases(1, 300)
    sized = [AnchorCases(each.inputs, each.reached, tuple({"parameters": first + place} for place in range(len(each))))
             for each, first in ((anchors, 50.0), (others, 10.0))]  # fmt: skip
    fitted = fit_kind(NAMES, sized[0])
    assert fitted.population == {"parameters": (50.0, 149.0)}
    assert judged(fitted, sized[1]).population == {"parameters": (10.0, 309.0)}
    assert judged(fitted, sized[1]).coverage == judged(fitted, others).coverage


def test_without_calibration_or_without_an_estimate_nothing_is_predicted() -> None:
    assert predict_attack("glyphs", LOOK, "dense", {}, "hybrid") is None
    assert (
        predict_attack("glyphs", {**LOOK, "estimates": {"logme": "two classes"}}, "classification", {}, "hybrid")
        is None
    )
    assert inputs_of(LOOK, ("probe", "sfda")) == pytest.approx([0.4, -1.2])
