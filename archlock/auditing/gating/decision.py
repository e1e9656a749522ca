"""What a gate says: clauses, and whether all are met."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Clause:
    """One clause, and how the record meets it.

    Attributes:
        name: key of the policy, such as ``limits.advantage``.
        passed: the record meets it.
        said: what was found, in a sentence that names the figure.
    """

    name: str
    passed: bool
    said: str


@dataclass(frozen=True)
class Decision:
    """What the gate says.

    Attributes:
        clauses: every clause that the policy has, in order.
    """

    clauses: tuple[Clause, ...]

    @property
    def passed(self) -> bool:
        """Every clause is met."""
        return all(clause.passed for clause in self.clauses)

    @property
    def failed(self) -> tuple[Clause, ...]:
        """Clauses that are not met."""
        return tuple(clause for clause in self.clauses if not clause.passed)

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return {
            "passed": self.passed,
            "clauses": [{"name": one.name, "passed": one.passed, "said": one.said} for one in self.clauses],
        }
