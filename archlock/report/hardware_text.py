"""Estimates and comparisons of the cost model as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from archlock.hwcost import Cost, Hardware, LayerRow, Workload
from archlock.hwcost.comparison import Pair
from archlock.hwcost.system.cim import Cim
from archlock.hwcost.units.cim_mapping import macro_pieces


def estimate_text(workload: Workload, hardware: Hardware, cost: Cost) -> str:
    """Every layer, the totals, and what else must be known to read them."""
    return "\n".join([_layer_table(cost), *_summary(cost), *remarks(workload, hardware, cost)])


def remarks(workload: Workload, hardware: Hardware, cost: Cost) -> list[str]:
    """What stays on the macros, whether all could, and how far the assignment may be from the best; sentences."""
    said = []
    if cost.schema == "resident":
        said += [resident_sentence(cost), *fit_sentence(workload, hardware)]
    if not cost.proven:
        said.append(bound_sentence(cost))
    return [*said, *cost.notes]


def fit_sentence(workload: Workload, hardware: Hardware) -> list[str]:
    """Whether all stored weights fit the macros at once; nothing on a system without macros."""
    if hardware.cim is None:
        return []
    needed, there = macros_needed(workload, hardware.cim), hardware.cim.macros
    if needed <= there:
        return [f"all stored weights fit: {needed} of {there} macros"]
    return [f"the network does not fit: all stored weights need {needed:,} macros and there are {there:,}"]


def macros_needed(workload: Workload, cim: Cim) -> int:
    """Macros that hold all stored weights at once, each layer on its own."""
    return int(macro_pieces(workload.layers, cim).sum())


def compare_text(pairs: Sequence[Pair]) -> str:
    """One line for each pair of system and schema; below, why some cannot run the network."""
    head = ["hardware", "schema", "latency us", "per second", "energy uJ", "time bound by", "energy goes to"]
    stays = any(pair.cost and pair.cost.preload_s > 0 for pair in pairs)
    if stays:
        head.append("once before, us / uJ")
    lines = [table(head, [_compared(pair, stays) for pair in pairs])]
    for pair in pairs:
        if pair.cost is None:
            lines.append(f"{pair.hardware}, {pair.schema}: {pair.reason}")
        elif not pair.cost.proven:
            lines.append(f"{pair.hardware}, {pair.schema}: {bound_sentence(pair.cost)}")
        notes = pair.cost.notes if pair.cost else ()
        lines += [f"{pair.hardware}, {pair.schema}: {note}" for note in notes]
    return "\n".join(lines)


def _compared(pair: Pair, stays: bool) -> list[str]:
    cost = pair.cost
    if cost is None:
        return [pair.hardware, pair.schema, "-", "-", "-", "-", "cannot run, see below", *([""] if stays else [])]
    cells = [
        cost.hardware,
        cost.schema,
        us(cost.latency_s),
        f"{cost.throughput_per_s:,.0f}",
        uj(cost.energy_j),
        largest(cost.latency_by_bound_s()),
        largest(cost.energy_by_cause_j),
    ]
    return [*cells, f"{us(cost.preload_s)} / {uj(cost.preload_j)}" if cost.preload_s > 0 else ""] if stays else cells


def bound_sentence(cost: Cost) -> str:
    """How far an assignment that is not proven best could be from the best of its schema."""
    what = "energy" if cost.objective == "energy" else "latency"
    if cost.schema == "pipelined" and what == "latency":
        what = "period"
    bound = f"{uj(cost.objective_bound)} uJ" if what == "energy" else f"{us(cost.objective_bound)} us"
    return f"the assignment is not proven best: the least {what} is {bound} or more, up to {cost.gap:.1%} less"


def resident_sentence(cost: Cost) -> str:
    """Which layers keep their weights on the macros, and what loading them once takes."""
    staying = [row for row in cost.rows if row.resident]
    reloading = sum(reloads(row) for row in cost.rows)
    again = f"{layers(reloading)} on the macros written for every inference"
    if not staying:
        return f"no layer keeps its weights on the macros between inferences; {again}"
    return (
        f"{layers(len(staying))} with weights that stay on the macros, {again}; loading those that stay takes "
        f"{us(cost.preload_s)} us and {uj(cost.preload_j)} uJ once before the first inference, in no figure above"
    )


def layers(count: int) -> str:
    """A number of layers in words."""
    return f"{count} layer" if count == 1 else f"{count} layers"


def reloads(row: LayerRow) -> bool:
    """Whether a layer's operands are written to macros for every inference."""
    return row.unit == "cim" and not row.resident


def weights_word(row: LayerRow) -> str:
    """What happens to a layer's weights between inferences; empty off the macros."""
    return "resident" if row.resident else "loaded each time" if reloads(row) else ""


def _layer_table(cost: Cost) -> str:
    head = ["layer", "kind", "unit", "latency us", "energy uJ", "use", "bound by"]
    on_macros = any(row.unit == "cim" for row in cost.rows)
    rows = [
        [row.name, row.kind, row.unit, us(row.latency_s), uj(row.energy_j), f"{row.utilisation:.0%}", row.bound]
        + ([weights_word(row)] if on_macros else [])
        for row in cost.rows
    ]
    return table([*head, "weights"] if on_macros else head, rows)


def _summary(cost: Cost) -> Iterator[str]:
    yield (
        f"modelled on {cost.hardware}, {cost.schema}: {us(cost.latency_s)} us, {uj(cost.energy_j)} uJ, "
        f"{cost.throughput_per_s:,.0f} per second"
    )
    causes = sorted(cost.energy_by_cause_j.items(), key=lambda item: -item[1])
    yield "energy: " + ", ".join(f"{name} {value / cost.energy_j:.1%}" for name, value in causes if value > 0)


def largest(parts: Mapping[str, float]) -> str:
    """The largest part of a whole and its share."""
    name = max(parts, key=lambda part: parts[part])
    return f"{name} {parts[name] / sum(parts.values()):.0%}"


def us(seconds: float) -> str:
    """Microseconds."""
    return f"{seconds * 1e6:.3f}"


def uj(joules: float) -> str:
    """Microjoules."""
    return f"{joules * 1e6:.4f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widest entry."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows))
    return "\n".join(line.rstrip() for line in lines)
