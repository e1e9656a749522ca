from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from archlock.config import RunSettings
from archlock.executors import SerialExecutor
from archlock.locking.budgets import draw_population
from archlock.locking.knowledge import Knowledge, learn
from archlock.locking.laboratory import Laboratory
from archlock.locking.plan import Plan, make_plan
from archlock.locking.search import Outcome, run_search
from archlock.runs import InMemoryRun, Workshop
from archlock.spaces.protocol import Genotype
from archlock.tasks.ledger import Ledger

SettingsOf = Callable[..., RunSettings]


def settings_of(**changes: Any) -> RunSettings:
    """The smallest search that has every part, with some sections changed."""
    base: dict[str, Any] = {
        "seed": 1,
        "source": {"task": "digits", "micro_tolerance": 0.5},
        "targets": {
            "search": [{"name": "textures", "samples": 90}, {"name": "colours", "samples": 90}],
            "validation": [{"name": "counting", "samples": 90}],
            "held_out": [{"name": "glyphs", "samples": 90}],
        },
        "labels": {
            "architectures": 8,
            "target_architectures": 5,
            "steps": 25,
            "batch": 16,
            "rounds": 1,
            "round_size": 3,
        },
        "proxies": {"names": ["nwot", "synflow"], "architectures": 10, "batch": 8},
        "engine": {"population": 4, "generations": 2},
        "finalists": {"count": 2, "steps": 20},
        "attacks": {"fractions": [1.0], "learning_rates": [0.01], "steps": 4, "edits": ["stem", "all"]},
    }
    return RunSettings.model_validate(
        {key: {**value, **changes.get(key, {})} if isinstance(value, dict) else value for key, value in base.items()}
        | {key: value for key, value in changes.items() if key not in base or not isinstance(base[key], dict)}
    )


def laboratory_of(plan: Plan) -> Laboratory:
    return Laboratory(plan, Workshop(InMemoryRun(), SerialExecutor(), seed=plan.settings.seed), Ledger())


@pytest.fixture(scope="session")
def make_settings() -> SettingsOf:
    return settings_of


@pytest.fixture(scope="session")
def make_laboratory() -> Callable[[Plan], Laboratory]:
    return laboratory_of


@pytest.fixture(scope="session")
def store() -> InMemoryRun:
    """Where `outcome` did its work."""
    return InMemoryRun()


@pytest.fixture(scope="session")
def outcome(store: InMemoryRun) -> Outcome:
    """A whole search."""
    plan = make_plan(settings_of())
    return run_search(plan, Workshop(store, SerialExecutor(), seed=plan.settings.seed))


@pytest.fixture(scope="session")
def laboratory(outcome: Outcome, store: InMemoryRun) -> Laboratory:
    """A real one that finds what `outcome` has measured already, with nothing sealed."""
    return Laboratory(outcome.plan, Workshop(store, SerialExecutor(), seed=outcome.plan.settings.seed), Ledger())


@pytest.fixture(scope="session")
def population(laboratory: Laboratory) -> tuple[Genotype, ...]:
    return draw_population(laboratory, 10)


@pytest.fixture(scope="session")
def knowledge(laboratory: Laboratory, population: tuple[Genotype, ...]) -> Knowledge:
    return learn(laboratory, population)
