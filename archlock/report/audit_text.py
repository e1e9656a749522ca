"""Sentences of an audit's views. Nothing here draws, and nothing here computes a result."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from archlock.auditing.record import Advantage, AuditRecord, NotRun
from archlock.auditing.recovery import Recovery, undone
from archlock.auditing.repeats import repeats_of
from archlock.figures import Figure
from archlock.report import page_text
from archlock.report.audit_findings import is_weakened, source_of, surgeries_on
from archlock.report.page_text import NARROW

HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""Characters that show nothing, turn the direction of the text around them, or may not stand in XML at all."""
PREFIXES = ("", "k", "M", "G", "T", "P", "E")
DIGEST = re.compile(r"[0-9a-f]{64}")
NOT_INTACT = (
    "This record was changed after it was sealed, or was never sealed: its digest does not fit its content, and no "
    "figure in it can be relied on. Audit the model again."
)
NOT_JUDGED = "The model is not judged: the record compares no attack with a reference."


def visible(text: str) -> str:
    r"""A finished view with characters that hide or reorder text written as ``\uXXXX``.

    In JSON that is the same string; in HTML, XML and Markdown it is what the reader should see of such a character.
    """
    return HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def as_json(content: Any) -> str:
    """Indented JSON without NaN, emoji as they are, hidden characters escaped."""
    return visible(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def digest_or_none(text: str) -> str | None:
    """A SHA-256 in hexadecimal digits, or None where the record holds something else."""
    return text if DIGEST.fullmatch(text) else None


def moment(record: AuditRecord) -> str | None:
    """When the record was made, RFC 3339 in UTC; None where it does not say so in a way that can be read."""
    try:
        when = datetime.fromisoformat(record.created_at)
        return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if when.tzinfo else None
    except (ValueError, OverflowError):
        return None


def count_text(value: float) -> str:
    """A count to two or three significant digits with an SI prefix, such as ``1.25 G``; a power of ten beyond those."""
    if not 0 <= value < 1e21:
        return f"{value:.2e}"
    rounded = float(f"{value:.2e}")
    steps = min(int(math.log10(rounded) / 3 + 1e-9), len(PREFIXES) - 1) if rounded >= 1 else 0
    return f"{rounded / 1000.0**steps:.3g}{NARROW}{PREFIXES[steps]}".rstrip(NARROW)


def signed_points(value: float) -> str:
    """A difference of two metrics in points, hundredths of the metric."""
    return f"{100 * value:+.1f} points"


def range_text(figure: Figure, points: bool = False) -> str:
    """`` (90% interval 0.81 to 0.86)``, or nothing where no interval was computed."""
    if figure.low is None or figure.high is None:
        return ""
    level = f"{figure.level:.0%} " if figure.level is not None else ""
    low, high = (f"{100 * end:+.1f}" if points else f"{end:.3f}" for end in (figure.low, figure.high))
    return f" ({level}interval {low} to {high})"


def advantage_sentence(row: Advantage) -> str:
    """The headline of one target: what was reached, beside what anyone reaches without the model."""
    return (
        f"On {row.target} with {row.fraction:.0%} of its training data the strongest attack, {row.attack}, reaches "
        f"{row.value.value:.3f} and the strongest reference, {row.reference}, {row.reference_value.value:.3f}: "
        f"transfer advantage {signed_points(row.advantage.value)}{range_text(row.advantage, points=True)}."
    )


def recovery_sentence(found: Recovery) -> str:
    """What surgery adds on one target."""
    row = found.row
    before = f"{row.target}, {row.fraction:.0%} of the data: {row.as_released.value:.3f} as released, by "
    before += row.released_attack
    if found.reached is None:
        return f"{before}; no surgery was run."
    after = f"{before}; {found.reached.value:.3f} by {found.surgery}"
    if found.share is None:
        return f"{after}; as released it already reached the reference."
    if found.gained <= 0:
        return f"{before}; no surgery was stronger."
    return f"{after}, which recovers {found.share:.0%} of the gap to the reference."


def surgery_text(found: Recovery) -> str:
    """What surgery recovers, in a cell of the first table."""
    if found.surgery is None:
        return "no surgery was run"
    if found.share is None:
        return f"{page_text.points(found.gained)} points by {found.surgery}; there was no gap"
    if found.gained <= 0:
        return "nothing: none was stronger"
    return f"{page_text.percent(found.share, 0)} of the gap, by {found.surgery}"


def not_run_sentence(attack: NotRun) -> str:
    """An attack that was not run, and why."""
    where = f" on {attack.target}" if attack.target else ""
    state = "counts as not run" if is_weakened(attack) else "was not run"
    return f"The attack {attack.attack} {state}{where}: {attack.reason}."


def meanings(record: AuditRecord) -> tuple[str, ...]:
    """What the result means and what it does not, in plain language."""
    return (*_judgement(record), *_on_surgery(record), *_limits(record))


def _judgement(record: AuditRecord) -> tuple[str, ...]:
    if not record.advantages:
        return (NOT_JUDGED,)
    helped = dict.fromkeys(row.target for row in record.advantages if row.advantage.value > 0)
    if helped:
        return (f"Having the model helps on {', '.join(helped)}, at one share of the data at least.",)
    unsure = dict.fromkeys(row.target for row in record.advantages if (row.advantage.high or 0.0) > 0)
    if unsure:
        return (f"No attack that was run ended above a reference; some help cannot be ruled out on {_listed(unsure)}.",)
    return ("No attack that was run ended above a reference, and each interval of the difference lies below zero.",)


def _on_surgery(record: AuditRecord) -> tuple[str, ...]:
    targets = [each.row.target for each in undone(surgeries_on(record))]
    if not targets:
        return ()
    return (
        f"What the model lacks as released on {_listed(targets)} is no lock: whoever edits the architecture gets more "
        "than half of it back.",
    )


def _limits(record: AuditRecord) -> tuple[str, ...]:
    budget = record.budget
    said = [
        "It is no proof: the model was not broken, or was broken only so far, by the attacks that were run, at the "
        f"budget {budget.name}, {budget.steps} steps per training and "
        f"{repeats_of(budget, record.attacks, record.references).sentence}, on the targets named here.",
        "Estimates from features are shown with their agreement with the attacks, and are no verdict.",
    ]
    if record.not_run:
        names = dict.fromkeys(each.attack for each in record.not_run)
        said.append(f"Not run, and so not excluded: {_listed(names)}.")
    said += [f"Attacks here are weaker than a thief's: {each}." for each in record.model.weakened]
    return tuple(said)


def _listed(names: Sequence[str] | dict[str, None]) -> str:
    return ", ".join(names)


def title_of(record: AuditRecord) -> str:
    """What was audited, for a heading."""
    source = source_of(record)
    return f"{record.model.name}, released for {source}" if source else record.model.name
