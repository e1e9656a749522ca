"""What a release must show: a policy, read from strict YAML, clause by clause."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from archlock.attacks import ATTACKS
from archlock.auditing.budgets import BudgetName
from archlock.documents import Document, Source, located, read_yaml, validate
from archlock.errors import UsageError, did_you_mean

Share = Annotated[float, Field(gt=0, le=1)]
POLICY_FORMAT: Literal["archlock-policy/1"] = "archlock-policy/1"


class Required(Document):
    """What must have been done.

    Attributes:
        source: the task that the audit took the model to be released for; any where none is named.
        budget: at least this one, by its means.
        attacks: each must have run on every required target; a weakened attack counts as not run.
        targets: tasks that must have been attacked; every target of the audit where none are named.
        fraction: a data fraction of at least this much.
        seeds: each attack with at least so many.
        surgery: at least one edit of the architecture must have run on every required target.
        complete: no attack of the budget was left out by name; what has nothing to change on a model may be.
        least_targets: how many targets, at least.
        samples: training samples of every target, at least.
    """

    source: str | None = None
    budget: BudgetName = "standard"
    attacks: tuple[str, ...] = ("linear-probe", "fine-tune", "from-scratch")
    targets: tuple[str, ...] = ()
    fraction: Share = 1.0
    seeds: int = Field(1, ge=1)
    surgery: bool = True
    complete: bool = True
    least_targets: int = Field(1, ge=1)
    samples: int = Field(100, ge=1)


class Limits(Document):
    """What must not be exceeded, in the worst case over required targets, at every fraction that was attacked.

    Attributes:
        advantage: transfer advantage, strongest attack minus reference.
        advantage_high: the same, upper end of its interval.
        mean_advantage: its mean over required targets.
        value: metric of the strongest attack.
        relative: strongest attack as a share of the reference.
        interval_width: of any transfer advantage, so that a verdict is not noise.
        estimate: upper end of the predicted attack on each required target, for audits with the quick budget.
    """

    advantage: float | None = 0.0
    advantage_high: float | None = None
    mean_advantage: float | None = None
    value: float | None = None
    relative: Annotated[float, Field(gt=0)] | None = None
    interval_width: Annotated[float, Field(gt=0)] | None = None
    estimate: float | None = None


class Keeps(Document):
    """What the released model must still be good for.

    Attributes:
        source: least metric on the source's test part.
    """

    source: float | None = None


class Policy(Document):
    """One policy.

    Attributes:
        note: what it is for, in a sentence.
        model_sha256: the only model that it lets through, where given.
        reference_sha256: the only given reference that advantages may be measured against; public networks always may.
        maximum_age_days: of the audit.
    """

    format: Literal["archlock-policy/1"] = POLICY_FORMAT
    note: str = ""
    model_sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    reference_sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    maximum_age_days: Annotated[float, Field(gt=0)] | None = 90
    required: Required = Required()
    limits: Limits = Limits()
    keeps: Keeps = Keeps()


def policy_names() -> tuple[str, ...]:
    """Names of the policies that archlock ships."""
    entries = (files("archlock.configs") / "policies").iterdir()
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml")))


def load_policy(name_or_path: str | Path) -> Policy:
    """Read a policy by its shipped name, or from a YAML file.

    Raises:
        ConfigError: bad YAML, an unknown clause, or a value out of range; with file, line and key.
        UsageError: no such policy.
    """
    source = _source(str(name_or_path))
    policy = validate(Policy, source)
    for index, name in enumerate(policy.required.attacks):
        with located(source, "required", "attacks", index):
            if name not in ATTACKS:
                raise UsageError(f"attack {name!r} is not known.{did_you_mean(name, tuple(ATTACKS))}")
    return policy


def _source(name: str) -> Source:
    if name in policy_names():
        return read_yaml(Path(str(files("archlock.configs") / "policies" / f"{name}.yaml")), f"{name}.yaml")
    if name.endswith((".yaml", ".yml")) or Path(name).is_file():
        return read_yaml(Path(name))
    raise UsageError(f"no policy {name!r}.{did_you_mean(name, policy_names())} Give a YAML file or a shipped name")
