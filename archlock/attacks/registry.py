"""Attacks by name."""

from __future__ import annotations

from archlock.attacks.adapters import with_adapters
from archlock.attacks.distillation import distil
from archlock.attacks.edits import edit_names
from archlock.attacks.foreign_edits import FOREIGN_EDITS
from archlock.attacks.grafts import GRAFTS, graft
from archlock.attacks.loot import Loot
from archlock.attacks.method import Attack, Prepare, Prepared, Situation
from archlock.attacks.probes import hidden_head, linear_head, probe
from archlock.attacks.tuning import head_alone, initialised_anew, norms_and_head, tune, with_released_head
from archlock.attacks.undoing import undo
from archlock.errors import UsageError, did_you_mean
from archlock.spaces.protocol import SearchSpace

SURGERY = "surgery:"


def _surgery(edit: str) -> Prepare:
    def prepare(loot: Loot, situation: Situation) -> Prepared | None:
        network = loot.edited(edit, situation.target.io, situation.head_seed)
        return None if network is None else Prepared(network, situation.target)

    return prepare


def _graft(part: str) -> Prepare:
    def prepare(loot: Loot, situation: Situation) -> Prepared | None:
        io, seed = situation.target.io, situation.head_seed
        network = graft(part, loot.rebuild(io, seed), io, seed)
        return None if network is None else Prepared(network, situation.target)

    return prepare


ATTACKS: dict[str, Attack] = {
    "linear-probe": Attack("a linear head on frozen features", probe(linear_head)),
    "fine-tune": Attack("everything, under a fresh head (NTLBench: initFC-all)", tune()),
    "hidden-probe": Attack("a head of two layers on frozen features", probe(hidden_head)),
    "tune-head": Attack("a fresh head on a frozen body that adapts its statistics (initFC-FC)", tune(head_alone)),
    "direct-head": Attack("the released head on a frozen body (direct-FC)", tune(head_alone, with_released_head)),
    "direct-all": Attack("everything, from the released head on (direct-all)", tune(None, with_released_head)),
    "norms": Attack("normalisations and a fresh head", tune(norms_and_head)),
    "adapters": Attack("low-rank adapters and a fresh head (LoRA)", tune(None, with_adapters)),
    "from-scratch": Attack("the released architecture with fresh weights", tune(None, initialised_anew)),
    "distil": Attack("an open student of the released features, then fine-tuned", distil),
    "undo": Attack("repaired on disturbed source data, then fine-tuned (TransNTL)", undo, needs_source=True),
    **{SURGERY + part: Attack(f"{part} added, then fine-tuned", _graft(part)) for part in GRAFTS},
    **{
        SURGERY + edit: Attack(f"the edit {edit}, then fine-tuned", _surgery(edit))
        for edit in dict.fromkeys((*edit_names(), *FOREIGN_EDITS))
    },
}


def attack_names(space: SearchSpace | None = None) -> tuple[str, ...]:
    """Attacks on releases of a space, or of any."""
    if space is None:
        return tuple(ATTACKS)
    surgeries = [SURGERY + edit for edit in (*GRAFTS, *edit_names(space))]
    return (*(name for name in ATTACKS if not name.startswith(SURGERY)), *surgeries)


def find_attack(name: str) -> Attack:
    """An attack by name.

    Raises:
        UsageError: no attack of that name.
    """
    if name not in ATTACKS:
        raise UsageError(f"attack {name!r} is not known.{did_you_mean(name, tuple(ATTACKS))}")
    return ATTACKS[name]
