"""One thread for small numerics, so that sums do not depend on how many cores a machine or a worker has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import torch
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    """The thread pools loaded now; finding them takes longer than most of the work done under them."""
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch and BLAS on one thread; what was set before is restored on leaving."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _blas().limit(limits=1):
            yield
    finally:
        torch.set_num_threads(before)
