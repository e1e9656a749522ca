"""Measured rank correlations ship for every estimate, and stand beside it where its kind of target was measured."""

from __future__ import annotations

from audited_models import good

from archlock import audit
from archlock.auditing.estimators import ESTIMATORS
from archlock.auditing.prediction.measured import shipped_ranks, with_ranks
from archlock.auditing.prediction.population import NAMES
from archlock.auditing.record import EstimateLine


def line(estimator: str, target: str = "glyphs") -> EstimateLine:
    return EstimateLine(estimator=estimator, target=target, figure=None, reason="not looked at")


def test_every_estimate_has_a_correlation_with_its_interval_and_cases() -> None:
    known = shipped_ranks().kinds["classification"]
    assert set(known) >= {*ESTIMATORS, *(f"proxy:{name}" for name in NAMES), "predictor"}
    for rank in known.values():
        assert -1 <= rank.low <= rank.kendall_tau <= rank.high <= 1
        assert rank.level == 0.9
    assert all(known[name].cases >= 200 for name in ESTIMATORS)
    assert shipped_ranks().note


def test_a_line_gets_the_correlation_of_its_estimator_on_its_kind_of_target() -> None:
    known = shipped_ranks().kinds["classification"]
    kinds = {"glyphs": "classification", "darcy": "regression"}
    given = with_ranks([line("logme"), line("proxy:synflow"), line("logme", "darcy"), line("unheard-of")], kinds)
    assert [each.measured for each in given] == [known["logme"], known["proxy:synflow"], None, None]


def test_a_quick_audit_shows_every_estimate_with_its_correlation_and_the_predictors_word() -> None:
    record = audit(good(), source="digits", targets=("glyphs",), budget="quick", input_shape=(3, 16, 16))
    [foreseen] = [each for each in record.estimates if each.estimator == "predictor"]
    assert (foreseen.figure is None) == bool(foreseen.reason)
    assert all(each.measured is not None for each in record.estimates)
    assert record.measured_on == shipped_ranks().note
