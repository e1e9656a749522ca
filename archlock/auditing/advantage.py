"""The transfer advantage: what the strongest attack reaches, minus what anyone reaches without the model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from archlock.auditing.record import Advantage, AttackLine, Price, Summary
from archlock.figures import Figure
from archlock.intervals import LEVEL, bootstrap_mean
from archlock.scores import Origin

SHARES = (0.5, 0.75, 0.9, 1.0)
"""Of what the reference reaches: where the price of breaking the lock is asked for."""


def advantages(
    attacks: Sequence[AttackLine], references: Sequence[AttackLine], test_samples: dict[str, int]
) -> tuple[Advantage, ...]:
    """One row per target and data fraction; empty where there are no references.

    The strongest attack, and the strongest reference, are those that an attacker would keep: best on validation data,
    mean over seeds. What is told is their mean test metric.

    Args:
        attacks: on the audited model.
        references: on the same targets, fractions and seeds.
        test_samples: target to the size of its test part.
    """
    rows = []
    for target, fraction in dict.fromkeys((line.target, line.fraction) for line in references):
        own = by_attack(attacks, target, fraction)
        public = by_attack(references, target, fraction)
        released = {name: lines for name, lines in own.items() if lines[0].is_as_released}
        if not released or not public:
            continue
        best, before, rival = strongest(own), strongest(released), strongest(public)
        reached, reference = own[best], public[rival]
        rows.append(
            Advantage(
                target=target,
                fraction=fraction,
                attack=best,
                value=mean_figure(reached),
                released_attack=before,
                as_released=mean_figure(released[before]),
                reference=rival,
                reference_value=mean_figure(reference),
                advantage=_difference(reached, reference, test_samples[target]),
            )
        )
    return tuple(rows)


def summarise(rows: Sequence[Advantage]) -> tuple[Summary, ...]:
    """Mean over targets at each fraction, bootstrapped over targets, and the target where the model helps most."""
    found = []
    for fraction in dict.fromkeys(row.fraction for row in rows):
        own = [row for row in rows if row.fraction == fraction]
        worst = max(own, key=lambda row: row.advantage.value)
        mean = bootstrap_mean([row.advantage.value for row in own], Origin.ATTACKED)
        found.append(
            Summary(
                fraction=fraction, targets=len(own), advantage=mean, worst=worst.advantage, worst_target=worst.target
            )
        )
    return tuple(found)


def prices(attacks: Sequence[AttackLine], references: Sequence[AttackLine]) -> tuple[Price, ...]:
    """The least that reaches each of `SHARES` of the reference with all of the data; surgeries included.

    An attacker stops at what is cheapest, so all fractions compete, and sees validation data alone: whether an attack
    got there is asked of its mean validation metric against the reference's, and its test metric is what is told. A
    reference at or below zero has no shares.
    """
    found = []
    for target in dict.fromkeys(line.target for line in references):
        largest = max(line.fraction for line in references if line.target == target)
        public = by_attack(references, target, largest)
        goal = _mean([line.validation for line in public[strongest(public)]])
        groups = _offers([line for line in attacks if line.target == target])
        for share in SHARES if goal > 0 else ():
            reached = [lines for lines in groups if _mean([line.validation for line in lines]) >= share * goal]
            found.append(_price(target, share, min(reached, key=_cost, default=None)))
    return tuple(found)


def _offers(lines: Sequence[AttackLine]) -> list[list[AttackLine]]:
    """Lines of one target by attack and fraction: what an attacker can choose among, each over its seeds."""
    groups: dict[tuple[str, float], list[AttackLine]] = {}
    for line in lines:
        groups.setdefault((line.attack, line.fraction), []).append(line)
    return list(groups.values())


def _cost(lines: Sequence[AttackLine]) -> tuple[float, int]:
    return _mean([line.macs for line in lines]), lines[0].samples


def _price(target: str, share: float, paid: Sequence[AttackLine] | None) -> Price:
    if paid is None:
        return Price(target=target, share=share, attack=None, macs=None, samples=None, trainings=None)
    macs, samples = _cost(paid)
    trainings = round(_mean([line.trainings for line in paid]))
    return Price(
        target=target, share=share, attack=paid[0].attack, macs=macs, samples=samples, trainings=trainings,
        value=mean_figure(paid),
    )  # fmt: skip


def by_attack(lines: Sequence[AttackLine], target: str, fraction: float) -> dict[str, list[AttackLine]]:
    """Lines on one target at one fraction, by attack: one for each seed."""
    groups: dict[str, list[AttackLine]] = {}
    for line in lines:
        if line.target == target and line.fraction == fraction:
            groups.setdefault(line.attack, []).append(line)
    return groups


def strongest(groups: dict[str, list[AttackLine]]) -> str:
    """The attack that is best on validation data, mean over seeds; the name decides a tie."""
    return max(groups, key=lambda name: (_mean([line.validation for line in groups[name]]), name))


def mean_figure(lines: Sequence[AttackLine]) -> Figure:
    """Mean test metric over seeds."""
    return bootstrap_mean([line.value.value for line in lines], Origin.ATTACKED)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _difference(reached: Sequence[AttackLine], reference: Sequence[AttackLine], samples: int) -> Figure:
    """Difference of means, with an interval from the finite test part and, with several seeds, from their spread.

    Each metric is taken as if it were an accuracy on so many samples, which is exact for classification.
    """
    ours, theirs = ([line.value.value for line in lines] for lines in (reached, reference))
    mean = float(np.mean(ours) - np.mean(theirs))
    variance = sum(_binomial(float(np.mean(values)), samples) + _of_mean(values) for values in (ours, theirs))
    half = float(norm.ppf((1 + LEVEL) / 2) * np.sqrt(variance))
    return Figure(value=mean, origin=Origin.ATTACKED, low=mean - half, high=mean + half, level=LEVEL)


def _binomial(share: float, samples: int) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * (1 - share) / samples


def _of_mean(values: Sequence[float]) -> float:
    return float(np.var(values, ddof=1) / len(values)) if len(values) > 1 else 0.0
