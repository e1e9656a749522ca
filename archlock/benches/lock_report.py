"""All that ``bench lock`` says: the table, its variants, raw values, and whose votes the vote's are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from archlock.benches.lock_table import as_document, as_text, budgets_by_task, variants_text
from archlock.benches.lock_values import target_values, values_text
from archlock.benches.record import LockRecord
from archlock.benches.setting import Setting

Records = Sequence[LockRecord]


def report_text(records: Records, others: Mapping[str, Records], setting: Setting) -> str:
    """The report as text.

    Args:
        records: of one bench.
        others: variant to its records.
        setting: the table that they are of, with its published scores.
    """
    parts = [as_text(records), variants_text(others), *budget_notes(records, setting), *vote_notes(records, setting)]
    return "\n".join(part for part in (*parts, values_text(target_values(records, setting.table))) if part)


def report_document(records: Records, others: Mapping[str, Records], setting: Setting) -> dict[str, object]:
    """What ``--json`` prints."""
    return as_document(records) | {
        "variants": {name: as_document(them) for name, them in others.items()},
        "target_values": [asdict(one) for one in target_values(records, setting.table)],
        "votes": vote_notes(records, setting),
    }


def budget_notes(records: Records, setting: Setting) -> list[str]:
    """Where a budget is no limit."""
    classes = len(setting.table)
    free = [task for task, budget in budgets_by_task(records).items() if budget >= classes]
    return [f"budgets of {', '.join(free)} are no limit: the table has {classes:,} classes"] if free else []


def vote_notes(records: Records, setting: Setting) -> list[str]:
    """Which tasks are voted on by proxies of another task or by size, where a vote is in the table."""
    tasks = dict.fromkeys(task for one in records for task in (one.source, one.target))
    voted = any("vote" in one.baselines for one in records)
    if not voted and records[0].mode != "paper":
        return []
    stands_in: dict[str, list[str]] = {}
    for task in tasks:
        by = setting.published.voted_by(task)
        if by != task:
            stands_in.setdefault(by, []).append(task)
    notes = [
        f"votes on {', '.join(names)}: by proxies on {by}, which stand in"
        if by
        else f"votes on {', '.join(names)}: by the size of the networks, no published proxies"
        for by, names in stands_in.items()
    ]
    if records[0].mode == "paper":
        notes.append("tables have no pictures: each task is embedded as a random direction of its own")
    return notes
