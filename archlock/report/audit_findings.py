"""What an audit's record says, as facts that every view shows alike: recoveries, means over seeds, what was not run.

Nothing here trains, and nothing here words or draws: sentences are in `audit_text`, pictures in `audit_pictures`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from archlock.auditing.record import Advantage, AttackLine, AuditRecord, NotRun, Price
from archlock.auditing.recovery import Recovery, recoveries
from archlock.figures import Figure
from archlock.intervals import bootstrap_mean
from archlock.scores import Origin

WEAKENED = "attack weakened"
"""How the reason of an attack begins that ran on a model which loading could not restore in full."""


@dataclass(frozen=True)
class AttackMean:
    """One attack, or one reference, on one target at one share of the data, over its seeds.

    Attributes:
        is_as_released: see `archlock.auditing.record.AttackLine`.
        value: mean test metric; the interval is that of the only seed, or a bootstrap over seeds.
        validation: mean metric by which the strongest is chosen.
        macs: mean multiply-adds of its training.
        trainings: networks trained, over all seeds.
    """

    attack: str
    is_as_released: bool
    target: str
    fraction: float
    seeds: int
    samples: int
    value: Figure
    validation: float
    macs: float
    trainings: int


def surgeries_on(record: AuditRecord) -> tuple[Recovery, ...]:
    """What surgery recovers on each row of the record's headline, in their order."""
    return recoveries(record.advantages, record.attacks)


def undone_with_less(record: AuditRecord, row: Advantage) -> tuple[Recovery, ...]:
    """The target's other shares of the data at which the lock is undone, the most data first."""
    found = [each for each in surgeries_on(record) if each.row.target == row.target and each.undoes_lock]
    others = [each for each in found if each.row.fraction != row.fraction]
    return tuple(sorted(others, key=lambda each: -each.row.fraction))


def headline_rows(record: AuditRecord) -> tuple[Advantage, ...]:
    """Each target's row with the most data, in the order of the targets."""
    largest: dict[str, Advantage] = {}
    for row in record.advantages:
        if row.target not in largest or row.fraction > largest[row.target].fraction:
            largest[row.target] = row
    order = {title: place for place, title in enumerate(record.target_titles)}
    return tuple(sorted(largest.values(), key=lambda row: order.get(row.target, len(order))))


def helped_rows(record: AuditRecord, target: str) -> tuple[Advantage, ...]:
    """Rows of a target on which having the model helps, the largest advantage first."""
    rows = [row for row in record.advantages if row.target == target and row.advantage.value > 0]
    return tuple(sorted(rows, key=lambda row: -row.advantage.value))


def mean_over_seeds(lines: Iterable[AttackLine]) -> tuple[AttackMean, ...]:
    """Attacks on their targets and fractions, each with the mean over its seeds, in the order of the record."""
    groups: dict[tuple[str, str, float], list[AttackLine]] = {}
    for line in lines:
        groups.setdefault((line.target, line.attack, line.fraction), []).append(line)
    return tuple(_mean(group) for group in groups.values())


def _mean(lines: Sequence[AttackLine]) -> AttackMean:
    first = lines[0]
    values = [line.value.value for line in lines]
    return AttackMean(
        attack=first.attack,
        is_as_released=first.is_as_released,
        target=first.target,
        fraction=first.fraction,
        seeds=len(lines),
        samples=max(line.samples for line in lines),
        value=first.value if len(lines) == 1 else bootstrap_mean(values, Origin.ATTACKED),
        validation=float(np.mean([line.validation for line in lines])),
        macs=float(np.mean([line.macs for line in lines])),
        trainings=sum(line.trainings for line in lines),
    )


def style_of(mean: AttackMean) -> str:
    """Class of an attack's bar: ``released`` on the released architecture, else ``edited``."""
    return "released" if mean.is_as_released else "edited"


def means_on(record: AuditRecord, target: str) -> tuple[tuple[AttackMean, str], ...]:
    """Attacks and then references on one target, over their seeds, each with the class of its bar."""
    attacks = mean_over_seeds(line for line in record.attacks if line.target == target)
    public = mean_over_seeds(line for line in record.references if line.target == target)
    return (*((mean, style_of(mean)) for mean in attacks), *((mean, "reference") for mean in public))


def is_weakened(attack: NotRun) -> bool:
    """The attack ran, but not in full, and so counts as not run."""
    return attack.reason.startswith(WEAKENED)


def not_run_on(record: AuditRecord, target: str) -> tuple[NotRun, ...]:
    """Attacks that were not run on a target, those that were run on none included."""
    return tuple(each for each in record.not_run if each.target in (None, target))


def prices_of(record: AuditRecord, target: str) -> tuple[Price, ...]:
    """The lock's price on one target, by rising share of the reference."""
    return tuple(sorted((each for each in record.prices if each.target == target), key=lambda each: each.share))


def metric_of(record: AuditRecord, target: str) -> str:
    """Name of a task's metric, empty where the record does not describe the task."""
    return next((task.metric for task in record.tasks if task.task == target), "")


def source_of(record: AuditRecord) -> str:
    """The task that the model is released for; empty where the record does not say."""
    return next((task.task for task in record.tasks if task.role == "source"), "")
