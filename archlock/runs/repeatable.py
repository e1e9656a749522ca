"""Global random state that is the same wherever and whenever a unit of work runs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def global_randomness(seed: int) -> Iterator[None]:
    """Seed the global generators of torch (CPU), numpy and random, and put them back afterwards.

    A safety net: layers initialise their weights and drop out units from torch's global generator.
    """
    import numpy as np
    import torch

    python_state, numpy_state = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        np.random.seed(seed % 2**32)
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
