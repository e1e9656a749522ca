"""What a thief does with a released model: probes, fine-tuning and surgery, with a stated budget, and references."""

from __future__ import annotations

from archlock.attacks.budget import AttackBudget, AttackCost, AttackResult, Trial, strongest
from archlock.attacks.edits import edit_names, edits
from archlock.attacks.foreign import ForeignModel
from archlock.attacks.loot import Loot
from archlock.attacks.reference import REFERENCES, reference_names, train_reference
from archlock.attacks.registry import ATTACKS, attack_names
from archlock.attacks.release import Release
from archlock.attacks.run import attack

__all__ = [
    "ATTACKS",
    "REFERENCES",
    "AttackBudget",
    "AttackCost",
    "AttackResult",
    "ForeignModel",
    "Loot",
    "Release",
    "Trial",
    "attack",
    "attack_names",
    "edit_names",
    "edits",
    "reference_names",
    "strongest",
    "train_reference",
]
