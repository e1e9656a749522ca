"""What a scorer returns: a value with its unit and direction, or the reason why there is none.

Never NaN and never a magic number: a score that could not be had is a `ScoreFailed`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Direction = Literal["higher", "lower"]


class Origin(StrEnum):
    """Source class of a number, named beside it wherever it is shown."""

    TABLE = "table"
    PROXY = "proxy"
    PREDICTED = "predicted"
    MICRO_TRAINED = "micro-trained"
    TRAINED = "trained"
    ATTACKED = "attacked"
    MODELLED = "modelled"


@dataclass(frozen=True)
class Score:
    """A finite value with its unit and the direction that is better.

    Raises:
        ValueError: the value is not finite; report a `ScoreFailed` instead.
    """

    value: float
    unit: str = ""
    better: Direction = "higher"

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"a score must be finite, not {self.value}: report ScoreFailed with the reason")


@dataclass(frozen=True)
class ScoreFailed:
    """Why there is no score."""

    reason: str


@dataclass(frozen=True)
class ScoreBatch:
    """Scores of many candidates.

    Attributes:
        values: shape (n,); what stands where ``known`` is false means nothing.
        known: shape (n,), bool.
        reasons: why each failed; empty where known.
        unit: unit of the values.
        better: the direction that is better.
    """

    values: FloatArray
    known: NDArray[np.bool_]
    reasons: tuple[str, ...]
    unit: str = ""
    better: Direction = "higher"

    @classmethod
    def of(cls, scores: Sequence[Score | ScoreFailed]) -> ScoreBatch:
        """Gather single scores, all of one unit and direction.

        Raises:
            ValueError: the scores differ in unit or direction.
        """
        kinds = {(score.unit, score.better) for score in scores if isinstance(score, Score)}
        if len(kinds) > 1:
            raise ValueError(f"scores of different kinds cannot be one batch: {sorted(kinds)}")
        unit, better = next(iter(kinds), ("", "higher"))
        known = np.array([isinstance(score, Score) for score in scores], dtype=bool)
        values = np.array([score.value if isinstance(score, Score) else 0.0 for score in scores], dtype=np.float64)
        reasons = tuple(score.reason if isinstance(score, ScoreFailed) else "" for score in scores)
        return cls(values, known, reasons, unit, better)

    def ranks(self) -> FloatArray:
        """Rank of each candidate in [0, 1], 1 the best, ties averaged, failed ones last; shape (n,)."""
        from scipy.stats import rankdata

        count = len(self.values)
        if count < 2:
            return np.ones(count)
        signed = self.values if self.better == "higher" else -self.values
        return np.asarray((rankdata(np.where(self.known, signed, -np.inf)) - 1) / (count - 1), dtype=np.float64)
