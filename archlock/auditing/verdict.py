"""The sentence at the head of an audit: the attacker's budget, the transfer advantage, and what was not run."""

from __future__ import annotations

from collections.abc import Sequence

from archlock.auditing.record import Advantage, AttackLine, BudgetFacts, NotRun, PredictedAttack, Summary
from archlock.auditing.recovery import recoveries, undone
from archlock.auditing.repeats import repeats_of

SURGERY = "surgery:"
NO_INTERVAL = "outside the calibration's population: no interval"
"""What is said of a prediction for a case that is unlike the calibration's anchors."""


def headline(
    budget: BudgetFacts,
    rows: Sequence[Advantage],
    means: Sequence[Summary],
    predicted: Sequence[PredictedAttack],
    not_run: Sequence[NotRun],
    attacks: Sequence[AttackLine],
    references: Sequence[AttackLine],
) -> str:
    """One sentence, and one on surgery where it undoes the lock of a model that helps; never that a model is secure.

    A model is called not broken only where no attack ends above a reference and no surgery undoes its lock.
    """
    left_out = sorted({each.attack for each in not_run})
    missing = f"; not run: {', '.join(left_out)}" if left_out else ""
    means_of = f"{budget.steps} steps, {_count(len(budget.learning_rates), 'learning rate')} and "
    spent = f"{means_of}{repeats_of(budget, attacks, references).sentence}"
    if not rows:
        return (
            f"Nothing was attacked but by probes ({spent}): the model is not judged; attacks on it as released are "
            f"predicted to reach {_range(predicted)}{missing}."
        )
    top = max(means, key=lambda mean: mean.fraction)
    worst = max((row for row in rows if row.fraction == top.fraction), key=lambda row: row.advantage.value)
    over = f"over {_count(top.targets, 'target')} with {top.fraction:.0%} of the data"
    figure = f"transfer advantage {_points(top.advantage.value)} on average {over}"
    surgery, at_most = _on_surgery(rows, attacks), f"{_points(worst.advantage.value)} ({worst.target}, {worst.attack})"
    helped = {row.target for row in rows if row.advantage.value > 0}
    if helped:
        tail = f"most on {worst.target}, {_points(worst.advantage.value)} by {worst.attack}"
        said = f"The model helps on {len(helped)} of {top.targets} targets ({tail}): {figure}, {spent}{missing}."
        return f"{said} {surgery}." if surgery else said
    if surgery:
        return (
            f"{surgery}; no attack that was run ended above a reference, {spent}: {figure}, at most {at_most}{missing}."
        )
    return f"Not broken by the attacks that were run, {spent}: {figure}, at most {at_most}{missing}."


def _on_surgery(rows: Sequence[Advantage], attacks: Sequence[AttackLine]) -> str:
    """Where an edit of the architecture undoes the lock, see `Recovery.undoes_lock`; empty where none does."""
    told = [
        f"{each.row.target} ({(each.surgery or '').removeprefix(SURGERY)} recovers {each.share:.0%} of the gap)"
        for each in undone(recoveries(rows, attacks))
    ]
    return f"Surgery undoes the lock on {', '.join(told)}" if told else ""


def _range(predicted: Sequence[PredictedAttack]) -> str:
    if not predicted:
        return "an unknown share, as there is no calibration for these targets"
    return ", ".join(f"{each.figure.value:.2f} {_interval(each)}on {each.target}" for each in predicted)


def _interval(predicted: PredictedAttack) -> str:
    """The interval in brackets, or why there is none; empty where neither is known."""
    low, high = predicted.figure.low, predicted.figure.high
    if predicted.outside:
        return f"({NO_INTERVAL}) "
    return "" if low is None or high is None else f"({low:.2f} to {high:.2f}) "


def _points(value: float) -> str:
    return f"{100 * value:+.1f} points"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
