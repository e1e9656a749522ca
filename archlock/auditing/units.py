"""Units of work of an audit: each a function of one small job, run in this process or another."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from archlock.attacks import AttackBudget, AttackResult, Loot, attack, train_reference
from archlock.attacks.cost import cost_of
from archlock.attacks.foreign import as_map
from archlock.attacks.grafts import joined, tap_names
from archlock.attacks.method import Prepared, Situation
from archlock.attacks.probes import on_features
from archlock.attacks.trial import train_trial
from archlock.auditing.brought import task_for
from archlock.auditing.budgets import AuditBudget
from archlock.auditing.estimators import Sample, estimate_all
from archlock.auditing.evasion.evasions import evasions
from archlock.auditing.prediction.population import proxy_places
from archlock.auditing.subject import Subject, loot_of
from archlock.iospec import OutputKind
from archlock.scores import Score
from archlock.seeding import derive_seed, torch_generator
from archlock.spaces.network import Network, make_head
from archlock.tasks.settings import TaskSettings
from archlock.tasks.task import Task
from archlock.training.fit import Schedule, evaluate, in_batches

SCRATCH = "scratch:"
"""Before the name of a public architecture that is trained from scratch."""
LOOKED = "linear-probe"
"""The attack that a quick look does on its way."""


@dataclass(frozen=True)
class Case:
    """A model released for a source, and a target that someone wants of it."""

    subject: Subject
    source: TaskSettings
    target: TaskSettings
    budget: AuditBudget

    def loot(self) -> Loot:
        """The model as a thief holds it."""
        model = self.subject.load()
        return loot_of(model, task_for(self.source, model.input_shape, self.budget.samples))

    def task(self) -> Task:
        """The target at the model's input shape."""
        return task_for(self.target, self.subject.load().input_shape, self.budget.samples)


@dataclass(frozen=True)
class AttackCase(Case):
    """One attack at one share of the data, with one seed."""

    attack: str
    fraction: float
    seed: int


def run_attack(case: AttackCase) -> dict[str, Any]:
    """The attack's result, or that of a public architecture from scratch; empty where there is nothing to change."""
    if case.attack.startswith(SCRATCH):
        return _reference(case, case.attack.removeprefix(SCRATCH))
    model = case.subject.load()
    source = task_for(case.source, model.input_shape, case.budget.samples)
    budget = case.budget.at(case.fraction)
    result = attack(case.loot(), case.attack, case.task(), budget, case.seed, source=source, count_cost=True)
    return {} if result is None else asdict(result)


def _reference(case: AttackCase, name: str) -> dict[str, Any]:
    """A public architecture from scratch on the same data."""
    budget = case.budget.at(case.fraction)
    result = train_reference(name, case.task(), budget, case.seed, like=parameters_of(case), count_cost=True)
    return asdict(result)


def parameters_of(case: Case) -> int:
    """Parameters of the audited model."""
    network = case.subject.load().network
    return 0 if network is None else sum(parameter.numel() for parameter in network.parameters())


def find_evasions(case: Case) -> dict[str, str]:
    """What to say of a model that evades attacks on the target; see `archlock.auditing.evasion.evasions`.

    Where the body is trained, it is asked with as many samples as attacks ask with: a model may look at that.
    """
    task = case.task()
    if not case.budget.tunes:
        return evasions(case.loot(), task)
    return evasions(case.loot(), task, step=case.budget.batch, crowd=len(in_batches(task.train.inputs)[0]))


def source_value(case: Case) -> float | None:
    """The model's own metric on the source's test part; None where the head cannot be asked."""
    loot, task = case.loot(), case.task()
    return None if loot.io is None else evaluate(loot.original(), task, task.test)


