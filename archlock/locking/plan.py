"""From settings to objects: names are resolved here, once, before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass

from archlock.attacks import REFERENCES, AttackBudget, edit_names
from archlock.config import RunSettings
from archlock.engines import engine_names
from archlock.errors import ConfigError, did_you_mean
from archlock.hwcost import SCHEMAS, Hardware, load_hardware
from archlock.iospec import IOSpec
from archlock.proxies import find_proxies
from archlock.runs import PlannedStage
from archlock.spaces.protocol import SearchSpace
from archlock.spaces.registry import load_space
from archlock.tasks.ledger import HELD_OUT_ATTACK
from archlock.tasks.registry import load_task
from archlock.tasks.settings import TaskSettings
from archlock.training.fit import Schedule

PROBES = ("linear-probe", "fine-tune")
BASELINES_TRAINED = 2
STEP_S = 0.006
"""Seconds of one training step of a small network at 3x16x16, batch 32, on one core of an ordinary computer."""
TRACE_S = 0.015
"""Seconds of tracing and costing one network, likewise."""


@dataclass(frozen=True)
class Plan:
    """A run, resolved.

    Attributes:
        settings: what the user asked for.
        space: which networks exist.
        hardware: the system that costs are modelled on.
        io: what the released model takes and gives.
        classes: names of the source's classes.
    """

    settings: RunSettings
    space: SearchSpace
    hardware: Hardware
    io: IOSpec
    classes: tuple[str, ...]

    @property
    def attacks(self) -> tuple[str, ...]:
        """Every attack of the run: probes, fine-tuning, then surgeries."""
        return PROBES + tuple(f"surgery:{edit}" for edit in self.settings.attacks.edits)

    @property
    def budgets(self) -> tuple[AttackBudget, ...]:
        """One attacker's budget per data fraction, smallest first."""
        attacks, batch = self.settings.attacks, self.settings.labels.batch
        fractions = sorted(set(attacks.fractions))
        return tuple(AttackBudget(share, attacks.steps, batch, attacks.learning_rates) for share in fractions)

    @property
    def label_schedule(self) -> Schedule:
        """How a label is micro-trained."""
        labels = self.settings.labels
        return Schedule(labels.steps, labels.batch, labels.learning_rate)

    @property
    def finalist_schedule(self) -> Schedule:
        """How a finalist is trained."""
        labels = self.settings.labels
        return Schedule(self.settings.finalists.steps, labels.batch, labels.learning_rate)


def make_plan(settings: RunSettings) -> Plan:
    """Resolve every name of the settings and load the source task.

    Raises:
        ConfigError: a name that is not known, by its key.
        TaskError: a task that cannot be loaded.
    """
    _known("hardware.execution", settings.hardware.execution, SCHEMAS)
    _known("engine.name", settings.engine.name, engine_names())
    for edit in settings.attacks.edits:
        _known("attacks.edits", edit, edit_names())
    find_proxies(settings.proxies.names)
    source = load_task(settings.source.task, input_shape=settings.input.shape)
    space, hardware = load_space(settings.space), load_hardware(settings.hardware.profile)
    for target in all_targets(settings):
        load_task(target, input_shape=settings.input.shape)
    return Plan(settings, space, hardware, source.io, source.classes)


def all_targets(settings: RunSettings) -> tuple[TaskSettings, ...]:
    """Search, validation and held-out targets."""
    targets = settings.targets
    return targets.search + targets.validation + targets.held_out


def _known(key: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise ConfigError(f"{key}: {name!r} is not known.{did_you_mean(name, known)}")


def planned_stages(plan: Plan, workers: int = 1) -> tuple[PlannedStage, ...]:
    """Units of work per stage, with wall-clock seconds per unit: priors of an ordinary computer until measured."""
    settings = plan.settings
    targets, labels, attacks = settings.targets, settings.labels, settings.attacks
    proxied = max(settings.proxies.architectures, labels.architectures)
    trial_s = len(attacks.learning_rates) * attacks.steps * STEP_S
    held_out = len(targets.held_out) * len(plan.budgets)
    count = settings.finalists.count
    baselines = (1 + BASELINES_TRAINED) * len(targets.held_out) * len(PROBES)
    released = 2 * held_out * len(plan.attacks) + held_out * len(REFERENCES)
    stages = (
        ("cost population", proxied, TRACE_S),
        ("embed tasks", 1 + len(targets.search), 1.5),
        ("score proxies", proxied * (1 + len(targets.search)), 0.06),
        ("label source", labels.architectures, labels.steps * STEP_S),
        ("label targets", labels.target_architectures * len(targets.search), labels.steps * STEP_S),
        ("judge predictor", 1, 10.0),
        ("search", 3 * settings.engine.population * settings.engine.generations, TRACE_S),
        ("train finalists", 3 * count + BASELINES_TRAINED, settings.finalists.steps * STEP_S),
        ("attack finalists", count * len(targets.validation) * len(plan.attacks), trial_s),
        ("test on the source", 5, 0.1),
        (HELD_OUT_ATTACK, released + baselines, trial_s),
    )
    return tuple(PlannedStage(name, units, seconds / workers) for name, units, seconds in stages)
