"""Where a population lies, and what of a case lies outside of it: an interval holds for cases like its anchors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Range = tuple[float, float]
ROUNDING = 1e-6
"""Relative; what single precision leaves open of a share such as one tenth is no difference."""


def ranges_of(rows: Sequence[Mapping[str, float | None]]) -> dict[str, Range]:
    """Least and greatest of each figure over a population, of the members that have it.

    Args:
        rows: one per member, name to figure.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    found = {name: [value for row in rows if (value := row.get(name)) is not None] for name in names}
    return {name: (float(min(values)), float(max(values))) for name, values in found.items() if values}


def outside(ranges: Mapping[str, Range], figures: Mapping[str, float | None]) -> tuple[str, ...]:
    """What of a case lies outside a population, in words such as ``parameters 11,200,000 (516 to 338,460)``.

    Args:
        ranges: of the population.
        figures: of the case; one that is not known, or not given, lies outside.
    """
    told = []
    for name, (low, high) in ranges.items():
        figure = figures.get(name)
        if figure is None:
            told.append(f"{name} not known")
        elif not low - ROUNDING * abs(low) <= figure <= high + ROUNDING * abs(high):
            told.append(f"{name} {_plain(figure)} ({_span(low, high)})")
    return tuple(told)


def _span(low: float, high: float) -> str:
    return _plain(low) if low == high else f"{_plain(low)} to {_plain(high)}"


def _plain(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}" if abs(value) < 1_000 else f"{value:,.0f}"
