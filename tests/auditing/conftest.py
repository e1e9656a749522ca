"""Records of audits as tests need them, made by code."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from archlock.auditing.advantage import advantages, prices, summarise
from archlock.auditing.record import AttackLine, AuditRecord, BudgetFacts, ModelFacts, NotRun, TaskFacts
from archlock.figures import Figure
from archlock.scores import Origin

sys.path.append(str(Path(__file__).parent))  # under importlib mode the models of this folder have no path

TARGETS = ("glyphs", "darcy")
ATTACKS = ("linear-probe", "fine-tune", "adapters", "distil", "from-scratch", "surgery:side")

MakeRecord = Callable[..., AuditRecord]


def attack_line(attack: str, target: str, value: float, fraction: float = 1.0, seed: int = 0) -> AttackLine:
    """One attack that reaches the same on validation and test data; cost grows with the data."""
    return AttackLine(
        attack=attack, target=target, fraction=fraction, seed=seed, samples=round(600 * fraction), learning_rate=0.01,
        validation=value, value=Figure(value=value, origin=Origin.ATTACKED), macs=1e9 * fraction, trainings=2,
        steps=160,
    )  # fmt: skip


@pytest.fixture(scope="session")
def line() -> Callable[..., AttackLine]:
    return attack_line


@pytest.fixture(scope="session")
def make_record() -> MakeRecord:
    """An audit in which the model helps nowhere, unless told otherwise; see `audited`."""
    return audited


def audited(
    *,
    attacked: float = 0.4,
    by_surgery: float = 0.45,
    public: float = 0.5,
    not_run: tuple[NotRun, ...] = (),
    seeds: tuple[int, ...] = (0,),
    repeats: tuple[int, ...] = (1, 2),
    fractions: tuple[float, ...] = (0.25, 1.0),
    seal: bool = True,
    **changes: Any,
) -> AuditRecord:
    """A record of the standard budget.

    Args:
        attacked, by_surgery, public: what attacks, surgeries and the reference reach, everywhere.
        not_run: as in the record.
        seeds, repeats: of every attack, and of what decides.
        fractions: shares of the data.
        seal: the record is sealed.
        changes: fields that are others.
    """
    reached = {name: by_surgery if name.startswith("surgery:") else attacked for name in ATTACKS}
    lines = attack_lines(reached, fractions, seeds)
    references = attack_lines({"scratch:resnet8": public}, fractions, seeds)
    deciding = {"surgery:side": by_surgery, "linear-probe": attacked}
    lines += attack_lines(deciding, fractions, repeats)
    references += attack_lines({"scratch:resnet8": public}, fractions, repeats)
    spent = BudgetFacts(
        name="standard", steps=80, batch=32, learning_rates=(0.003, 0.01), fractions=fractions, seeds=seeds,
        samples=5_000, repeats=repeats,
    )  # fmt: skip
    fields = {**described(), **compared(lines, references), "budget": spent, "not_run": not_run}
    record = AuditRecord(**{**fields, **changes})
    return record.sealed() if seal else record


def attack_lines(
    reached: Mapping[str, float], fractions: Iterable[float], seeds: Sequence[int]
) -> tuple[AttackLine, ...]:
    """Every attack on every target; it reaches the same everywhere."""
    return tuple(
        attack_line(name, target, value, fraction, seed)
        for target in TARGETS
        for fraction in fractions
        for seed in seeds
        for name, value in reached.items()
    )


def compared(lines: tuple[AttackLine, ...], references: tuple[AttackLine, ...]) -> dict[str, Any]:
    """Fields that hold attacks, or follow from them."""
    rows = advantages(lines, references, dict.fromkeys(TARGETS, 180))
    return {
        "attacks": lines,
        "references": references,
        "advantages": rows,
        "summaries": summarise(rows),
        "prices": prices(lines, references),
    }


def described() -> dict[str, Any]:
    """Fields that no attack changes."""
    tasks = [("digits", "source"), *((target, "target") for target in TARGETS)]
    return {
        "headline": "A sentence.",
        "created_at": "2026-11-01T12:00:00+00:00",
        "versions": {"archlock": "0.1.0"},
        "settings": {"budget": "standard"},
        "settings_sha256": "0" * 64,
        "model": ModelFacts(
            name="model", form="pt2", sha256="ab" * 32, parameters=10_000, macs=1_000_000, input_shape=(3, 16, 16),
            outputs=10,
        ),
        "tasks": tuple(
            TaskFacts(
                task=name, role=role, metric="accuracy", train=600, validation=120, test=180,
                sha256=hashlib.sha256(name.encode()).hexdigest(),
            )
            for name, role in tasks
        ),
        "source_value": Figure(value=0.95, origin=Origin.ATTACKED),
        "estimates": (),
        "predicted": (),
        "layers": (),
        "agreement": (),
    }  # fmt: skip