def quick_look(case: Case) -> dict[str, Any]:
    """Estimates on the target's training features, and a linear probe, from one pass over the samples.

    Returns:
        ``estimates``: name to value or reason; ``probe``: validation and test metric of a linear head at the largest
        learning rate; ``chance``: share of the target's largest class; ``attack``: what the attack `LOOKED` gives
        with all of the data and the first seed, so that it need not see the samples again.
    """
    loot, task = case.loot(), case.task()
    budget, seed = case.budget.at(1.0), case.budget.seeds[0]
    network = loot.rebuild(task.io, Situation(task, budget, seed).head_seed)
    prepared = Prepared(network.head, on_features(network, task))
    probed = _probed(prepared, task, budget, seed)
    fastest = max(probed.trials, key=lambda trial: trial.learning_rate)
    return {
        "estimates": _estimates(loot, prepared.task, task),
        "probe": [fastest.validation, fastest.test],
        "chance": _chance(task),
        "attack": asdict(probed),
    }


def _probed(prepared: Prepared, task: Task, budget: AttackBudget, seed: int) -> AttackResult:
    """A linear head on features that are there, trained as `archlock.attacks.attack` does."""
    trials = []
    for learning_rate in budget.learning_rates:
        schedule = Schedule(budget.steps, budget.batch, learning_rate)
        generator = torch_generator(seed, "batches", task.name)
        trials.append(train_trial(deepcopy(prepared.trained), prepared.task, schedule, generator))
    cost = cost_of(prepared, task, budget)
    return AttackResult(LOOKED, task.name, budget.fraction, len(task.train), tuple(trials), cost)


def _chance(task: Task) -> float:
    """Share of the largest class; 0 for other kinds."""
    if task.io.output is not OutputKind.CLASSES:
        return 0.0
    return float(torch.bincount(task.train.targets).max() / len(task.train))


def _estimates(loot: Loot, seen: Task, task: Task) -> dict[str, float | str]:
    if task.io.output is not OutputKind.CLASSES:
        return {"all": f"{task.name} is no classification"}
    features = seen.train.inputs.flatten(1)
    sample = Sample(features.double().numpy(), seen.train.targets.numpy(), _source_outputs(loot, task))
    found = estimate_all(sample)
    return {name: score.value if isinstance(score, Score) else score.reason for name, score in found.items()}


def _source_outputs(loot: Loot, task: Task) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """Probabilities of the source's classes for the target's training samples, shape (n, classes)."""
    if loot.io is None or loot.io.output is not OutputKind.CLASSES or loot.io.outputs < 2:
        return None
    original = loot.original()
    with torch.inference_mode():
        outputs = torch.cat([original(part) for part in in_batches(task.train.inputs)])
    return np.asarray(torch.softmax(torch.nan_to_num(outputs.double()), dim=1).numpy())


def score_proxies(case: Case) -> dict[str, Any]:
    """Zero-cost scores of the architecture with their places in a reference population; see `proxy_places`."""
    task = case.task()
    return dict(proxy_places(case.loot(), Situation(task, case.budget.at(1.0), case.budget.seeds[0])))


def probe_layers(case: Case) -> list[list[Any]]:
    """What a linear probe reaches on features at several depths: [layer, share of the depth, test metric] each."""
    loot, task = case.loot(), case.task()
    seed = derive_seed(case.budget.seeds[0], "layers", task.name)
    if task.io.output is OutputKind.DENSE:
        return []
    network = loot.rebuild(task.io, seed)
    names = tap_names(network.body, task.io)
    places = [*names, ""]
    found = []
    for place, name in enumerate(places):
        body = _UpTo(network.body, name)
        with torch.no_grad():
            features = body.eval()(task.train.inputs[:2]).shape[1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            probed = Network(body, features, task.io)
            head = make_head(features, task.io)
        schedule = Schedule(case.budget.steps, case.budget.batch, max(case.budget.learning_rates))
        trial = train_trial(head, on_features(probed, task), schedule, torch_generator(seed, "batches"))
        found.append([name or "what the head sees", (place + 1) / len(places), trial.test])
    return found


class _UpTo(nn.Module):
    """A body up to one of its layers; all of it where no layer is named."""

    def __init__(self, body: nn.Module, name: str) -> None:
        super().__init__()
        self.body, self.name = body, name

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer's result as a map."""
        if not self.name:
            return as_map(self.body(x))
        seen: list[torch.Tensor] = []
        hook = self.body.get_submodule(self.name).register_forward_hook(lambda _, __, result: seen.append(result))
        try:
            self.body(x)
        finally:
            hook.remove()
        return as_map(joined(seen, len(x)))
