"""What a model does so that attackers do not get at its weights: each makes attacks weaker than a thief's.

A forward pass that detaches, rounds or runs without gradients before its head trains the head alone under every tuning
attack, and looks locked. So does a model that keeps weights where no optimiser looks for them, or that gives other
answers while it is trained. A thief takes all of these out.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from archlock.attacks import Loot
from archlock.auditing.modes import settled
from archlock.seeding import derive_seed
from archlock.spaces.network import Network
from archlock.tasks.task import Split, Task

BATCH = 16
MOST_WITHOUT = 0.5
"""Share of the weights that make the features above which those without a gradient count as hidden: dead units leave
some out in any network."""
MOST_HELD = 0.01
"""Share of the body's values outside of its parameters above which tuning counts as weakened: constants that a network
needs, such as the mean of its inputs, kernels that blur or tables of places, are fewer."""
SAME = 1e-3
"""Largest difference between two results, relative to the largest value, that arithmetic explains."""
NUDGE = 0.1
CODES = (torch.int8, torch.uint8, torch.int16)
"""Integers that nothing is looked up by: where a network holds them, they are weights."""


def evasions(loot: Loot, task: Task) -> tuple[str, ...]:
    """What to say of a model that evades attacks, one sentence each; nothing of others.

    Args:
        loot: the model.
        task: of the model's input shape.
    """
    batch = task.train.take(torch.arange(min(BATCH, len(task.train))))

    def body() -> Network:
        return loot.rebuild(task.io, derive_seed(0, "masking"))

    found = (masked(body(), task, batch), held_back(body(), batch.inputs), two_faced(body(), batch.inputs))
    return tuple(each for each in found if each)


def masked(network: Network, task: Task, batch: Split) -> str | None:
    """What to say where more than `MOST_WITHOUT` of the weights that make the features get no gradient; else None.

    A weight that gets none and makes no difference either lies behind an edge that is closed, and hides nothing.

    Args:
        network: is changed.
        task: gives the loss.
        batch: of the task's training part.
    """
    network.train()
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)
        task.loss(network(batch.inputs), batch.targets).backward()
    body = network.body.eval()
    silent = [each for each in body.parameters() if each.grad is None or not bool(each.grad.any())]
    heard = sum(each.numel() for each in body.parameters()) - sum(each.numel() for each in silent)
    with torch.no_grad():
        before = body(batch.inputs)
        hidden = sum(each.numel() for each in silent if _takes_part(each.data, body, batch.inputs, before))
    if hidden <= MOST_WITHOUT * (heard + hidden):
        return None
    share = hidden / (heard + hidden)
    return f"{share:.0%} of the body's weights get no gradient: the model detaches or rounds its features"


def held_back(network: Network, inputs: Tensor) -> str | None:
    """What to say where more than `MOST_HELD` of the values that make the features are no parameters; else None.

    A tensor takes part where nudging it changes the features, whether or not gradients reach it.

    Args:
        network: is changed.
        inputs: shape (batch, channels, height, width).
    """
    body = network.body.eval()
    weights = sum(parameter.numel() for parameter in body.parameters())
    with torch.no_grad():
        before = body(inputs)
        held = sum(tensor.numel() for tensor in _apart(body) if _takes_part(tensor, body, inputs, before))
    if held <= MOST_HELD * (weights + held):
        return None
    share = held / (weights + held)
    return f"{held:,} values, {share:.0%} of the body's, lie in buffers, where no attack trains them"


def _takes_part(tensor: Tensor, body: nn.Module, inputs: Tensor, before: Tensor) -> bool:
    kept = tensor.clone()
    try:
        if tensor.is_floating_point():
            noise = torch.randn(tensor.shape, generator=torch.Generator().manual_seed(0)).to(tensor)
            tensor += NUDGE * noise * tensor.float().square().mean().sqrt().clamp_min(NUDGE).to(tensor)
        else:
            tensor ^= 1
        changed = not _same(before, body(inputs))
        tensor.copy_(kept)
    except (RuntimeError, ValueError, IndexError):  # what cannot be nudged is not left out for it
        return True
    return changed


def _apart(body: nn.Module) -> Iterator[Tensor]:
    """Tensors of numbers that are neither parameters nor statistics of norms: buffers, and what lies in attributes."""
    own = {id(parameter) for parameter in body.parameters()}
    for module in body.modules():
        statistics = ("running_mean", "running_var") if isinstance(module, nn.modules.batchnorm._NormBase) else ()
        buffers = [value for name, value in module.named_buffers(recurse=False) if name not in statistics]
        others = [value for name, value in vars(module).items() if name not in ("_parameters", "_buffers", "_modules")]
        for tensor in (*buffers, *_tensors(others)):
            if id(tensor) not in own and (tensor.is_floating_point() or tensor.dtype in CODES):
                own.add(id(tensor))
                yield tensor


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple | set):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def two_faced(network: Network, inputs: Tensor) -> str | None:
    """What to say where features differ between training and evaluation by more than norms and dropout do; else None.

    Args:
        network: is changed.
        inputs: shape (batch, channels, height, width).
    """
    body = network.body.eval()
    with torch.no_grad():
        measured = body(inputs)
    with torch.random.fork_rng(devices=[]), torch.enable_grad(), settled(body.train()):
        torch.manual_seed(0)
        trained = body(inputs)
    if _same(measured, trained.detach()):
        return None
    return "the model answers otherwise while it is trained, by more than norms and dropout do"


def _same(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    one, other = torch.nan_to_num(one), torch.nan_to_num(other)
    return float((one - other).abs().max()) <= SAME * max(float(one.abs().max()), 1e-6)
