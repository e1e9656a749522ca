"""The attacks of an audit: which are run on what, with which seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archlock.attacks import ATTACKS, reference_names
from archlock.auditing import units
from archlock.auditing.advantage import advantages
from archlock.auditing.binding import Bound
from archlock.auditing.facts import without_use
from archlock.auditing.lines import attack_line
from archlock.auditing.record import AttackLine
from archlock.auditing.recovery import recoveries
from archlock.runs import Workshop

GIVEN = "given:"
"""Before the name of an attack that was run on the reference that the user gave."""
GIVEN_ATTACKS = tuple(name for name in ("fine-tune", "linear-probe") if name in ATTACKS)


@dataclass(frozen=True)
class Place:
    """One attack on one target, at one share of its data, with one seed."""

    attack: str
    target: str
    fraction: float
    seed: int


class Attackers:
    """Runs what a plan asks for, and the strongest of it again.

    Args:
        bound: the audit.
        workshop: does the units of work.
    """

    def __init__(self, bound: Bound, workshop: Workshop) -> None:
        self._bound, self._plan, self._workshop = bound, bound.plan, workshop
        self._targets = {target.title: target for target in self._plan.targets}

    def attacks(self, looks: Mapping[str, Any]) -> tuple[AttackLine, ...]:
        """Every attack on the model; the probe that a quick look trained is not trained again.

        Args:
            looks: title to quick look; see `archlock.auditing.units.quick_look`.
        """
        first = self._plan.budget.seeds[0]
        known = {Place(units.LOOKED, title, 1.0, first): look["attack"] for title, look in looks.items()}
        names = [name for name in self._plan.budget.attacks if name not in without_use(self._plan)]
        return tuple(self._lines("attack", self._places(names), known))

    def references(self, attacks: Sequence[AttackLine]) -> tuple[AttackLine, ...]:
        """Public networks, as many as there are attacks, and what the user gave, on the same data."""
        if not self._plan.budget.references:
            return ()
        public = [units.SCRATCH + name for name in reference_names(len({line.attack for line in attacks}))]
        given = [] if self._plan.reference is None else [GIVEN + name for name in GIVEN_ATTACKS]
        return tuple(self._lines("references", self._places((*public, *given)), {}))

    def repeated(
        self, attacks: Sequence[AttackLine], references: Sequence[AttackLine]
    ) -> tuple[tuple[AttackLine, ...], tuple[AttackLine, ...]]:
        """Attacks and references, those that decide an advantage with the budget's further seeds, too.

        A strongest one that is weaker on average than by its first seed gives way to the next, which is then repeated,
        until what decides has all seeds.
        """
        own, public = list(attacks), list(references)
        asked = {Place(line.attack, line.target, line.fraction, line.seed) for line in (*own, *public)}
        while missing := self._unrepeated(own, public, asked):
            asked |= set(missing)
            for line in self._lines("repeat the strongest", missing, {}):
                (public if _is_reference(line.attack) else own).append(line)
        return tuple(own), tuple(public)

    def _unrepeated(
        self, attacks: Sequence[AttackLine], references: Sequence[AttackLine], asked: set[Place]
    ) -> list[Place]:
        """What decides an advantage, or that surgery undoes a lock, with the seeds that it was not yet run with."""
        sizes = {title: self._bound.tasks[title].facts.test for title in self._targets}
        rows = advantages(attacks, references, sizes)
        wanted = dict.fromkeys(
            Place(name, each.row.target, each.row.fraction, seed)
            for each in recoveries(rows, attacks)
            for name in (each.row.attack, each.row.released_attack, each.row.reference, each.surgery)
            for seed in self._plan.budget.repeats
            if name is not None
        )
        return [place for place in wanted if place not in asked]

    def _places(self, names: Sequence[str]) -> list[Place]:
        budget = self._plan.budget
        return [
            Place(name, target, fraction, seed)
            for target in self._targets
            for fraction in budget.fractions
            for name in names
            for seed in budget.seeds
        ]

    def _lines(self, stage: str, places: Sequence[Place], known: Mapping[Place, Any]) -> Iterator[AttackLine]:
        """A line for each place, in order; what has nothing to change gives none."""
        jobs = {_key(stage, place): self._case(place) for place in places if place not in known}
        found = self._workshop.do(stage, units.run_attack, jobs) if jobs else {}
        for place in places:
            if result := known.get(place) or found[_key(stage, place)]:
                task = self._bound.tasks[place.target]
                yield attack_line(result, place.attack, place.target, place.seed, task.facts.test, task.kind)

    def _case(self, place: Place) -> units.AttackCase:
        plan, given = self._plan, place.attack.startswith(GIVEN)
        subject = plan.reference if given and plan.reference is not None else plan.subject
        return units.AttackCase(
            subject,
            plan.source,
            self._targets[place.target],
            plan.budget,
            place.attack.removeprefix(GIVEN),
            place.fraction,
            place.seed,
        )


def _is_reference(attack: str) -> bool:
    return attack.startswith((GIVEN, units.SCRATCH))


def _key(stage: str, place: Place) -> tuple[str, str, str, str, int]:
    return stage, place.attack, place.target, f"{place.fraction:.15g}", place.seed
