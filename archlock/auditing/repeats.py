"""How many attacks of an audit were run with further seeds: a budget's first seed alone decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archlock.auditing.record import AttackLine, BudgetFacts


@dataclass(frozen=True)
class Repeats:
    """What was repeated; an attack, or a reference, counts once for each target and share of its data.

    Attributes:
        seeds: of an attack that was not repeated.
        most: of one that was; as many as ``seeds`` where none was.
        attacks, references: how many there are.
        repeated_attacks, repeated_references: how many of them were run with more than ``seeds``.
    """

    seeds: int
    most: int
    attacks: int
    references: int
    repeated_attacks: int
    repeated_references: int

    @property
    def sentence(self) -> str:
        """``1 seed per attack``, and how many had more."""
        said = f"{self.seeds} seed{'' if self.seeds == 1 else 's'} per attack"
        return f"{said} ({self.told})" if self.told else said

    @property
    def told(self) -> str:
        """What was repeated, with how many seeds; empty where nothing was."""
        if self.most <= self.seeds:
            return ""
        own = f"{self.repeated_attacks} of {self.attacks} attacks"
        return f"{self.most} for the strongest: {own} and {self.repeated_references} of {self.references} references"


def repeats_of(budget: BudgetFacts, attacks: Sequence[AttackLine], references: Sequence[AttackLine]) -> Repeats:
    """What an audit repeated, counted from its lines and not from what its budget asks for.

    Args:
        budget: of the audit.
        attacks: of the same record.
        references: of the same record.
    """
    first = len(budget.seeds)
    own, public = _seeds(attacks), _seeds(references)
    return Repeats(
        seeds=first,
        most=max((first, *own, *public)),
        attacks=len(own),
        references=len(public),
        repeated_attacks=sum(count > first for count in own),
        repeated_references=sum(count > first for count in public),
    )


def _seeds(lines: Iterable[AttackLine]) -> list[int]:
    """How many seeds each attack was run with, on each target at each share of its data."""
    seeds: dict[tuple[str, str, float], set[int]] = {}
    for line in lines:
        seeds.setdefault((line.attack, line.target, line.fraction), set()).add(line.seed)
    return [len(each) for each in seeds.values()]
