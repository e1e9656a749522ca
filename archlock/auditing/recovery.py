"""Whether surgery undoes a lock: one rule, for the headline of an audit and for every view of its record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archlock.auditing.advantage import by_attack, mean_figure, strongest
from archlock.auditing.record import Advantage, AttackLine
from archlock.figures import Figure

SURGERY_SHARE = 0.5
"""Share of the gap between the released model and the reference from which on surgery is said to undo a lock."""


@dataclass(frozen=True)
class Recovery:
    """What surgery adds to a model as it was released, on one target at one share of the data.

    An open student is no surgery: a public architecture comes near the reference whatever the released one is.

    Attributes:
        row: where it comes from.
        surgery: the strongest edit, chosen on validation data; None where none was run.
        reached: mean test metric of that edit; None where none was run.
    """

    row: Advantage
    surgery: str | None
    reached: Figure | None

    @property
    def gap(self) -> float:
        """What the released model lacks to the reference; at most zero where it lacks nothing."""
        return self.row.reference_value.value - self.row.as_released.value

    @property
    def gained(self) -> float:
        """Metric that the edit adds to the strongest attack on the architecture as released; may be negative."""
        return 0.0 if self.reached is None else self.reached.value - self.row.as_released.value

    @property
    def share(self) -> float | None:
        """Share of the gap that is recovered; None where there is no gap, or no surgery."""
        return self.gained / self.gap if self.reached is not None and self.gap > 0 else None

    @property
    def is_locked(self) -> bool:
        """The gap is wider than half the interval of the advantage: what lies within it is noise, and no lock."""
        low, high = self.row.advantage.low, self.row.advantage.high
        return self.gap > (0.0 if low is None or high is None else (high - low) / 2)

    @property
    def undoes_lock(self) -> bool:
        """The released model lacks something, and surgery brings back more than half of it."""
        return self.is_locked and self.share is not None and self.share > SURGERY_SHARE


def recoveries(rows: Iterable[Advantage], attacks: Sequence[AttackLine]) -> tuple[Recovery, ...]:
    """What surgery adds on each row of the headline, in their order.

    Args:
        rows: targets and shares of the data.
        attacks: of the same audit.
    """
    return tuple(_recovery(row, attacks) for row in rows)


def _recovery(row: Advantage, attacks: Sequence[AttackLine]) -> Recovery:
    edits = by_attack([line for line in attacks if line.is_surgery], row.target, row.fraction)
    if not edits:
        return Recovery(row, None, None)
    best = strongest(edits)
    return Recovery(row, best, mean_figure(edits[best]))


def undone(found: Iterable[Recovery]) -> tuple[Recovery, ...]:
    """Those that undo a lock, each target once, at the largest share of its data where that is so."""
    largest: dict[str, Recovery] = {}
    for each in sorted(found, key=lambda each: each.row.fraction):
        if each.undoes_lock:
            largest[each.row.target] = each
    return tuple(largest.values())
