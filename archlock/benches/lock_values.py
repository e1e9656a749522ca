"""What a lock's picks are worth in the units of the target, beside the noise of one training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from archlock.benches.record import LockRecord
from archlock.scores import FloatArray
from archlock.tables import Table
from archlock.tables.noise import Noise

BESIDE = ("source_only", "oracle")


@dataclass(frozen=True)
class TargetValues:
    """Mean raw values on a target over its sources and seeds; every pick counts as it is, before any edit.

    Attributes:
        task, unit: of the values; higher is better, so that errors and losses are negative.
        random: mean of all admissible classes.
        ours: mean of our picks.
        baselines: ``source_only`` and ``oracle`` to the mean of their picks.
        noise: how far two trainings of one network differ; None where the table has no twins.
    """

    task: str
    unit: str
    random: float
    ours: float
    baselines: Mapping[str, float]
    noise: Noise | None


def target_values(records: Sequence[LockRecord], table: Table) -> list[TargetValues]:
    """One per target, in the order of the table.

    Args:
        records: of one bench.
        table: the one that they are of.
    """
    by_target: dict[str, list[LockRecord]] = {}
    for one in records:
        by_target.setdefault(one.target, []).append(one)
    return [_values(table, by_target[task], task) for task in table.tasks if task in by_target]


def _values(table: Table, records: Sequence[LockRecord], task: str) -> TargetValues:
    truth = table.truth[task]

    def mean(picked: Sequence[Sequence[int]]) -> float:
        return float(np.mean([truth[table.classes[list(rows)]].mean() for rows in picked]))

    beside = {name: mean([one.baselines[name].picks for one in records]) for name in BESIDE}
    chance = np.mean([_admissible(table, one, truth).mean() for one in records])
    ours = mean([one.picks for one in records])
    return TargetValues(task, table.units.get(task, ""), float(chance), ours, beside, table.noise.get(task))


def _admissible(table: Table, record: LockRecord, truth: FloatArray) -> FloatArray:
    return truth[table.truth[record.source] >= record.judged_threshold]


def values_text(values: Sequence[TargetValues]) -> str:
    """The table as text."""
    lines = [f"{'target value':<18} {'random':>9} {'source_only':>11} {'ours':>9} {'oracle':>9}  twins differ by"]
    for one in values:
        floor = "no twins" if one.noise is None else f"{one.noise.raw:.3g} ({one.noise.points:.1f} points)"
        title = f"{one.task} [{one.unit}]" if one.unit else one.task
        lines.append(
            f"{title:<18} {one.random:>9.4g} {one.baselines['source_only']:>11.4g} {one.ours:>9.4g} "
            f"{one.baselines['oracle']:>9.4g}  {floor}"
        )
    lines.append(
        "target value: raw, higher is better, picks as they are. twins: one network trained twice, standard deviation "
        "over the better half"
    )
    return "\n".join(lines)
