"""Imported by the fork server of the workers, once: what every worker then shares. Nothing else may import it.

The first optimiser of a process imports torch._dynamo, which costs 2 s and 70 MB where workers do not share it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module

MODULES = ("numpy", "torch", "torch._dynamo", "archlock.executors.worker", "archlock.executors.processes")

_parent = os.getppid()
for _module in MODULES:
    with suppress(ImportError):
        import_module(_module)
    # Imports take seconds. If the program has ended meanwhile, workers begun for it would only complain.
    if os.getppid() != _parent:
        os._exit(0)
