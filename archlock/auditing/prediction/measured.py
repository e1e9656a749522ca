"""How well each estimate orders cases by measured attacks, on models other than the audited one: data that ships."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from archlock.auditing.record import EstimateLine, MeasuredRank
from archlock.documents import Document, read_yaml, validate

SHIPPED = "calibrations/estimators.yaml"


class EstimatorRanks(Document):
    """Rank correlations of estimates with the strongest attack on the architecture as released.

    Attributes:
        note: the cases that they were measured on.
        kinds: kind of target to estimator to its correlation.
    """

    format: Literal["archlock-estimator-ranks/1"] = "archlock-estimator-ranks/1"
    note: str
    kinds: dict[str, dict[str, MeasuredRank]]


@lru_cache(maxsize=1)
def shipped_ranks() -> EstimatorRanks:
    """What archlock ships; ``benchmarks/audit_calibration.py`` measures it."""
    path = Path(str(files("archlock.configs") / SHIPPED))
    return validate(EstimatorRanks, read_yaml(path, SHIPPED))


def with_ranks(lines: Iterable[EstimateLine], kinds: Mapping[str, str]) -> tuple[EstimateLine, ...]:
    """Estimates, each with its measured rank correlation for the kind of its target; None where none was measured.

    Args:
        lines: estimates of an audit.
        kinds: title of a target to its kind.
    """
    known = shipped_ranks().kinds
    return tuple(
        line.model_copy(update={"measured": known.get(kinds.get(line.target, ""), {}).get(line.estimator)})
        for line in lines
    )
