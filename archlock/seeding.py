"""Random generators spawned from one seed by name, so that results do not depend on the order of work."""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def derive_seed(seed: int, *names: object) -> int:
    """A 63-bit seed for one piece of work, from the run's seed and the work's name.

    The same seed and names give the same result in every process and on every machine.
    """
    text = "\x1f".join([str(seed), *map(repr, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def numpy_generator(seed: int, *names: object) -> np.random.Generator:
    """A numpy generator for one named piece of work."""
    return np.random.default_rng(derive_seed(seed, *names))


def torch_generator(seed: int, *names: object) -> torch.Generator:
    """A torch generator (CPU) for one named piece of work."""
    return torch.Generator().manual_seed(derive_seed(seed, *names))
