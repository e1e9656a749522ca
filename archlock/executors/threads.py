"""One thread per unit of work: sums are then added in one order, whatever the machine and the number of workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]


@contextmanager
def single_threaded() -> Iterator[None]:
    """Limit torch, OpenMP and BLAS to one thread, and put the old limits back afterwards."""
    import torch

    threads = torch.get_num_threads()
    with threadpool_limits(limits=1):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
