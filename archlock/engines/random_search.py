"""Uniform sampling: the baseline every engine is held against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from archlock.engines.fresh import FreshDraws
from archlock.engines.protocol import Evaluation
from archlock.spaces.protocol import Genotype, SearchSpace


class RandomSearch:
    """Draws from the space and learns nothing."""

    def __init__(self, space: SearchSpace, population: int, rng: np.random.Generator) -> None:
        self._space = space
        self._rng = rng
        self._fresh = FreshDraws()

    def ask(self, count: int) -> list[Genotype]:
        """New random genotypes; see `Engine.ask`."""
        return self._fresh.draw(count, lambda: self._space.sample(self._rng))

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Nothing is learned."""
