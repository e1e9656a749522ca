"""The comparison that a report is about: locked against twin against what anyone could train from scratch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from archlock.attacks import AttackResult, strongest
from archlock.locking.search import Outcome
from archlock.report.record import Figure, Summary, TargetRow
from archlock.report.statistics import bootstrap_mean
from archlock.scores import Origin
from archlock.spaces.protocol import Genotype
from archlock.tasks.registry import load_task


def target_rows(outcome: Outcome) -> tuple[TargetRow, ...]:
    """One row per held-out target and data fraction."""
    return tuple(
        _row(outcome, target.title, load_task(target, input_shape=outcome.plan.settings.input.shape).metric_name, share)
        for target in outcome.plan.settings.targets.held_out
        for share in (budget.fraction for budget in outcome.plan.budgets)
    )


def _row(outcome: Outcome, target: str, metric: str, fraction: float) -> TargetRow:
    locked = _on(outcome.held_out.attacks[outcome.choice.locked.genotype], target, fraction)
    twin = _on(outcome.held_out.attacks[outcome.choice.twin.genotype], target, fraction)
    public = strongest(_on(outcome.held_out.references, target, fraction))
    locked_released, twin_released = _released(locked), _released(twin)
    locked_best, twin_best = strongest(locked), strongest(twin)
    return TargetRow(
        target=target,
        metric=metric,
        fraction=fraction,
        locked_released=locked_released,
        locked_surgery=locked_best.value,
        locked_attack=locked_best.attack,
        twin_released=twin_released,
        twin_surgery=twin_best.value,
        twin_attack=twin_best.attack,
        public=public.value,
        public_name=public.attack,
        locked_advantage=locked_best.value - public.value,
        twin_advantage=twin_best.value - public.value,
        relative_fall=1 - locked_released / twin_released if twin_released > 0 else 0.0,
    )


def summaries(rows: Sequence[TargetRow]) -> tuple[Summary, ...]:
    """Means over targets at each fraction, smallest first."""
    found = []
    for fraction in sorted({row.fraction for row in rows}):
        here = [row for row in rows if row.fraction == fraction]
        columns = {
            name: bootstrap_mean([getattr(row, name) for row in here], Origin.ATTACKED)
            for name in ("relative_fall", "locked_advantage", "twin_advantage")
        }
        found.append(Summary(fraction=fraction, targets=len(here), **columns))
    return tuple(found)


def released_mean(outcome: Outcome, genotype: Genotype) -> float:
    """Strongest attack before surgery at the largest fraction, mean over held-out targets."""
    fraction = outcome.plan.budgets[-1].fraction
    targets = outcome.plan.settings.targets.held_out
    return float(np.mean([_released(_on(outcome.held_out.attacks[genotype], t.title, fraction)) for t in targets]))


def headline(outcome: Outcome, means: Sequence[Summary], not_run: Sequence[str]) -> str:
    """One sentence: budget, fall before surgery, advantage after it, and what was not tried."""
    most, attacks = means[-1], outcome.plan.settings.attacks
    trials = len(attacks.learning_rates)
    fall, advantage = most.relative_fall, most.locked_advantage
    verdict = "is not broken by" if advantage.value <= 0 else "is broken by"
    return (
        f"The lock {verdict} the attacks that were run: with {most.fraction:.0%} of the data of {most.targets} "
        f"held-out tasks, {attacks.steps} steps and {trials} learning rates per attack, the strongest attack before "
        f"surgery ends {_percent(fall)} below the same attack on the unlocked twin, and after surgery the transfer advantage over "
        f"training a public network from scratch is {_points(advantage)} (twin {_points(most.twin_advantage)}); "
        f"not run: {', '.join(not_run)}."
    )


def _percent(figure: Figure) -> str:
    interval = f" ({figure.low:+.0%} to {figure.high:+.0%})" if figure.low is not None else ""
    return f"{figure.value:.0%}{interval}"


def _points(figure: Figure) -> str:
    """A difference of metrics in points of a hundred."""
    interval = ""
    if figure.low is not None and figure.high is not None:
        interval = f" ({100 * figure.low:+.1f} to {100 * figure.high:+.1f})"
    return f"{100 * figure.value:+.1f} points{interval}"


def _on(results: Sequence[AttackResult], target: str, fraction: float) -> list[AttackResult]:
    return [result for result in results if result.target == target and result.fraction == fraction]


def _released(results: Sequence[AttackResult]) -> float:
    return strongest(result for result in results if not result.is_surgery).value
