"""Whether two results are one, and whether a tensor has a part in making them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

SAME = 1e-3
"""Largest difference between two results, relative to the largest value, that arithmetic explains."""
NUDGE = 0.1


def same(one: Tensor, other: Tensor) -> bool:
    """Two results are equal but for what arithmetic explains; what is not finite counts as zero."""
    if one.shape != other.shape:
        return False
    one, other = torch.nan_to_num(one), torch.nan_to_num(other)
    return float((one - other).abs().max()) <= SAME * max(float(one.abs().max()), 1e-6)


def takes_part(tensor: Tensor, ask: Callable[[], Tensor], before: Tensor) -> bool:
    """Features are others where a tensor is another one; asked without gradients.

    The tensor is put back whatever happens: one that lies in no module may be that of the model itself.

    Args:
        tensor: is changed and restored; what cannot be changed is taken to have a part.
        ask: gives the features.
        before: that it gave.
    """
    kept = tensor.clone()
    try:
        if tensor.is_floating_point():
            noise = torch.randn(tensor.shape, generator=torch.Generator().manual_seed(0)).to(tensor)
            tensor += NUDGE * noise * tensor.float().square().mean().sqrt().clamp_min(NUDGE).to(tensor)
        else:
            tensor ^= 1
        try:
            return not same(before, ask())
        finally:
            tensor.copy_(kept)
    except (RuntimeError, ValueError, IndexError):  # what cannot be nudged is not left out for it
        return True
