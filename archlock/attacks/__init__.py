"""What a thief does with a released model: probes, fine-tuning and surgery, with a stated budget, and references."""

from __future__ import annotations

from archlock.attacks.budget import AttackBudget, AttackResult, Trial, strongest
from archlock.attacks.edits import edit_names, edits
from archlock.attacks.reference import REFERENCES, train_reference
from archlock.attacks.registry import attack_names
from archlock.attacks.release import Release
from archlock.attacks.run import attack

__all__ = [
    "REFERENCES",
    "AttackBudget",
    "AttackResult",
    "Release",
    "Trial",
    "attack",
    "attack_names",
    "edit_names",
    "edits",
    "strongest",
    "train_reference",
]
