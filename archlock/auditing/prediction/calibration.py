"""Calibration of quick looks: a linear prediction of measured attacks with a conformal interval.

Fitted on anchors, which are models and targets whose attacks were measured; judged on cases disjoint from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from archlock.auditing.prediction.ranges import Range, ranges_of
from archlock.documents import Document
from archlock.errors import UsageError
from archlock.scores import FloatArray

CALIBRATION_FORMAT: Literal["archlock-calibration/1"] = "archlock-calibration/1"
LEVEL = 0.9
RIDGE = 1.0
"""Penalty on standardised coefficients: one anchor's worth of doubt in each."""
LEAST_ANCHORS = 30
PREDICTED_FROM: dict[str, tuple[str, ...]] = {
    "classification": ("probe", "chance", "logme", "h-score", "sfda", "n-leep"),
}
"""Kind of target to the parts of a quick look that predict it."""


@dataclass(frozen=True, eq=False)
class AnchorCases:
    """Quick looks beside measured attacks, of one kind of target.

    Attributes:
        inputs: shape (n, f), in the order of `PREDICTED_FROM`.
        reached: shape (n,), test metric of the strongest attack on the released architecture.
        figures: n, each case in figures, inputs included; empty where no population is to be told.
    """

    inputs: FloatArray
    reached: FloatArray
    figures: tuple[Mapping[str, float | None], ...] = ()

    def __len__(self) -> int:
        return len(self.reached)


class KindCalibration(Document):
    """The prediction for one kind of target.

    Attributes:
        inputs: what it reads of a quick look.
        means, scales: that standardise the inputs.
        coefficients, intercept: of the standardised inputs.
        half_width: of the interval, from the anchors' leave-one-out residuals (Barber et al., 2021, jackknife).
        anchors: how many it was fitted to.
        coverage: share of the judged cases inside their intervals; None before it was judged.
        cases: how many it was judged on, all disjoint from the anchors.
        population: least and greatest of each figure over the anchors and the judged cases, inputs included; see
            `archlock.auditing.prediction.predicting.about_case`. Outside of it no coverage was measured, and none is
            claimed.
    """

    inputs: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float
    half_width: float
    anchors: int
    coverage: float | None = None
    cases: int = 0
    population: dict[str, Range] = Field(default_factory=dict)

    def predict(self, inputs: FloatArray) -> FloatArray:
        """Predicted metric, shape (n,), of inputs (n, f)."""
        standard = (inputs - np.array(self.means)) / np.array(self.scales)
        return np.asarray(standard @ np.array(self.coefficients) + self.intercept)

    def covers(self, cases: AnchorCases) -> FloatArray:
        """Whether each measured attack lies in its interval, shape (n,), 0 or 1."""
        return (np.abs(self.predict(cases.inputs) - cases.reached) <= self.half_width).astype(np.float64)


class Calibration(Document):
    """All kinds, and what they were fitted to.

    Attributes:
        level: nominal level of the intervals.
        attacks: the strongest of these is what is predicted.
        note: the population of anchors.
        spaces: that all networks of the population were drawn from; empty where that is not known.
    """

    format: Literal["archlock-calibration/1"] = CALIBRATION_FORMAT
    level: float
    attacks: tuple[str, ...]
    note: str
    spaces: tuple[str, ...] = ()
    kinds: dict[str, KindCalibration]


def fit_kind(names: Sequence[str], anchors: AnchorCases, level: float = LEVEL) -> KindCalibration:
    """Ridge regression, and the leave-one-out residual that a share of ``level`` stays below.

    Args:
        names: of the inputs.
        anchors: measured cases.
        level: nominal level.

    Raises:
        UsageError: fewer anchors than an interval of this level can be made from.
    """
    if len(anchors) < LEAST_ANCHORS:
        raise UsageError(f"calibration needs {LEAST_ANCHORS} anchors, not {len(anchors)}")
    means, scales = anchors.inputs.mean(axis=0), np.maximum(anchors.inputs.std(axis=0), 1e-9)
    standard = (anchors.inputs - means) / scales
    intercept = float(anchors.reached.mean())
    gram = standard.T @ standard + RIDGE * np.eye(standard.shape[1])
    hat = standard @ np.linalg.solve(gram, standard.T)
    coefficients = np.linalg.solve(gram, standard.T @ (anchors.reached - intercept))
    residuals = anchors.reached - intercept - standard @ coefficients
    # A linear smoother leaves one out in closed form; the mean's own share of the hat is 1 / n.
    left_out = np.abs(residuals / np.maximum(1 - np.diag(hat) - 1 / len(anchors), 1e-9))
    rank = min(int(np.ceil((len(anchors) + 1) * level)), len(anchors))
    return KindCalibration(
        inputs=tuple(names),
        means=tuple(map(float, means)),
        scales=tuple(map(float, scales)),
        coefficients=tuple(map(float, coefficients)),
        intercept=intercept,
        half_width=float(np.sort(left_out)[rank - 1]),
        anchors=len(anchors),
        population=ranges_of(anchors.figures),
    )


def judged(calibration: KindCalibration, cases: AnchorCases) -> KindCalibration:
    """The calibration with the coverage it has on cases that are not among its anchors, and with their population.

    The population is known by figures that no attack went into, so that what is covered has no say in it.
    """
    if not len(cases):
        return calibration
    ends = [{name: bounds[end] for name, bounds in calibration.population.items()} for end in (0, 1)]
    population = ranges_of([*ends, *cases.figures])
    share = float(calibration.covers(cases).mean())
    return calibration.model_copy(update={"coverage": share, "cases": len(cases), "population": population})
