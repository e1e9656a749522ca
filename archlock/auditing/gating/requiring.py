"""Clauses of a policy on what was done: budget, targets, attacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archlock.auditing.budgets import BUDGETS, LEFT_OUT
from archlock.auditing.gating.decision import Clause
from archlock.auditing.gating.policy import Policy, Required
from archlock.auditing.record import AuditRecord


def required(record: AuditRecord, policy: Policy) -> Iterator[Clause]:
    """Clauses on what was done.

    Args:
        record: of an audit.
        policy: what a release must show.
    """
    needed, targets = policy.required, policy.required.targets or record.target_titles
    if needed.source is not None:
        sources = [task.task for task in record.tasks if task.role == "source"]
        yield Clause("required.source", sources == [needed.source], f"the source was {', '.join(sources) or 'none'}")
    yield _budget(record, needed.budget)
    yield from _targets(record, targets, needed)
    for attack in needed.attacks:
        yield _attack(record, attack, targets, needed)
    if needed.surgery:
        without = [target for target in targets if not _has_surgery(record, target, needed.fraction)]
        said = f"no surgery on {', '.join(without)}" if without else "surgery was tried on every target"
        yield Clause("required.surgery", not without, said)
    if needed.complete:
        left_out = [line.attack for line in record.not_run if line.reason == LEFT_OUT]
        said = f"left out: {', '.join(left_out)}" if left_out else "no attack of the budget was left out"
        yield Clause("required.complete", not left_out, said)


def _targets(record: AuditRecord, targets: Sequence[str], needed: Required) -> Iterator[Clause]:
    """Enough targets, all of them attacked, with enough of their data."""
    shares = {target: [line.fraction for line in record.attacks if line.target == target] for target in targets}
    missing = [target for target, found in shares.items() if not found]
    said = f"not attacked: {', '.join(missing)}" if missing else f"attacked: {', '.join(targets)}"
    yield Clause("required.targets", not missing and bool(targets), said)
    data = {task.sha256 for task in record.tasks if task.task in targets}  # the same data twice is one target
    enough = len(data) >= needed.least_targets
    said = f"{len(data)} targets with data of their own, at least {needed.least_targets}"
    yield Clause("required.least_targets", enough, said)
    reached = min((max(found, default=0.0) for found in shares.values()), default=0.0)
    said = f"the largest share of data on every target was {reached:.0%}"
    yield Clause("required.fraction", reached >= needed.fraction, said)
    sizes = {task.task: task.train for task in record.tasks}
    least = min((sizes.get(target, 0) for target in targets), default=0)
    yield Clause("required.samples", least >= needed.samples, f"the smallest target has {least} training samples")


def _budget(record: AuditRecord, least: str) -> Clause:
    """Whether the record's attackers had the means of the shipped budget whose name it bears, at least ``least``.

    The name alone says nothing, nor do more rates that train nothing: the shipped rates must be among them, every line
    must have taken the steps that its budget gives it, and what decides must have been run with all of its seeds.
    """
    spent, shipped = record.budget, BUDGETS[record.budget.name]
    trials = len(spent.learning_rates)
    # Distillation and undoing share what comes before their trials: half of one trial's steps, and half of each other.
    idle = [line for line in record.attacks if line.steps < trials * shipped.at(line.fraction).steps / 2]
    means = {
        "steps": spent.steps >= shipped.steps and not idle,
        "batch": spent.batch >= shipped.batch,
        "learning rates": set(spent.learning_rates) >= set(shipped.learning_rates),
        "samples": spent.samples >= shipped.samples,
        "seeds": _seeds_of_what_decides(record) >= len({*shipped.seeds, *shipped.repeats}),
    }
    short = [name for name, enough in means.items() if not enough]
    enough = list(BUDGETS).index(spent.name) >= list(BUDGETS).index(least)
    said = f"the budget was {spent.name}, at least {least} is asked for"
    return Clause("required.budget", enough and not short, f"{said}; too few {', '.join(short)}" if short else said)


def _seeds_of_what_decides(record: AuditRecord) -> float:
    """The fewest seeds of an attack or reference that an advantage is the difference of; infinite without any."""
    seeds: dict[tuple[str, str, float], set[int]] = {}
    for line in (*record.attacks, *record.references):
        seeds.setdefault((line.attack, line.target, line.fraction), set()).add(line.seed)
    deciding = ((name, row.target, row.fraction) for row in record.advantages for name in (row.attack, row.reference))
    return min((len(seeds.get(each, ())) for each in deciding), default=float("inf"))


def _attack(record: AuditRecord, attack: str, targets: Sequence[str], needed: Required) -> Clause:
    """Whether an attack ran on every target with enough seeds, each with enough of the data."""
    name = f"required.attacks.{attack}"
    for line in record.not_run:
        if line.attack == attack and line.target is None:
            return Clause(name, False, f"{attack} counts as not run: {line.reason}")
    lines = [line for line in record.attacks if line.attack == attack and line.fraction >= needed.fraction]
    short = [target for target in targets if len({line.seed for line in lines if line.target == target}) < needed.seeds]
    if short:
        said = f"{attack} ran with fewer than {needed.seeds} seeds on {needed.fraction:.0%} of {', '.join(short)}"
        return Clause(name, False, said)
    return Clause(name, bool(targets), f"{attack} ran on every target")


def _has_surgery(record: AuditRecord, target: str, fraction: float) -> bool:
    weakened = {line.attack for line in record.not_run if line.target is None}
    lines = [line for line in record.attacks if line.is_surgery and line.target == target]
    return any(line.attack not in weakened and line.fraction >= fraction for line in lines)
