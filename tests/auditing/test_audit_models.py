"""Audits of small modules from end to end: what a record holds, repeats, and does to the model; what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import audited_models as models
import pytest
import torch
from torch import nn

from archlock.auditing.budgets import BUDGETS, AuditBudget
from archlock.auditing.record import AuditRecord
from archlock.audits import audit
from archlock.errors import ModelError, TaskError, UsageError
from archlock.tasks.settings import TaskSettings

SHAPE = (3, 12, 12)
TARGET = TaskSettings(name="textures", samples=60)
OTHER = TaskSettings(name="presence", samples=60)
SMALL = AuditBudget(
    "standard", ("linear-probe", "fine-tune", "from-scratch", "surgery:side"), 2, 8, (0.01,), (0.5, 1.0), (0,), 40, True
)
PROBED = replace(BUDGETS["quick"], steps=2, samples=40)


def audited(network: nn.Module, budget: AuditBudget = SMALL, **arguments: object) -> AuditRecord:
    return audit(
        network, source="digits", targets=[TARGET, OTHER], budget=budget, input_shape=SHAPE, **arguments  # type: ignore[arg-type]
    )  # fmt: skip


def without_time(record: AuditRecord) -> dict[str, object]:
    return record.model_dump(exclude={"created_at", "report_sha256"})


@pytest.fixture(scope="module")
def record() -> AuditRecord:
    return audited(models.good())


def test_every_attack_meets_every_target_at_every_share(record: AuditRecord) -> None:
    met = {(line.attack, line.target, line.fraction) for line in record.attacks}
    assert met == {(name, target.title, share) for name in SMALL.attacks for target in (TARGET, OTHER)
                   for share in SMALL.fractions}  # fmt: skip
    assert {line.attack for line in record.references} == {
        "scratch:resnet8", "scratch:convnet3", "scratch:resnet8-equal-size", "scratch:resnet8#2"
    }  # fmt: skip  # as many tries as attacks
    assert {(row.target, row.fraction) for row in record.advantages} == {(t, f) for _, t, f in met}
    assert record.is_intact


def test_what_was_not_run_is_said(record: AuditRecord) -> None:
    missing = {each.attack for each in record.not_run}
    assert {"hidden-probe", "adapters", "distil", "undo", "surgery:stem"} <= missing
    assert missing.isdisjoint(SMALL.attacks)
    assert all(name in record.headline for name in missing)


def test_an_audit_repeats_and_leaves_the_model_alone(record: AuditRecord) -> None:
    network = models.good().train()
    network.requires_grad_(False)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    again = audited(network)
    assert without_time(again) == without_time(record)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_another_model_stands_beside_the_public_ones() -> None:
    compared = audited(models.good(), replace(SMALL, fractions=(1.0,)), reference=models.good())
    given = {line.attack: line.value.value for line in compared.references if line.target == TARGET.title}
    own = {line.attack: line.value.value for line in compared.attacks if line.target == TARGET.title}
    assert given["given:fine-tune"] == own["fine-tune"]
    assert given["given:linear-probe"] == own["linear-probe"]


def test_a_reference_that_does_not_fit_is_refused_before_anything_is_attacked() -> None:
    with pytest.raises(ModelError, match="gives 7 outputs, but the source task digits has 10"):
        audited(models.good(), reference=models.of_other_classes())


def test_a_budget_that_compares_with_nothing_takes_no_reference() -> None:
    with pytest.raises(UsageError, match="the budget quick compares with no reference"):
        audited(models.good(), PROBED, reference=models.good())


def test_probes_alone_are_not_judged_but_an_attack_that_is_asked_for_is() -> None:
    probed = audited(models.good(), PROBED)
    assert probed.headline.startswith("Nothing was attacked but by probes")
    assert probed.advantages == ()
    asked = audited(models.good(), PROBED, attacks=["fine-tune"])
    assert {line.attack for line in asked.attacks} == {"fine-tune"}
    assert asked.advantages
    assert "but by probes" not in asked.headline


def test_half_precision_is_made_single_and_said() -> None:
    found = audited(models.in_half_precision(), PROBED)
    assert found.model.converted == ("float16 weights were converted to float32",)
    assert found.model.weakened == ()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (models.of_other_classes, "gives 7 outputs, but the source task digits has 10"),
        (models.of_one_channel, "does not take 2 inputs of 3x12x12"),
        (models.with_nan, "head.weight holds NaN or infinite values"),
        (models.without_parameters, "no parameters, so there is nothing to attack"),
        (models.of_two_tensors, "gives tuple, not one tensor"),
    ],
)
def test_a_model_that_cannot_be_audited_is_refused_with_its_reason(make: Callable[[], nn.Module], reason: str) -> None:
    with pytest.raises(ModelError, match=reason) as caught:
        audited(make(), PROBED)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("targets", "error", "reason"),
    [
        (["digits"], UsageError, "is the source task"),
        (["glyphs", "glyphs"], UsageError, "twice"),
        (["glyps"], TaskError, "Did you mean 'glyphs'"),
    ],
)
def test_targets_that_make_no_sense_are_refused(targets: list[str], error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        audit(models.good(), source="digits", targets=targets, budget=PROBED, input_shape=SHAPE)


def test_a_module_must_say_what_it_takes_and_stays_in_this_process(tmp_path: Path) -> None:
    from archlock.executors import make_executor

    with pytest.raises(UsageError, match="give input_shape"):
        audit(models.good(), source="digits", budget="quick")
    with make_executor("processes", 1) as pool, pytest.raises(UsageError, match="cannot be sent to others"):
        audited(models.good(), PROBED, executor=pool)


def test_what_decides_is_run_with_further_seeds() -> None:
    found = audited(models.good(), replace(SMALL, repeats=(1, 2), fractions=(1.0,)))
    seeds: dict[tuple[str, str], set[int]] = {}
    for line in (*found.attacks, *found.references):
        seeds.setdefault((line.attack, line.target), set()).add(line.seed)
    deciding = {(name, row.target) for row in found.advantages for name in (row.attack, row.released_attack)}
    deciding |= {(row.reference, row.target) for row in found.advantages}
    assert all(seeds[each] == {0, 1, 2} for each in deciding)
    assert {0} in seeds.values()  # the others are run once
    assert found.budget.repeats == (1, 2)
    assert len({(line.attack, line.target, line.seed) for line in found.attacks}) == len(found.attacks)
