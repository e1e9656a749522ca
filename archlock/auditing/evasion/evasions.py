"""What a model does so that attackers do not get at its weights: each makes attacks weaker than a thief's.

A forward pass that detaches, rounds or runs without gradients before its head trains the head alone under every tuning
attack, and looks locked. So does a model whose gradients are not its own, that keeps weights where no optimiser looks
for them, or that gives other answers where it is attacked. A thief takes all of these out.
"""

from __future__ import annotations

import torch

from archlock.attacks import ForeignModel, Loot
from archlock.auditing.evasion.faces import CROWDED, DECOY, a_decoy, two_faced
from archlock.auditing.evasion.gradients import masked, misled
from archlock.auditing.evasion.hidden import held_back
from archlock.auditing.evasion.scale import OUT_OF_SCALE, out_of_scale
from archlock.seeding import derive_seed
from archlock.spaces.network import Network
from archlock.tasks.task import Task
from archlock.training.fit import at_once

BATCH, FEWEST = 16, 4
"""Samples that a model is looked at with; fewer of large pictures, whose gradients take gigabytes."""
SPOIL_PROBES = (CROWDED, DECOY, OUT_OF_SCALE)
"""How sentences begin on what weakens heads on frozen features, too; the rest weakens what trains the body."""


def evasions(loot: Loot, task: Task, *, step: int = 1, crowd: int = 1) -> dict[str, str]:
    """What to say of a model that evades attacks, a sentence for each way; nothing of others.

    Args:
        loot: the model.
        task: of the model's input shape.
        step: samples of an attack's gradient step, which a model may tell from those of one who uses it.
        crowd: samples that attacks are tested with at once.
    """
    inputs = task.train.inputs
    count = max(FEWEST, at_once(inputs, BATCH))
    batch = task.train.take(torch.arange(min(count, len(inputs))))

    def body() -> Network:
        return loot.rebuild(task.io, derive_seed(0, "masking"))

    found = {
        "decoy": a_decoy(loot, batch.inputs) if isinstance(loot, ForeignModel) else None,
        "masked": masked(body(), task, batch),
        "misled": misled(body(), task, batch),
        "held back": held_back(body(), batch.inputs),
        "two-faced": two_faced(body(), batch.inputs, inputs[: max(step, count)], inputs[: max(crowd, count)]),
        "out of scale": out_of_scale(body(), batch.inputs),
    }
    return {way: said for way, said in found.items() if said}
