"""Rules of evidence: every label is in the ledger, seals hold, and no other label has a say in the result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from archlock.attacks import AttackBudget
from archlock.errors import SealedError
from archlock.executors import SerialExecutor
from archlock.locking import units
from archlock.locking.laboratory import Laboratory
from archlock.locking.search import Outcome, run_search
from archlock.runs import InMemoryRun, Workshop
from archlock.spaces.protocol import Genotype
from archlock.tasks.ledger import HELD_OUT_ATTACK, Ledger
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Split, Task

GLYPHS = "glyphs(samples=90)"
COUNTING = "counting(samples=90)"


def noise(split: Split) -> Split:
    """The same inputs under labels that say nothing."""
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(99))
    return Split(split.inputs, split.targets[order])


def test_held_out_targets_are_read_at_one_stage_only(outcome: Outcome) -> None:
    assert {entry.stage for entry in outcome.ledger.entries if entry.task == GLYPHS} == {HELD_OUT_ATTACK}
    assert {entry.stage for entry in outcome.ledger.entries if entry.task == COUNTING} == {"attack finalists"}


def test_the_seal_is_back_when_the_search_ends(outcome: Outcome) -> None:
    with pytest.raises(SealedError):
        outcome.ledger.check(GLYPHS, HELD_OUT_ATTACK)


def test_every_unit_that_reads_a_label_is_in_the_ledger(outcome: Outcome, store: InMemoryRun) -> None:
    free = {"cost population", "search", "judge predictor"}
    done = {stage: count for stage, count in store.counts().items() if stage not in free}
    noted = Counter(entry.stage for entry in outcome.ledger.entries)
    assert {"embed tasks", "score proxies", "label source", "attack finalists", HELD_OUT_ATTACK} <= done.keys()
    # A finalist of two roles is trained once and asked for twice.
    assert all(noted[stage] >= done[stage] for stage in done)
    assert noted["label source"] + noted["label targets"] == done["label source"] + done["label targets"] == 27


def test_a_search_that_finds_its_work_done_keeps_the_same_ledger(outcome: Outcome, store: InMemoryRun) -> None:
    done = sum(store.counts().values())
    again = run_search(outcome.plan, Workshop(store, SerialExecutor(), seed=outcome.plan.settings.seed))
    assert sum(store.counts().values()) == done
    assert again.ledger.entries == outcome.ledger.entries
    assert again.choice == outcome.choice
    assert again.held_out == outcome.held_out


@pytest.mark.parametrize("read", ["label", "proxies", "embed", "attack", "references"])
def test_a_sealed_task_is_refused_before_any_work(
    laboratory: Laboratory, population: tuple[Genotype, ...], outcome: Outcome, read: str
) -> None:
    ledger, done = Ledger(), InMemoryRun()
    ledger.seal(GLYPHS)
    sealed = Laboratory(laboratory.plan, Workshop(done, SerialExecutor()), ledger)
    glyphs, colours = TaskSettings(name="glyphs", samples=90), TaskSettings(name="colours", samples=90)
    budget = AttackBudget(1.0, 1, 8, (0.01,))
    reading: dict[str, Callable[[], object]] = {
        "label": lambda: sealed.micro_attack(population[:2], glyphs, "label targets"),
        "proxies": lambda: sealed.score_proxies(population[:2], glyphs),
        "embed": lambda: sealed.embed((colours, glyphs)),
        "attack": lambda: sealed.attack([outcome.choice.locked], [colours, glyphs], ["fine-tune"], [budget], "x"),
        "references": lambda: sealed.references([glyphs], [budget], HELD_OUT_ATTACK),
    }
    with pytest.raises(SealedError, match="glyphs"):
        reading[read]()
    assert done.counts() == {}
    assert ledger.entries == ()


def test_a_label_is_noted_even_where_buying_it_fails(
    laboratory: Laboratory, population: tuple[Genotype, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(settings: TaskSettings, *, input_shape: tuple[int, int, int]) -> Task:
        raise KeyboardInterrupt

    monkeypatch.setattr(units, "load_task", broken)
    fresh = Laboratory(laboratory.plan, Workshop(InMemoryRun(), SerialExecutor()), Ledger())
    with pytest.raises(Exception, match="interrupted"):
        fresh.micro_train(population[:2], "label source")
    assert len(fresh.ledger.entries) == 2


def test_two_close_data_fractions_are_two_attacks(laboratory: Laboratory, outcome: Outcome) -> None:
    budgets = [AttackBudget(share, 1, 8, (0.01,)) for share in (0.5, 0.50000001)]
    counting = outcome.plan.settings.targets.validation
    found = laboratory.attack([outcome.choice.locked], counting, ["fine-tune"], budgets, "close fractions")
    assert [one.fraction for one in found[outcome.choice.locked.genotype]] == [0.5, 0.50000001]


def poison(monkeypatch: pytest.MonkeyPatch, poisoned: Callable[[Task], Task]) -> None:
    def load(settings: TaskSettings, *, input_shape: tuple[int, int, int]) -> Task:
        return poisoned(load_task(settings, input_shape=input_shape))

    monkeypatch.setattr(units, "load_task", load)


@pytest.mark.slow
def test_labels_that_are_not_in_the_ledger_have_no_say(
    outcome: Outcome, store: InMemoryRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replay: held-out targets and every test part are noise, and the choice is the same to the last bit."""

    def unlisted(task: Task) -> Task:
        if task.name == GLYPHS:
            return replace(task, train=noise(task.train), validation=noise(task.validation), test=noise(task.test))
        return replace(task, test=noise(task.test))

    poison(monkeypatch, unlisted)
    plan, fresh = outcome.plan, InMemoryRun()
    for unit in store.units():
        if unit.key[0] == "cost":  # reads no label and is most of the work
            fresh.put(unit.key, unit.stage, unit.result)
    again = run_search(plan, Workshop(fresh, SerialExecutor(), seed=plan.settings.seed))
    assert again.candidates == outcome.candidates
    assert again.front == outcome.front
    for role in ("locked", "twin", "source_only", "finalists", "within_tolerance", "matched"):
        assert getattr(again.choice, role) == getattr(outcome.choice, role), role
    assert again.baselines == outcome.baselines
    assert again.ledger.entries == outcome.ledger.entries
    assert again.held_out != outcome.held_out, "the noise must have reached what is reported"


@pytest.mark.parametrize("task", ["digits", "textures(samples=90)"])
def test_labels_that_are_in_the_ledger_have_a_say(outcome: Outcome, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The counterpart, without which the replay could pass for the wrong reason."""
    poison(monkeypatch, lambda one: replace(one, train=noise(one.train)) if one.name == task else one)
    laboratory = Laboratory(outcome.plan, Workshop(InMemoryRun(), SerialExecutor()), Ledger())
    labelled = outcome.knowledge.population[:4]
    bought = laboratory.micro_train(labelled, "label source")
    for target in outcome.plan.settings.targets.search:
        if target.title == task:
            bought = laboratory.micro_attack(labelled, target, "label targets")
    assert (bought != outcome.knowledge.tasks[task].labels[:4]).any()
