"""Probes: a head on frozen features, linear or of two layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from archlock.attacks.loot import Loot
from archlock.attacks.method import Prepare, Prepared, Situation
from archlock.iospec import IOSpec, OutputKind
from archlock.spaces.network import Network
from archlock.tasks.task import Task
from archlock.training.fit import in_batches

HIDDEN = 128
"""Width of a probe's hidden layer."""


def probe(head_of: Callable[[Network, Situation], nn.Module]) -> Prepare:
    """An attack that trains a head alone; a frozen body gives every trial the same features."""

    def prepare(loot: Loot, situation: Situation) -> Prepared:
        network = loot.rebuild(situation.target.io, situation.head_seed)
        return Prepared(head_of(network, situation), on_features(network, situation.target))

    return prepare


def linear_head(network: Network, situation: Situation) -> nn.Module:
    """The fresh head as it is: one linear layer, or a 1x1 convolution for dense outputs."""
    return network.head


def hidden_head(network: Network, situation: Situation) -> nn.Module:
    """A hidden layer of `HIDDEN` channels before a fresh head."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(situation.head_seed)
        hidden = nn.Sequential(nn.Conv2d(network.features, HIDDEN, 1), nn.ReLU())
        return Network(hidden, HIDDEN, situation.target.io, network.pooling)


def on_features(network: Network, task: Task) -> Task:
    """The same task with the frozen body's features as inputs, standardised by the training part."""
    pooled = task.io.output is not OutputKind.DENSE
    splits = (task.train, task.validation, task.test)
    features = [_features(network, split.inputs, pooled) for split in splits]
    mean = features[0].mean(dim=(0, 2, 3), keepdim=True)
    deviation = features[0].std(dim=(0, 2, 3), keepdim=True).clamp_min(1e-6)
    train, validation, test = (
        replace(split, inputs=(seen - mean) / deviation) for split, seen in zip(splits, features, strict=True)
    )
    _, channels, height, width = features[0].shape
    io = IOSpec(channels, height, width, task.io.output, task.io.outputs)
    return replace(task, io=io, train=train, validation=validation, test=test)


def _features(network: Network, inputs: Tensor, pooled: bool) -> Tensor:
    """(n, features, h, w), with h = w = 1 where only pooled features are needed."""
    network.eval()
    with torch.no_grad():
        parts = []
        for part in in_batches(inputs):
            feature_map = network.embed(part)[:, :, None, None] if pooled else network.body(part)
            parts.append(torch.nan_to_num(feature_map, nan=0.0, posinf=0.0, neginf=0.0))
        return torch.cat(parts)
