"""The HTML view of a comparison: one network on several systems, under several schemas, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archlock.hwcost import Cost, Workload
from archlock.hwcost.comparison import Pair
from archlock.report.environment import render
from archlock.report.hardware_text import bound_sentence
from archlock.report.pictures_hardware import part_class, stacked_bars
from archlock.scores import Origin


def render_comparison(
    name: str, workload: Workload, pairs: Sequence[Pair], objective: str, notes: Sequence[str] = ()
) -> str:
    """One self-contained page that needs no network, no script and no other file.

    Args:
        name: of the network.
        workload: its layers.
        pairs: at least one of them with a cost.
        objective: what the assignments minimise.
        notes: what was changed or is missing on the way from the model to its layers.
    """
    costs = {title(pair): pair.cost for pair in pairs if pair.cost is not None}
    energies = _parts({each: cost.energy_by_cause_j for each, cost in costs.items()})
    busy = _parts({each: cost.latency_by_unit_s() for each, cost in costs.items()})
    bounds = _parts({each: cost.latency_by_bound_s() for each, cost in costs.items()})
    return render(
        "compare.html",
        name=name,
        workload=workload,
        objective=objective,
        pairs=pairs,
        title=title,
        costs=costs,
        least={each: _least(list(costs.values()), each) for each in ("latency_s", "energy_j")},
        bound_sentence=bound_sentence,
        energies=energies,
        causes=[(cause, part_class(cause)) for cause in _used(energies)],
        units=[(unit, part_class(unit)) for unit in _used(busy)],
        energy_bars=stacked_bars(energies, "J", "energy of one inference"),
        busy_bars=stacked_bars(busy, "s", "time that units are busy with one inference"),
        bounds=bounds,
        bound_names=_used(bounds),
        notes=notes,
        origin=Origin,
    )


def title(pair: Pair) -> str:
    """A pair in a few words."""
    return f"{pair.hardware}, {pair.schema}"


def _parts(bars: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """All bars with the same parts, in the order in which they first occur."""
    names = dict.fromkeys(part for parts in bars.values() for part in parts)
    return {bar: {name: parts.get(name, 0.0) for name in names} for bar, parts in bars.items()}


def _used(bars: dict[str, dict[str, float]]) -> list[str]:
    """Parts that some bar has."""
    names = next(iter(bars.values()))
    return [name for name in names if any(parts[name] > 0 for parts in bars.values())]


def _least(costs: Sequence[Cost], figure: str) -> float:
    return min(float(getattr(cost, figure)) for cost in costs)
