"""Which figures of published macros the model builds from parts, and which follow from the same source's others.

Both stand in the bar; a figure that was scaled from its neighbour says less, so that the median is given for each kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archlock.hwcost.units.cim_published import Comparison

DERIVED = {
    "sinangil_jssc_2021": "the average lies between the two totals that the same row gives",
    "wang_vlsi_2022": "the source's total at another supply, scaled by the square of the voltages",
}
"""Macro to what its figure follows from: totals of the same source, not parts."""


@dataclass(frozen=True)
class MacroErrors:
    """Relative errors of some published figures.

    Attributes:
        kind: which they are.
        figures: how many.
        median, largest: of the absolute relative error of TOPS/W.
    """

    kind: str
    figures: int
    median: float
    largest: float


def derivation(macro: str) -> str:
    """What a macro's figure follows from; empty where the model builds it from parts."""
    why = DERIVED.get(macro, "")
    return f"derived from the same source's other figures: {why}" if why else ""


def macro_errors(comparisons: Sequence[Comparison]) -> tuple[MacroErrors, ...]:
    """Errors of the figures built from parts, of those derived, and of all; kinds without a figure are left out."""
    judged = [(each.figure.macro in DERIVED, abs(each.error)) for each in comparisons if each.error is not None]
    kinds = {
        "built from parts": [error for derived, error in judged if not derived],
        "derived from the same source's other figures": [error for derived, error in judged if derived],
        "all": [error for _, error in judged],
    }
    return tuple(
        MacroErrors(kind, len(errors), float(np.median(errors)), max(errors))
        for kind, errors in kinds.items()
        if errors
    )


def macro_text(errors: Sequence[MacroErrors]) -> str:
    """One line for each kind."""
    return "\n".join(
        f"TOPS/W, {each.kind}: {each.figures} figures, median error {each.median:.1%}, largest {each.largest:.1%}"
        for each in errors
    )
