"""A model that answers attackers otherwise than those who use it."""

from __future__ import annotations

import torch
from torch import Tensor

from archlock.attacks import ForeignModel
from archlock.auditing.evasion.features import same
from archlock.auditing.evasion.modes import settled
from archlock.spaces.network import Network

TRAINED = "the model answers otherwise while it is trained, by more than norms and dropout do"
CROWDED = "the model answers a sample otherwise among many than beside one other"
INFERRED = "the model answers otherwise in torch's inference mode"
DECOY = "a copy of the model answers otherwise than the model: what is attacked is not what is released"


def two_faced(network: Network, inputs: Tensor, step: Tensor, crowd: Tensor) -> str | None:
    """What to say where features differ from those of two samples in evaluation, where attackers ask; else None.

    Args:
        network: is changed.
        inputs: shape (batch, channels, height, width).
        step: begins as ``inputs`` does: what an attack takes a gradient step with.
        crowd: begins as ``inputs`` does: what it is tested with at once.
    """
    body, count = network.body.eval(), len(inputs)
    with torch.no_grad():
        used = torch.cat([body(pair) for pair in inputs.split(2)])  # loading tried pairs; some take no single sample
        crowded = body(crowd)[:count]
    if not same(used[: len(crowded)], crowded):
        return CROWDED
    with torch.random.fork_rng(devices=[]), torch.enable_grad(), settled(body.train()):
        torch.manual_seed(0)
        trained = body(step)[:count].detach()
    if not same(used[: len(trained)], trained):
        return TRAINED
    with torch.inference_mode():  # last: what it caches, no gradient may be taken of
        inferred = body.eval()(inputs).clone()
    return None if same(used, inferred) else INFERRED


def a_decoy(loot: ForeignModel, inputs: Tensor) -> str | None:
    """What to say where a copy of the model, which is what attackers get here, is not the model; else None.

    Args:
        loot: the model.
        inputs: shape (batch, channels, height, width).
    """
    with torch.no_grad():
        given, copied = loot.network.eval()(inputs), loot.original()(inputs)
    return None if same(given, copied) else DECOY
