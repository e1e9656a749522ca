"""Clauses of a policy on what was found: limits in the worst case, on average, and of what is predicted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import fmean

from archlock.auditing.gating.decision import Clause
from archlock.auditing.gating.policy import Policy
from archlock.auditing.record import Advantage, AuditRecord, PredictedAttack


def limits(record: AuditRecord, policy: Policy) -> Iterator[Clause]:
    """Clauses on what was found, over the targets that the policy requires, or all where it names none.

    Args:
        record: of an audit.
        policy: what a release must show.
    """
    most, wanted = policy.limits, tuple(dict.fromkeys(policy.required.targets)) or record.target_titles
    rows = [row for row in record.advantages if row.target in wanted]
    worst: dict[str, tuple[float | None, Callable[[Advantage], float]]] = {
        "advantage": (most.advantage, lambda row: row.advantage.value),
        "advantage_high": (most.advantage_high, lambda row: _high(row)),
        "value": (most.value, lambda row: row.value.value),
        "relative": (most.relative, lambda row: row.value.value / max(row.reference_value.value, 1e-9)),
        "interval_width": (most.interval_width, lambda row: _width(row)),
    }
    for name, (limit, figure) in worst.items():
        if limit is not None:
            yield _worst(f"limits.{name}", rows, limit, figure, len(wanted), policy.required.fraction)
    if most.mean_advantage is not None:
        yield _mean(rows, most.mean_advantage, wanted, policy.required.fraction)
    if most.estimate is not None:
        yield _estimate([each for each in record.predicted if each.target in wanted], most.estimate, len(wanted))


def _mean(rows: Sequence[Advantage], limit: float, wanted: Sequence[str], fraction: float) -> Clause:
    """The mean advantage over the targets, at the share of the data where it is largest."""
    name = "limits.mean_advantage"
    if not _compared(rows, len(wanted), fraction):
        return Clause(name, False, _not_compared(fraction))
    shares = dict.fromkeys(row.fraction for row in rows)
    means = {share: fmean(row.advantage.value for row in rows if row.fraction == share) for share in shares}
    share = max(means, key=lambda each: means[each])
    said = f"{means[share]:+.3f} over {', '.join(wanted)} with {share:.0%} of the data, limit {limit:g}"
    return Clause(name, means[share] <= limit, said)


def _estimate(predicted: Sequence[PredictedAttack], limit: float, targets: int) -> Clause:
    """The highest end of the predictions; met only where every target has one."""
    highs = {each.target: each.figure.high for each in predicted if each.figure.high is not None}
    if not highs or len(highs) < targets:
        return Clause("limits.estimate", False, f"an attack was predicted on {len(highs)} of {targets} targets")
    worst = max(highs, key=lambda target: highs[target])
    said = f"a predicted attack reaches up to {highs[worst]:.3f}, on {worst}, limit {limit:g}"
    return Clause("limits.estimate", highs[worst] <= limit, said)


def _worst(
    name: str,
    rows: Sequence[Advantage],
    limit: float,
    figure: Callable[[Advantage], float],
    targets: int,
    fraction: float,
) -> Clause:
    if not _compared(rows, targets, fraction):
        return Clause(name, False, _not_compared(fraction))
    row = max(rows, key=figure)
    value = figure(row)
    said = f"{value:.3f} on {row.target} with {row.fraction:.0%} of the data by {row.attack}, limit {limit:g}"
    return Clause(name, value <= limit, said)


def _compared(rows: Sequence[Advantage], targets: int, fraction: float) -> bool:
    """Whether so many targets have an advantage at this share of their data, or a larger one."""
    return bool(rows) and len({row.target for row in rows if row.fraction >= fraction}) >= targets


def _not_compared(fraction: float) -> str:
    return f"not every target has a reference to compare with at {fraction:.0%} of its data"


def _high(row: Advantage) -> float:
    return row.advantage.value if row.advantage.high is None else row.advantage.high


def _width(row: Advantage) -> float:
    """Width of the interval; infinite where none was computed, so that a limit on it is not met by leaving it out."""
    low, high = row.advantage.low, row.advantage.high
    return float("inf") if low is None or high is None else high - low
