"""Zero-cost scores of an audited architecture, by their place in a population of random networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import torch

from archlock.attacks import Loot
from archlock.attacks.method import Situation
from archlock.attacks.tuning import initialised_anew
from archlock.iospec import IOSpec
from archlock.proxies import PROXIES, score_network
from archlock.scores import Score, ScoreFailed
from archlock.seeding import derive_seed, numpy_generator, torch_generator
from archlock.spaces.network import Network
from archlock.spaces.registry import load_space
from archlock.tasks.task import Split, Task
from archlock.training.fit import at_once

NAMES = ("params", "macs", "l2_norm", "grad_norm", "snip", "synflow", "nwot")
"""Scores that one shared pass gives, and that any architecture has."""
POPULATION = 24
BATCH, FEWEST = 16, 4
"""Samples that networks are scored on; fewer of large pictures, whose gradients take gigabytes."""
SPACE = "hybrid"


def proxy_places(loot: Loot, situation: Situation) -> dict[str, tuple[float, float] | str]:
    """Score and place of the architecture, initialised anew, on a batch of the target.

    Args:
        loot: the model; its weights are not used.
        situation: the target, and the seed that draws batch, weights and population.

    Returns:
        Name to (score, share of `POPULATION` random networks of the hybrid space with a lower one), or the reason
        why there is none.
    """
    target = situation.target
    own, batch = own_scores(loot, situation), _batch(situation)
    others = [_scores(network, batch, target) for network in _population(target.io, situation.seed)]
    return {name: _place(own[name], [other[name] for other in others], name) for name in NAMES}


def own_scores(loot: Loot, situation: Situation) -> Mapping[str, Score | ScoreFailed]:
    """Scores of the architecture, initialised anew, on a batch of the target; see `proxy_places`."""
    return _scores(initialised_anew(loot, situation), _batch(situation), situation.target)


def _batch(situation: Situation) -> Split:
    train = situation.target.train
    drawn = torch.randperm(len(train), generator=torch_generator(situation.seed, "proxies", situation.target.name))
    return train.take(drawn[: max(FEWEST, at_once(train.inputs, BATCH))])


def _scores(network: Network, batch: Split, task: Task) -> Mapping[str, Score | ScoreFailed]:
    return score_network(network, batch.inputs, batch.targets, task.loss, NAMES)


def _place(own: Score | ScoreFailed, others: Sequence[Score | ScoreFailed], name: str) -> tuple[float, float] | str:
    if isinstance(own, ScoreFailed):
        return own.reason
    known = np.array([other.value for other in others if isinstance(other, Score)])
    if not len(known):
        return "no network of the reference population has this score"
    lower = known < own.value if PROXIES[name].better == "higher" else known > own.value
    return own.value, float(lower.mean())


@lru_cache(maxsize=2)
def _population(io: IOSpec, seed: int) -> tuple[Network, ...]:
    """Random networks of the hybrid space, freshly initialised."""
    space, rng = load_space(SPACE), numpy_generator(seed, "reference population")
    networks = []
    for index in range(POPULATION):
        genotype = space.sample(rng)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, "reference population", index))
            networks.append(space.build(genotype, io))
    return tuple(networks)
