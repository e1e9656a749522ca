"""Gradients that are missing, or that are not those of what a model computes: tuning follows them nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from archlock.auditing.evasion.features import takes_part
from archlock.spaces.network import Network
from archlock.tasks.task import Split, Task

MOST_WITHOUT = 0.5
"""Share of the weights that make the features above which those without a gradient count as hidden: dead units leave
some out in any network."""
CHANGES = (1e-3, 3e-3, 1e-2, 1e-1)
"""Changes of the loss, relative to it, that are asked of the gradient: below the first arithmetic drowns them."""
FEWEST, MOST = 0.1, 10.0
"""Between these lies what a step along the gradient does to the loss, as a share of what the gradient says. Wide, since
networks of rounded weights or features are trained with gradients that fit them in sign and size alone."""
ALIKE = 0.5
"""Share from which on a step changes the loss as the next longer one does."""
GROUPS, LEAST_SHARE = 3, 0.05
"""Parts of the weights that are asked apart, and the share of the squared gradient below which one is not: the way that
changes the loss by it alone would be too long."""

OTHERS = "gradients are not those of what the model computes: a step along them does not change the loss as they say"


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
        if torch.equal(before, before[:1].expand_as(before)):
            return None  # a network that is cut in two gives no gradient, and holds nothing either
        hidden = sum(each.numel() for each in silent if takes_part(each.data, lambda: body(batch.inputs), before))
    if hidden <= MOST_WITHOUT * (heard + hidden):
        return None
    share = hidden / (heard + hidden)
    return f"{share:.0%} of the body's weights get no gradient: the model detaches or rounds its features"


def misled(network: Network, task: Task, batch: Split) -> str | None:
    """What to say where a step along the body's gradient does not change the loss as the gradient says; else None.

    The loss is asked on both sides of the weights, and compared with the gradient's product with the way between them
    as single precision has it. Early, middle and late weights are asked apart, since a gradient that is turned within
    the network is still right behind that place. Where one of `CHANGES` fits, the gradient is believed: a kink or a
    bend spoils others. So it is where the changes do not agree with one another: a loss that moves in jumps, as that of
    binary features, tells nothing.

    Args:
        network: is changed.
        task: gives the loss.
        batch: of the task's training part.
    """
    weights = list(network.train().body.parameters())

    def loss() -> Tensor:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():  # as it is trained, each time with one dropout
            torch.manual_seed(0)
            return task.loss(network(batch.inputs), batch.targets)

    before = loss()
    if not before.requires_grad:
        return None  # see `masked`
    found = torch.autograd.grad(before, weights, allow_unused=True)
    gradient = [torch.zeros_like(each) if part is None else part for each, part in zip(weights, found, strict=True)]
    lengths = [float(part.double().square().sum()) for part in gradient]
    if not 0 < sum(lengths) < float("inf"):
        return None
    size = -(-len(weights) // GROUPS)
    for group in (slice(at, at + size) for at in range(0, len(weights), size)):
        length_squared = sum(lengths[group])
        if length_squared < LEAST_SHARE * sum(lengths):
            continue
        rates = []
        for change in CHANGES:
            step = change * max(abs(before.item()), 1e-3) / length_squared
            rates.append(_rate(loss, weights[group], gradient[group], step))
            if FEWEST <= rates[-1] <= MOST:
                break
        else:
            if any(ALIKE <= shorter / longer <= 1 / ALIKE for shorter, longer in pairwise(rates) if longer):
                return OTHERS
    return None


def _rate(
    loss: Callable[[], Tensor], weights: Sequence[nn.Parameter], gradient: Sequence[Tensor], step: float
) -> float:
    """Difference of the loss between both ends of a way along the gradient, as a share of what the gradient says."""
    kept = [each.detach().clone() for each in weights]
    ends, losses = [], []
    for sign in (1, -1):
        with torch.no_grad():
            for each, before, part in zip(weights, kept, gradient, strict=True):
                each.copy_(before + sign * step * part)
            ends.append([each.detach().clone() for each in weights])
        losses.append(loss().item())
    with torch.no_grad():
        for each, before in zip(weights, kept, strict=True):
            each.copy_(before)
        said = sum(
            float(((one - other).double() * part.double()).sum())
            for one, other, part in zip(*ends, gradient, strict=True)
        )
    return (losses[0] - losses[1]) / said if said else 0.0
