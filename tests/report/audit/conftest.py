"""An audit's record as an audit leaves it, in any size and with any names, and a reader of pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from page_reader import Page

from archlock.auditing.advantage import advantages, prices, summarise
from archlock.auditing.record import (
    Agreement,
    AttackLine,
    AuditRecord,
    BudgetFacts,
    EstimateLine,
    HashedPart,
    LayerTransfer,
    MeasuredRank,
    ModelFacts,
    NotRun,
    PredictedAttack,
    TaskFacts,
)
from archlock.auditing.verdict import headline
from archlock.figures import Figure
from archlock.intervals import accuracy_figure
from archlock.scores import Origin

ATTACKS = {"linear-probe": 0.2, "fine-tune": 0.35, "distil": 0.3, "surgery:stem": 0.4, "surgery:skip": 0.45}
REFERENCES = {"scratch:resnet8": 0.5, "scratch:convnet3": 0.4}
TARGETS = ("glyphs", "presence", "rhythms")
HEX = "0123456789abcdef" * 4
Maker = Callable[..., AuditRecord]


def attack_lines(
    rng: np.random.Generator, means: dict[str, float], targets: tuple[str, ...], fractions: tuple[float, ...],
    seeds: tuple[int, ...], shift: float,
) -> Iterator[AttackLine]:  # fmt: skip
    for target in targets:
        for fraction in fractions:
            for place, (name, mean) in enumerate(means.items()):
                for seed in seeds:
                    value = float(np.clip(mean + shift + 0.3 * fraction + 0.03 * rng.standard_normal(), 0.0, 1.0))
                    yield AttackLine(
                        attack=name, target=target, fraction=fraction, seed=seed, samples=round(600 * fraction),
                        learning_rate=0.01, validation=value, value=accuracy_figure(value, 180, Origin.ATTACKED),
                        macs=1e6 * 30.0**place * fraction, trainings=1 + place, steps=80,
                    )  # fmt: skip


def task_facts(targets: tuple[str, ...], source: str) -> tuple[TaskFacts, ...]:
    sizes = {"train": 600, "validation": 120, "test": 180, "sha256": HEX}
    return (
        TaskFacts(task=source, role="source", metric="accuracy", **sizes),
        *(TaskFacts(task=title, role="target", metric="accuracy", **sizes) for title in targets),
    )


def model_facts(name: str, weakened: tuple[str, ...]) -> ModelFacts:
    return ModelFacts(
        name=name, form="pt2", sha256=HEX, parameters=25_594, macs=359_392, input_shape=(3, 16, 16), outputs=10,
        weakened=weakened, hashed=(HashedPart(what="zoo/nets.py", sha256="5" * 64),),
    )  # fmt: skip


def estimate_lines(targets: tuple[str, ...]) -> tuple[EstimateLine, ...]:
    known = [
        EstimateLine(
            estimator="logme",
            target=target,
            figure=Figure(value=0.1 * place, origin=Origin.PROXY),
            measured=MeasuredRank(kendall_tau=0.41, low=0.36, high=0.46, level=0.9, cases=305),
        )
        for place, target in enumerate(targets)
    ]
    return (*known, EstimateLine(estimator="leep", target=targets[0], figure=None, reason="no source classes"))


def audit_record(
    seed: int = 0,
    targets: tuple[str, ...] = TARGETS,
    fractions: tuple[float, ...] = (0.25, 1.0),
    seeds: tuple[int, ...] = (0,),
    repeats: tuple[int, ...] = (),
    shift: float = 0.0,
    name: str = "hybrid:3-1-2",
    source: str = "digits",
    quick: bool = False,
    not_run: tuple[NotRun, ...] | None = None,
    weakened: tuple[str, ...] = (),
    **changes: Any,
) -> AuditRecord:
    """A sealed record; ``shift`` moves what the attacks reach, so that the model helps or does not.

    ``repeats`` are further seeds of one attack and one reference.
    """
    rng = np.random.default_rng(seed)
    means = dict(list(ATTACKS.items())[:1]) if quick else ATTACKS
    attacks = tuple(attack_lines(rng, means, targets, fractions, seeds, shift))
    public = () if quick else tuple(attack_lines(rng, REFERENCES, targets, fractions, seeds, 0.0))
    if repeats:
        attacks += tuple(attack_lines(rng, {"fine-tune": 0.35}, targets, fractions, repeats, shift))
        public += tuple(attack_lines(rng, {"scratch:resnet8": 0.5}, targets, fractions, repeats, 0.0))
    rows = advantages(attacks, public, dict.fromkeys(targets, 180))
    spent = BudgetFacts(
        name="quick" if quick else "standard", steps=80, batch=32, learning_rates=(0.003, 0.01), fractions=fractions,
        seeds=seeds, samples=5_000, repeats=repeats,
    )  # fmt: skip
    guess = Figure(value=0.6, origin=Origin.PREDICTED, low=0.5, high=0.7, level=0.9)
    predicted = tuple(PredictedAttack(target=each, figure=guess, coverage=0.91, cases=240) for each in targets)
    left_out = (NotRun(attack="undo", reason="no data that it needs"),) if not_run is None else not_run
    fields: dict[str, Any] = {
        "headline": headline(spent, rows, summarise(rows), predicted, left_out, attacks, public),
        "created_at": "2026-03-02T10:11:12+00:00", "versions": {"archlock": "0.1.0", "torch": "2.13.0"},
        "settings": {"model": name, "budget": spent.name, "targets": list(targets)}, "settings_sha256": HEX[::-1],
        "model": model_facts(name, weakened), "tasks": task_facts(targets, source),
        "source_value": accuracy_figure(0.97, 180, Origin.ATTACKED), "budget": spent,
        "estimates": estimate_lines(targets), "predicted": predicted, "attacks": attacks, "references": public,
        "not_run": left_out, "advantages": rows, "summaries": summarise(rows), "prices": prices(attacks, public),
        "layers": () if quick else tuple(
            LayerTransfer(target=target, layer=f"stage{place}.conv", depth=place / 4,
                          value=Figure(value=0.1 * place, origin=Origin.ATTACKED))
            for target in targets for place in range(1, 5)
        ),
        "agreement": (
            Agreement(estimator="logme", kendall_tau=0.33 if len(targets) > 2 else None, targets=len(targets)),
            Agreement(estimator="leep", kendall_tau=None, targets=0),
        ),
    }  # fmt: skip
    return AuditRecord(**(fields | changes)).sealed()


@pytest.fixture(scope="session")
def make_audit() -> Maker:
    return audit_record


@pytest.fixture(scope="session")
def read_page() -> Callable[[str], Page]:
    return Page


@pytest.fixture(scope="session")
def tampered() -> AuditRecord:
    """A record whose headline was rewritten after it was sealed."""
    return audit_record().model_copy(update={"headline": "All is well."})
