"""Which layers are scored."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

SCORED_LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
"""Layers whose weights are scored: those of the reference (Conv2d, Linear) and the same in one and three dimensions.
Transposed convolutions, embeddings, normalisations and biases are left out, as in the reference."""


def scored_weights(modules: Sequence[nn.Module]) -> list[Tensor]:
    """Weights of the scored layers in module order, a shared one once."""
    found = {id(module.weight): module.weight for module in modules if isinstance(module, SCORED_LAYERS)}
    return list(found.values())
